/** Schemas of documents: what they admit, after JSON Schema 2020-12, and how a refusal is worded. */
import assert from "node:assert/strict";
import test from "node:test";
import { conforms, expectation, type Schema } from "../src/index.ts";

const table: readonly (readonly [
  Schema,
  expects: string,
  good: readonly unknown[],
  bad: readonly unknown[],
])[] = [
  [{ type: "boolean" }, "true or false", [true, false], [0, "true", null]],
  [{ type: "string", minLength: 1 }, "a text", ["a"], ["", 1, null]],
  [{ type: "string", pattern: "[^0-9]" }, "a text", ["1a"], ["", "12"]],
  [{ type: "integer", minimum: 1 }, "a whole number of at least 1", [1, 2], [0, 1.5, "1", Number.NaN]],
  [{ type: "integer", minimum: 1, maximum: 4 }, "a whole number of at least 1 and at most 4", [4], [5]],
  [{ type: "number", exclusiveMinimum: 0 }, "a number above 0", [1e-9], [0, -1, Number.POSITIVE_INFINITY]],
  [
    { type: "number", minimum: 0, exclusiveMaximum: 1 },
    "a number of at least 0 and below 1",
    [0, 0.9],
    [1, -0.1],
  ],
  [
    { type: "number", not: { const: 0 }, expects: "a number other than 0" },
    "a number other than 0",
    [-1],
    [0],
  ],
  [{ enum: ["a", "b"] }, "one of a, b", ["a"], ["c", 0, ["a"]]],
  [
    { type: "array", minItems: 1, items: { type: "number" } },
    "a list",
    [[1, 2]],
    [[], [1, "2"], { length: 1 }],
  ],
  [
    {
      type: "object",
      properties: { size: { type: "integer" }, kind: { enum: ["x"] } },
      required: ["size"],
      additionalProperties: false,
    },
    "an object",
    [{ size: 1 }, { size: 1, kind: "x" }],
    [
      null,
      [],
      {},
      { kind: "x" },
      { size: 1, other: 2 },
      { size: 1, kind: undefined },
      { size: 1, toString: 1 },
    ],
  ],
  [{ anyOf: [{ type: "string" }, { type: "integer" }] }, "a text, or a whole number", ["", 1], [1.5, null]],
];

for (const [schema, expects, good, bad] of table) {
  test(`${JSON.stringify(schema)} admits ${expects}`, () => {
    assert.equal(expectation(schema), expects);
    for (const value of good) assert.ok(conforms(schema, value), JSON.stringify(value));
    for (const value of bad) assert.ok(!conforms(schema, value), JSON.stringify(value));
  });
}
