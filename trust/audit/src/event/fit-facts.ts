/**
 * Makes an event short enough to be recorded. What a client chose (the name of a model, an error message that repeats it)
 * may be of any length, and no request may stay out of the record by that: facts are cut, end in "…", and the fact
 * `ctx.shortened` names those that were. Nothing is cut in the middle of what masking would find: half a number of a card
 * would be taken for none and stay.
 */
import type { EventFacts } from "@cupel/base";
import type { AuditEvent } from "../audit-event.ts";
import { findSensitive } from "../masking/detect/find-sensitive.ts";
import { detectedKinds } from "../masking/detect/hit.ts";
import { longestFact, mostFacts } from "./event-schema.ts";
import { lineRefusal } from "./line.ts";

/** Units of UTF-16. Three maps of 32 facts of this length fit into a line, whatever their characters. */
const shortFact = 200;
/** Characters of a fact, tried one after the other until the line fits. */
const lengths = [longestFact, 1024, 256];
/** With facts of this length every line fits, encrypted or not. */
const leastLength = 64;
/** Units after the cut in which something that spans it is looked for. */
const lookahead = 4096;

const ellipsis = "\u2026";
const allKinds = new Set(detectedKinds);

/** The event itself where it fits, as nearly all do. One that is malformed is left to the check. */
export function fitEvent(event: AuditEvent): AuditEvent {
  const { sub, obj, ctx } = event;
  if (!hasLong(sub) && !hasLong(obj) && !hasLong(ctx)) return event;
  if (![sub, obj, ctx].every(areFacts)) return event;
  for (const length of lengths) {
    const shortened = shortenFacts(event, length);
    if (lineRefusal(shortened) === null) return shortened;
  }
  return shortenFacts(event, leastLength);
}

/** Masks an event of a stamper. Where that makes the line too long it is masked anew, with short facts. */
export function maskToFit(event: AuditEvent, masker: { mask(event: AuditEvent): AuditEvent }): AuditEvent {
  const masked = masker.mask(event);
  if (masked === event || lineRefusal(masked) === null) return masked;
  return masker.mask(shortenFacts(event, leastLength));
}

/** @param length characters that each fact may have */
function shortenFacts(event: AuditEvent, length: number): AuditEvent {
  const names: string[] = [];
  const shorten = (map: "sub" | "obj" | "ctx"): EventFacts =>
    Object.fromEntries(
      Object.entries(event[map]).map(([name, text]) => {
        const cut = shortText(text, length);
        if (cut !== text) names.push(`${map}.${name}`);
        return [name, cut];
      }),
    );
  const [sub, obj, ctx] = [shorten("sub"), shorten("obj"), shorten("ctx")];
  if (names.length === 0) return event;
  const hasRoom = Object.keys(ctx).length < mostFacts || Object.hasOwn(ctx, "shortened");
  const shortened = shortText(names.join(" "), length);
  return { ...event, sub, obj, ctx: hasRoom ? { ...ctx, shortened } : ctx };
}

function hasLong(facts: EventFacts): boolean {
  for (const text of Object.values(facts ?? {})) if (text?.length > shortFact) return true;
  return false;
}

function areFacts(facts: EventFacts): boolean {
  return (
    typeof facts === "object" &&
    facts !== null &&
    Object.values(facts).every((text) => typeof text === "string")
  );
}

/** Well-formed text stays so. */
function shortText(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  for (let count = 1; count < length; count++) end += unitsAt(text, end);
  // It has fewer characters than units, and they may fit.
  if (end + unitsAt(text, end) >= text.length) return text;
  for (const hit of findSensitive(text.slice(0, end + lookahead), allKinds) ?? []) {
    if (hit.start < end && hit.end > end) end = hit.start;
  }
  return text.slice(0, end) + ellipsis;
}

function unitsAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
