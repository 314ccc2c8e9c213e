/** `cupel audit validate`: which lines of a file are events, and where the others are not. */
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { auditErrors, createRefusalCounts, type RefusalCounts, validateEvents } from "@cupel/audit";
import { openRegular, readRegular, reasonOf } from "@cupel/base";
import { text } from "../../arguments/option.ts";
import { standardInput } from "../../arguments/parse.ts";
import { cliErrors } from "../../errors.ts";
import { countText, numberOf } from "../../terminal/figures.ts";
import { tableText } from "../../terminal/table.ts";
import type { Command, CommandContext, Result } from "../command.ts";

const schemaOption = text({
  name: "schema",
  placeholder: "FILE",
  summary:
    "A JSON Schema of 2020-12 or draft-07 to check against; format is asserted, and references stay within the file",
  fallback: "that of Cupel's record, whose lines may be masked",
});

export const auditValidateCommand: Command = {
  description:
    "Each line that does not conform is told with the place in it (a JSON pointer, RFC 6901) and the keyword of the schema that it breaks; nothing of " +
    "its content is repeated. What is no JSON at all is told apart. Lines are counted from 1. The exit status is 65 where something does not conform.",
  operands: [
    {
      name: "FILE",
      summary: "Events as JSON Lines or as one JSON array, or - for standard input",
      readsStandardInput: true,
    },
  ],
  options: [schemaOption],
  examples: [
    { line: "cupel audit validate events.jsonl", says: "events that are to go into the record" },
    {
      line: "cupel audit validate events.json --schema theirs.schema.json",
      says: "events of others, by their schema",
    },
    { line: "cupel audit validate events.jsonl --json | jq .byPointer", says: "for a program" },
  ],
  async run(given, context) {
    const path = given.operands[0]!;
    const schemaPath = given.get(schemaOption);
    const schema = schemaPath === undefined ? undefined : await readSchema(schemaPath);
    const chunks = path === standardInput ? pipedIn(context) : await openFile(path, context);
    const verdicts = validated(chunks, schema);
    const counts = createRefusalCounts();
    let valid = 0;
    async function* items() {
      for await (const { index, line, refusal } of verdicts) {
        if (refusal === null) {
          valid++;
          continue;
        }
        counts.add(refusal);
        const { kind, pointer, keyword, message } = refusal;
        yield {
          json: { line, index, kind, pointer, keyword, message },
          text: `line ${line}: ${keyword}: ${message}`,
        };
      }
    }
    return {
      begin: { json: { file: path, schema: schemaPath ?? null }, text: "" },
      list: "refused",
      items: items(),
      end: () => summaryOf(path, valid, counts),
    };
  },
};

function summaryOf(path: string, valid: number, counts: RefusalCounts): Result {
  const { parse, schema, elsewhere } = counts;
  const refused = parse + schema;
  const byPointer = counts.byPointer();
  const sentence = `${numberOf(valid, "event")} of ${countText(valid + refused)} in ${path} ${valid === 1 ? "conforms" : "conform"}`;
  const table = tableText([
    ["events", "pointer", "keyword"],
    ...byPointer.map(({ pointer, keyword, count }) => [
      countText(count),
      pointer === "" ? "(whole)" : pointer,
      keyword,
    ]),
    ...(elsewhere > 0 ? [[countText(elsewhere), "(other places)", ""]] : []),
  ]);
  const failure = auditErrors.error(
    "EVENT_INVALID",
    `${numberOf(refused, "event")} in ${path} did not conform: ${countText(parse)} no JSON, ${countText(schema)} against the schema.`,
    { details: { refused, parse, schema } },
  );
  return {
    json: { valid, parse, schemaRefusals: schema, byPointer, elsewhere },
    text: refused === 0 ? `${sentence}.` : `\n${table}\n\n${sentence}.`,
    failure: refused === 0 ? null : failure,
  };
}

/** @throws FILE_UNREADABLE, EVENT_SCHEMA_INVALID */
async function readSchema(path: string): Promise<unknown> {
  const bytes = await readRegular(path).catch((thrown: unknown) => {
    throw unreadable("schema", path, thrown);
  });
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (thrown) {
    const message = `The schema ${path} is no JSON: ${reasonOf(thrown)}.`;
    throw auditErrors.error("EVENT_SCHEMA_INVALID", message, { cause: thrown });
  }
}

/** What was opened is closed where the schema is none. */
function validated(chunks: Readable | AsyncIterable<Uint8Array>, schema: unknown) {
  try {
    return validateEvents(chunks, schema);
  } catch (thrown) {
    if (chunks instanceof Readable) chunks.destroy();
    throw thrown;
  }
}

/** @throws FILE_UNREADABLE */
async function openFile(path: string, { signal }: CommandContext): Promise<Readable> {
  const file = await openRegular(path).catch((thrown: unknown) => {
    throw unreadable("events", path, thrown);
  });
  return createReadStream(path, { fd: file, signal, highWaterMark: 2 ** 18 });
}

function unreadable(what: string, path: string, thrown: unknown) {
  return cliErrors.error("FILE_UNREADABLE", `Cannot read the ${what} in ${path}: ${reasonOf(thrown)}.`, {
    cause: thrown,
    details: { file: path },
  });
}

/** @throws ARGUMENT_MISSING where nothing is piped */
function pipedIn({ terminal }: CommandContext): AsyncIterable<Uint8Array> {
  const input = terminal.input();
  if (input !== null) return input;
  throw cliErrors.error(
    "ARGUMENT_MISSING",
    'FILE is "-", standard input, but nothing is piped into it. Write: cupel audit validate - < events.jsonl',
    { details: { argument: standardInput } },
  );
}
