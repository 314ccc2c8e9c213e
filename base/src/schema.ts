/**
 * The part of JSON Schema that our documents are declared in (recipe, training, preprocessing). A schema is
 * plain data: its type comes from `XStatic` of TypeBox, its check and the words of a refusal from here, and
 * whoever serves the document can publish it as it is (https://json-schema.org/draft/2020-12).
 */

interface Described {
  /** What the value means, for people. */
  readonly description?: string;
  /** Completes "must be ..." where the schema alone would say it badly. */
  readonly expects?: string;
  readonly default?: unknown;
}

import { own } from "./own.ts";

export type Schema = Described &
  (
    | { readonly type: "boolean" }
    | { readonly type: "string"; readonly minLength?: number; readonly pattern?: string }
    | {
        readonly type: "number" | "integer";
        readonly minimum?: number;
        readonly maximum?: number;
        readonly exclusiveMinimum?: number;
        readonly exclusiveMaximum?: number;
        readonly not?: { readonly const: number };
      }
    | { readonly enum: readonly string[] }
    | { readonly type: "array"; readonly minItems?: number; readonly items: Schema }
    | {
        readonly type: "object";
        readonly properties: Readonly<Record<string, Schema>>;
        readonly required: readonly string[];
        readonly additionalProperties: false;
      }
    | { readonly anyOf: readonly Schema[] }
  );

export function conforms(schema: Schema, value: unknown): boolean {
  if ("anyOf" in schema) return schema.anyOf.some((each) => conforms(each, value));
  if ("enum" in schema) return schema.enum.some((each) => each === value);
  switch (schema.type) {
    case "boolean":
      return typeof value === "boolean";
    case "string":
      return (
        typeof value === "string" &&
        value.length >= (schema.minLength ?? 0) &&
        new RegExp(schema.pattern ?? "", "u").test(value)
      );
    case "number":
      return Number.isFinite(value) && isWithin(schema, Number(value));
    case "integer":
      return Number.isSafeInteger(value) && isWithin(schema, Number(value));
    case "array":
      return (
        Array.isArray(value) &&
        value.length >= (schema.minItems ?? 0) &&
        value.every((each) => conforms(schema.items, each))
      );
    case "object": {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
      const entries = Object.entries(value);
      return (
        schema.required.every((key) => Object.hasOwn(value, key)) &&
        entries.every(([key, each]) => {
          const its = own(schema.properties, key);
          return its !== undefined && conforms(its, each);
        })
      );
    }
  }
}

function isWithin(
  {
    minimum = Number.NEGATIVE_INFINITY,
    maximum = Number.POSITIVE_INFINITY,
    exclusiveMinimum = Number.NEGATIVE_INFINITY,
    exclusiveMaximum = Number.POSITIVE_INFINITY,
    not,
  }: Extract<Schema, { type: "number" | "integer" }>,
  value: number,
): boolean {
  return (
    value >= minimum &&
    value <= maximum &&
    value > exclusiveMinimum &&
    value < exclusiveMaximum &&
    value !== not?.const
  );
}

/** Completes "must be ...": "a whole number of at least 1", "one of sgd, adamw". */
export function expectation(schema: Schema): string {
  if (schema.expects !== undefined) return schema.expects;
  if ("anyOf" in schema) return schema.anyOf.map(expectation).join(", or ");
  if ("enum" in schema) return `one of ${schema.enum.join(", ")}`;
  switch (schema.type) {
    case "boolean":
      return "true or false";
    case "string":
      return "a text";
    case "number":
    case "integer": {
      const limits = [
        schema.minimum === undefined ? "" : `at least ${schema.minimum}`,
        schema.exclusiveMinimum === undefined ? "" : `above ${schema.exclusiveMinimum}`,
        schema.maximum === undefined ? "" : `at most ${schema.maximum}`,
        schema.exclusiveMaximum === undefined ? "" : `below ${schema.exclusiveMaximum}`,
      ].filter((limit) => limit !== "");
      const kind = schema.type === "integer" ? "a whole number" : "a number";
      if (limits.length === 0) return kind;
      return `${kind} ${limits[0]!.startsWith("at") ? "of " : ""}${limits.join(" and ")}`;
    }
    case "array":
      return "a list";
    case "object":
      return "an object";
  }
}
