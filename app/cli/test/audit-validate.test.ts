/** `cupel audit validate`: verdicts for a person and for a program. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventStamper, lineOf } from "@cupel/audit";
import { runCommand } from "../src/index.ts";
import { catchingTerminal, cupel, scratch } from "./harness.ts";

const stamper = createEventStamper({ writer: "test" });
const line = (ip: string): string =>
  lineOf(
    stamper.stamp({
      action: "INFER.REQUEST",
      severity: "INFO",
      subject: { id: "inspector" },
      object: { model: "parts" },
      context: { ip },
    }),
  );

test("a file of events conforms", async () => {
  await using folder = await scratch();
  const path = await folder.write("events.jsonl", `${line("203.0.113.7")}\n${line("::1")}\n`);
  assert.deepEqual(await cupel("audit", "validate", path), {
    status: 0,
    out: `2 events of 2 in ${path} conform.\n`,
    err: "",
  });
});

test("each line that does not is told, with its place and its rule, and the exit status is 65", async () => {
  await using folder = await scratch();
  const path = await folder.write("events.jsonl", `${line("203.0.113.7")}\n${line("nowhere")}\nno JSON\n`);
  const told = await cupel("audit", "validate", path);
  assert.equal(told.status, 65);
  assert.match(told.out, /^line 2: format: \/ctx\/ip is no /m);
  assert.match(told.out, /^line 3: json: /m);
  assert.match(told.out, /1 event of 3 in .* conforms\.\n$/);
  assert.match(
    told.err,
    /error EVENT_INVALID: 2 events in .* did not conform: 1 no JSON, 1 against the schema/,
  );
  assert.ok(!told.out.includes("nowhere"));
});

test("for a program there is one object", async () => {
  await using folder = await scratch();
  const path = await folder.write("events.json", `[${line("x")},\n${line("x")},\n1x,${line("::1")}]`);
  const told = await cupel("audit", "validate", path, "--json");
  const { cupel: _, refused, error, ...rest } = JSON.parse(told.out);
  assert.deepEqual(rest, {
    command: "audit validate",
    file: path,
    schema: null,
    valid: 1,
    parse: 1,
    schemaRefusals: 2,
    byPointer: [
      { kind: "schema", pointer: "/ctx/ip", keyword: "format", count: 2 },
      { kind: "parse", pointer: "", keyword: "json", count: 1 },
    ],
    elsewhere: 0,
    remarks: [],
  });
  assert.deepEqual(
    refused.map(({ line, index, pointer }: Record<string, unknown>) => [line, index, pointer]),
    [
      [1, 0, "/ctx/ip"],
      [2, 1, "/ctx/ip"],
      [3, 2, ""],
    ],
  );
  assert.equal(error.code, "EVENT_INVALID");
});

test("events of others are checked against their schema, also from standard input", async () => {
  await using folder = await scratch();
  const schema = await folder.write(
    "theirs.json",
    JSON.stringify({ $schema: "http://json-schema.org/draft-07/schema#", required: ["user"] }),
  );
  async function* piped() {
    yield Buffer.from('{"user":"a"}\n{"usr":"b"}\n');
  }
  const { terminal, told } = catchingTerminal({ input: piped });
  const words = ["audit", "validate", "-", "--schema", schema];
  assert.equal(await runCommand(words, terminal, { signal: new AbortController().signal }), 65);
  assert.match(told().out, /^line 2: required: \/user is missing\.$/m);
});

for (const [what, words, status, said] of [
  ["no file", ["nowhere.jsonl"], 66, /FILE_UNREADABLE: Cannot read the events in nowhere\.jsonl/],
  ["a folder", ["."], 66, /FILE_UNREADABLE: .*it is a folder/],
  ["nothing piped", ["-"], 64, /ARGUMENT_MISSING: .*nothing is piped/],
  [
    "a schema that is no file",
    ["-", "--schema", "nowhere.json"],
    66,
    /FILE_UNREADABLE: Cannot read the schema/,
  ],
  [
    "a schema that is no JSON",
    ["-", "--schema", import.meta.filename],
    65,
    /EVENT_SCHEMA_INVALID: .*no JSON/,
  ],
] as const) {
  test(`${what} is told`, async () => {
    const told = await cupel("audit", "validate", ...words);
    assert.equal(told.status, status);
    assert.match(told.err, said);
    assert.equal(told.out, "");
  });
}
