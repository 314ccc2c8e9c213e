/** Files of events, ours and others': which values conform, and where the others do not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRefusalCounts, lineOf, validateEvents } from "@cupel/audit";
import fc from "fast-check";
import { jsonItems } from "../../src/event/validate/json-items.ts";
import { auditEvent } from "./work-events.ts";

async function* inPieces(bytes: Buffer, size = 7): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function verdictsOf(text: string | Buffer, schema?: unknown): Promise<[number, string][]> {
  const found: [number, string][] = [];
  for await (const { line, refusal } of validateEvents(inPieces(Buffer.from(text)), schema)) {
    found.push([line, refusal === null ? "ok" : `${refusal.kind} ${refusal.pointer} ${refusal.keyword}`]);
  }
  return found;
}

const good = lineOf(auditEvent());
const bad = lineOf(auditEvent({ ctx: { ip: "1.2.3" } }));

test("each line of a file has its verdict; a broken one spoils no other", async () => {
  const lines = [good, "", bad, '{"id":', "  ", "17", good];
  assert.deepEqual(await verdictsOf(lines.join("\r\n")), [
    [1, "ok"],
    [3, "schema /ctx/ip format"],
    [4, "parse  json"],
    [6, "schema  type"],
    [7, "ok"],
  ]);
});

test("each element of an array has its verdict, wherever its lines break", async () => {
  assert.deepEqual(await verdictsOf(`\ufeff\n[\n ${good} ,\n${bad},{"a":"]\\",["}\n, nonsense]\n`), [
    [3, "ok"],
    [4, "schema /ctx/ip format"],
    [4, "schema /id required"],
    [5, "parse  json"],
  ]);
});

test("an array that is cut off, or goes on after its end, is told of", async () => {
  assert.deepEqual(await verdictsOf(`[${good}`), [
    [1, "ok"],
    [1, "parse  json"],
  ]);
  assert.deepEqual(await verdictsOf(`[${good}]\n[${good}]`), [
    [1, "ok"],
    [2, "parse  json"],
  ]);
  assert.deepEqual(await verdictsOf("[1,]", true), [
    [1, "ok"],
    [1, "parse  json"],
  ]);
});

test("files without a value have no verdict", async () => {
  for (const text of ["", " \n\n", "[]", "[ \n ]", "\ufeff"])
    assert.deepEqual(await verdictsOf(text), [], text);
});

test("bytes that are no UTF-8 are refused as such", async () => {
  const bytes = Buffer.concat([Buffer.from(`${good}\n`), Buffer.from([0x22, 0xff, 0x22, 0x0a])]);
  assert.deepEqual(await verdictsOf(bytes), [
    [1, "ok"],
    [2, "parse  utf8"],
  ]);
});

test("what a parser says of a line repeats nothing of it", async () => {
  for await (const { refusal } of validateEvents(inPieces(Buffer.from('{"phone": 13800138000x}')))) {
    assert.ok(refusal !== null && !refusal.message.includes("138"));
  }
});

test("any array is cut into the elements that JSON.parse finds, in pieces of any size", async () => {
  const pieces = fc.integer({ min: 1, max: 9 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), pieces, fc.constantFrom(0, 2), async (values, size, space) => {
      const found: unknown[] = [];
      for await (const { bytes } of jsonItems(
        inPieces(Buffer.from(JSON.stringify(values, null, space)), size),
      )) {
        found.push(JSON.parse(String(bytes)));
      }
      assert.deepEqual(found, JSON.parse(JSON.stringify(values)));
    }),
  );
});

test("what stands in the record after masking conforms", async () => {
  const masked = [
    { ip: "203.0.113.*" },
    { ip: "203.0.113.0" },
    { ip: "2001:db8:0::*" },
    { ip: "***" },
    { ip: "psn1.kq3Zw9aV7nUAAAABc2VjcmV" },
    { ip: "[enc1.aes-256-gcm.AAAAAcU3Xn8KAiCd.R1m0gQ5T7nUAAAAB.kq3-Zw_AAAAAAAAAAAAAAA.c2VjcmV0]" },
    { "u138****8000": "x" },
  ];
  for (const ctx of masked) assert.deepEqual(await verdictsOf(lineOf(auditEvent({ ctx }))), [[1, "ok"]]);
});

const draft07 = {
  $schema: "http://json-schema.org/draft-07/schema#",
  definitions: { level: { enum: ["low", "high"] } },
  type: "object",
  required: ["toString", "level"],
  properties: {
    level: { $ref: "#/definitions/level" },
    at: { format: "date-time" },
    // In 2020-12 it would be refused.
    pair: { items: [{ type: "string" }, true], additionalItems: false },
  },
  dependencies: { level: ["at"] },
};

test("a schema of draft-07 is read as of draft-07", async () => {
  const lines = [
    '{"toString":1,"level":"low","at":"2026-11-27T00:00:00Z","pair":["a",1]}',
    '{"toString":1,"level":"low"}',
    '{"level":"low"}',
    '{"toString":1,"level":"mid","at":"2026-11-27T00:00:00Z"}',
    '{"toString":1,"level":"low","at":"yesterday"}',
    '{"toString":1,"level":"low","at":"2026-11-27T00:00:00Z","pair":["a",1,2]}',
  ];
  assert.deepEqual(await verdictsOf(lines.join("\n"), draft07), [
    [1, "ok"],
    [2, "schema  dependencies"],
    [3, "schema /toString required"],
    [4, "schema /level enum"],
    [5, "schema /at format"],
    [6, "schema /pair additionalItems"],
  ]);
});

test("a schema of 2020-12 is read as of 2020-12, also where it does not say so", async () => {
  const schema = {
    $defs: { name: { type: "string", minLength: 2 } },
    prefixItems: [{ $ref: "#/$defs/name" }, { type: "integer" }],
    items: false,
  };
  const text = '["ab",1]\n'.replace("[", " {}\n[");
  const expected: [number, string][] = [
    [1, "ok"],
    [2, "ok"],
  ];
  for (const $schema of [undefined, "https://json-schema.org/draft/2020-12/schema"]) {
    assert.deepEqual(
      await verdictsOf(text, $schema === undefined ? schema : { ...schema, $schema }),
      expected,
    );
    assert.deepEqual(await verdictsOf('[["a"],["ab",1,2],["ab",1.5]]', schema), [
      [1, "schema /0 minLength"],
      [1, "schema  items"],
      [1, "schema /1 type"],
    ]);
  }
});

test("a name is escaped in a pointer as RFC 6901 says", async () => {
  const schema = { required: ["a/b~c"], properties: { "m/n~o": { type: "string" } } };
  assert.deepEqual(await verdictsOf('{"a/b~c":1,"m/n~o":1}\n{}', schema), [
    [1, "schema /m~1n~0o type"],
    [2, "schema /a~1b~0c required"],
  ]);
});

for (const [what, schema, said] of [
  ["is no object", 17, /no object/],
  [
    "is of another draft",
    { $schema: "http://json-schema.org/draft-04/schema#" },
    /draft-04.*2020-12 and draft-07/,
  ],
  ["is none of its draft", { type: "text" }, /\/type/],
  ["refers to what is not there", { $ref: "https://example.com/other.json" }, /other\.json/],
  ["has a pattern that is none", { pattern: "(" }, /regular expression/],
  ["is asynchronous", { $async: true }, /\$async/],
] as const) {
  test(`a schema that ${what} is refused before anything is read`, () => {
    const unread: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => assert.fail("it was read") };
    assert.throws(() => validateEvents(unread, schema), { code: "EVENT_SCHEMA_INVALID", message: said });
  });
}

test("a schema without end on a value without end is a refusal, and no crash", async () => {
  const schema = { $ref: "#/$defs/list", $defs: { list: { items: { $ref: "#/$defs/list" } } } };
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  assert.deepEqual(await verdictsOf(`{}\n${deep}`, schema), [
    [1, "ok"],
    [2, "schema  $ref"],
  ]);
});

test("refusals are counted by pointer and rule, up to so many pointers", () => {
  const counts = createRefusalCounts(2);
  const add = (pointer: string, keyword = "type") =>
    counts.add({ kind: pointer === "" ? "parse" : "schema", pointer, keyword, message: "" });
  for (const pointer of ["/a", "/b", "/b", "/c", "/a", "/b", "/d"]) add(pointer);
  add("");
  assert.deepEqual(
    counts.byPointer().map(({ pointer, count }) => [pointer, count]),
    [
      ["/b", 3],
      ["/a", 2],
    ],
  );
  assert.deepEqual([counts.elsewhere, counts.schema, counts.parse], [3, 7, 1]);
});
