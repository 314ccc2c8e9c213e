/** Which values of a file are events, and why the others are none: behind `cupel audit validate`. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { recordedEventSchema } from "../event-schema.ts";
import { formats } from "../formats.ts";
import { longestLine } from "../line.ts";
import { parseJson, refused } from "../parse-json.ts";
import { type EventRefusal, eventRefusalOf, refusalOf } from "../refusal.ts";
import { compileSchema } from "./foreign-schema.ts";
import { type JsonItem, jsonItems, longestItem } from "./json-items.ts";

export interface EventVerdict {
  /** Of values, from 0. */
  readonly index: number;
  /** Where it begins in the file, from 1. */
  readonly line: number;
  /** Null where it conforms. */
  readonly refusal: EventRefusal | null;
}

type Check = (value: unknown, bytes: number) => EventRefusal | null;

/**
 * @param chunks of a file of JSON Lines, or of one JSON array, in UTF-8
 * @param schema 2020-12 or draft-07. Default: that of the record, masked or not, and its bound for a line.
 * @throws EVENT_SCHEMA_INVALID, at once; and what reading throws
 */
export function validateEvents(
  chunks: AsyncIterable<Uint8Array>,
  schema?: unknown,
): AsyncGenerator<EventVerdict, void, undefined> {
  return verdicts(chunks, schema === undefined ? ownCheck() : foreignCheck(schema));
}

async function* verdicts(
  chunks: AsyncIterable<Uint8Array>,
  check: Check,
): AsyncGenerator<EventVerdict, void, undefined> {
  for await (const item of jsonItems(chunks)) {
    const { index, line } = item;
    yield { index, line, refusal: refusalOfItem(item, check) };
  }
}

function refusalOfItem({ bytes, refusal }: JsonItem, check: Check): EventRefusal | null {
  if (refusal !== undefined) return refusal;
  if (bytes === null) {
    const { refusal } = refused("length", `It has more than ${longestItem} bytes: it is not even looked at.`);
    return refusal;
  }
  const parsed = parseJson(bytes);
  return "refusal" in parsed ? parsed.refusal : check(parsed.value, bytes.length);
}

function ownCheck(): Check {
  const conforms = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    ownProperties: true,
    formats,
  }).compile(recordedEventSchema);
  return (value, bytes) => {
    if (!conforms(value)) return eventRefusalOf(conforms.errors);
    if (bytes <= longestLine) return null;
    const message = `The event has ${bytes} bytes; ${longestLine} are allowed. Shorten its facts, or record digests of them.`;
    return { kind: "schema", pointer: "", keyword: "maxLineBytes", message };
  };
}

function foreignCheck(schema: unknown): Check {
  const conforms = compileSchema(schema);
  return (value) => {
    try {
      return conforms(value) ? null : refusalOf(conforms.errors);
    } catch (thrown) {
      // A schema that refers to itself follows the value down.
      if (!(thrown instanceof RangeError)) throw thrown;
      const message = "The value is nested too deeply for the schema. Flatten it.";
      return { kind: "schema", pointer: "", keyword: "$ref", message };
    }
  };
}
