/**
 * Why something is no event of the record. It says where and what to do, and repeats nothing of what was given: that may be
 * personal data, and a refusal goes to logs and metrics.
 */
import type { ErrorObject } from "ajv/dist/2020.js";
import { longestFact, mostFacts, severities } from "./event-schema.ts";
import { subjectKinds } from "./subject-kinds.ts";

export interface EventRefusal {
  /** Whether it is not even JSON, or JSON of another form. */
  readonly kind: "parse" | "schema";
  /** RFC 6901: what does not conform, or what is missing. "" is the whole. */
  readonly pointer: string;
  /** Of JSON Schema, or `json`, `utf8`, `length` of what does not parse, or `maxLineBytes`. */
  readonly keyword: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** @param errors of ajv, the first of which is the innermost */
export function refusalOf(errors: readonly ErrorObject[] | null | undefined): EventRefusal {
  const [error] = errors ?? [];
  if (error === undefined) {
    return {
      kind: "schema",
      pointer: "",
      keyword: "false schema",
      message: "Nothing conforms to the schema.",
    };
  }
  const { instancePath, params, propertyName } = error;
  const keyword = propertyName === undefined ? error.keyword : "propertyNames";
  const missing = keyword === "required" ? pointerTo(instancePath, String(params.missingProperty)) : null;
  const pointer = missing ?? instancePath;
  return { kind: "schema", pointer, keyword, message: `${nameOf(pointer)} ${fault(keyword, error)}` };
}

/** Of an event of ours: with advice that the schema alone does not give. */
export function eventRefusalOf(errors: readonly ErrorObject[] | null | undefined): EventRefusal {
  const refusal = refusalOf(errors);
  const advice = adviceAt.get(refusal.pointer) ?? adviceOf.get(refusal.keyword);
  return advice === undefined ? refusal : { ...refusal, message: `${refusal.message} ${advice}` };
}

export function pointerTo(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function nameOf(pointer: string): string {
  return pointer === "" ? "The value" : pointer;
}

/** A sentence, without its subject. Of what was given it says the type at most. */
function fault(keyword: string, { params, message }: ErrorObject): string {
  switch (keyword) {
    case "required":
      return "is missing.";
    case "type":
      return `must be ${[params.type].flat().join(" or ")}.`;
    case "additionalProperties":
    case "unevaluatedProperties":
      return "has a member that the schema does not know.";
    case "propertyNames":
      return "has a member whose name is not allowed.";
    case "pattern":
      return "has another form than it must have.";
    case "enum":
    case "const":
      return "is none of the values that are allowed.";
    case "format":
      return `is no ${String(params.format)}.`;
    default:
      // The words of ajv for limits: they have the limit, and nothing of the value.
      return `${message ?? `does not conform to ${keyword}`}.`;
  }
}

const adviceAt: ReadonlyMap<string, string> = new Map([
  ["/action", "Use a code of the table of actions, docs/audit-events.md."],
  ["/severity", `Use one of ${severities.join(", ")}.`],
  [
    "/sub/kind",
    `Use one of ${Object.keys(subjectKinds).join(", ")} that can do the action, docs/audit-events.md.`,
  ],
  ["/ctx/ip", "Write an IPv4 or IPv6 address without a port, or leave it out."],
  ["/sub/id", "Say who it was: the name of a key, of a person, of a part of Cupel."],
  ["/seq", "Count the events of a writer from 0."],
  ["/time", "Write it as in 2026-11-27T00:41:09.123456Z."],
  ["/id", "Use a UUID of version 7 in lower case."],
]);

const adviceOf: ReadonlyMap<string, string> = new Map([
  ["required", "Write it; a map of facts may be empty."],
  ["type", "Facts are flat: write numbers as text, and what is nested as facts of their own."],
  ["maxLength", `A fact has at most ${longestFact} characters: shorten it, or record its digest.`],
  ["maxProperties", `There are at most ${mostFacts} facts: leave some out.`],
  ["pattern", "Leave out control characters, marks of writing direction and halves of surrogate pairs."],
  ["additionalProperties", "An event has id, time, writer, seq, severity, action, sub, obj, ctx."],
  ["propertyNames", "A name begins with a letter and has at most 64 letters, digits, _ . and -."],
]);
