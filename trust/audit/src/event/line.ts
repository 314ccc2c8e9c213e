/** An event as a line of the record, and back. What is hashed and signed are the bytes of the line. */
import { type EventFacts, own } from "@cupel/base";
import type { AuditEvent } from "../audit-event.ts";
import { type EventRefusal, pointerTo } from "./refusal.ts";

/** Of a line without its end: entry bundles say lengths in 16 bits, https://c2sp.org/tlog-tiles. */
export const longestLine = 65_535;

/** JSON without a newline, the members in the order of AuditEvent, facts in their own. */
export function lineOf({ id, time, writer, seq, severity, action, sub, obj, ctx }: AuditEvent): string {
  return JSON.stringify({ id, time, writer, seq, severity, action, sub, obj, ctx });
}

/** Of a character of a checked event: three in UTF-8; a quotation mark and a backslash take two with their escape. */
export const mostBytesACharacter = 3;

/** Of names of members, punctuation and what is no fact: 9 members, of which the writer has 128 characters at most. */
const bytesBeside = 600;

/** Of a name, which has at most 64 characters of ASCII, and of quotation marks, colon and comma. */
const bytesAFact = 64 + 6;

/**
 * Whether the line would be too long, and which fact has the most of it. Masking may lengthen facts: whoever masks asks
 * again. The line is made only where a sum of lengths does not tell.
 */
export function lineRefusal(event: AuditEvent): EventRefusal | null {
  if (mostBytesOf(event) <= longestLine) return null;
  const bytes = Buffer.byteLength(lineOf(event));
  if (bytes <= longestLine) return null;
  const pointer = longestFactOf(event);
  return {
    kind: "schema",
    pointer,
    keyword: "maxLineBytes",
    message: `The event would have ${bytes} bytes as a line, of which ${pointer} has the most; ${longestLine} are allowed. Shorten it, or record its digest.`,
  };
}

function mostBytesOf({ sub, obj, ctx }: AuditEvent): number {
  return bytesBeside + mostBytesOfFacts(sub) + mostBytesOfFacts(obj) + mostBytesOfFacts(ctx);
}

function mostBytesOfFacts(facts: EventFacts): number {
  let most = 0;
  for (const name in facts) most += mostBytesACharacter * (own(facts, name)?.length ?? 0) + bytesAFact;
  return most;
}

function longestFactOf(event: AuditEvent): string {
  let longest = { pointer: "", length: -1 };
  for (const map of ["sub", "obj", "ctx"] as const) {
    for (const [name, { length }] of Object.entries(event[map])) {
      if (length > longest.length) longest = { pointer: pointerTo(`/${map}`, name), length };
    }
  }
  return longest.pointer;
}
