/**
 * What the record says of retention, written and read back. A removal is recorded before it is done, one event a segment,
 * with all that was removed until then: so the last such event tells of those that were removed themselves.
 *
 * Holds and ranges stand in `obj` as they are, unmasked: they are read back. What a person wrote, the reason, is in `ctx`.
 */
import { type EventFacts, own, type WorkEvent } from "@cupel/base";
import type { LeafRange } from "../tree/proof.ts";
import { parseTreeSize } from "../tree/tree-size.ts";
import { IndexRanges } from "./index-ranges.ts";
import type { LegalHold } from "./retention-policy.ts";

/** Milliseconds since 1970, both included. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

export interface SegmentSpan {
  readonly range: LeafRange;
  /** Of its oldest and its newest event. */
  readonly times: TimeRange;
}

/** A hold as the record has it. */
export interface RecordedHold {
  readonly id: string;
  /** As they are written; "" for none. */
  readonly from: string;
  readonly to: string;
}

export type RetentionStep =
  | { readonly kind: "change"; readonly keep: string | null }
  | { readonly kind: "set"; readonly hold: RecordedHold }
  | { readonly kind: "release"; readonly id: string }
  | { readonly kind: "delete"; readonly span: SegmentSpan; readonly removed: IndexRanges };

const forEver = "for ever";
const subject = { kind: "system", id: "recorder" } as const;

function event(action: string, object: EventFacts, context: EventFacts = {}): WorkEvent {
  return { action, severity: "WARN", subject, object, context };
}

export function changeEvent(keep: string | null, before: string | null): WorkEvent {
  return event("AUDIT.RETENTION.CHANGE", { keep: keep ?? forEver, before: before ?? forEver });
}

export function setEvent({ id, from = "", to = "", reason, until }: LegalHold): WorkEvent {
  return event(
    "AUDIT.HOLD.SET",
    { hold: id, from, to },
    { reason, ...(until === undefined ? {} : { until }) },
  );
}

/** @param cause "released", or "until" where its time was over */
export function releaseEvent(id: string, cause: "released" | "until"): WorkEvent {
  return event("AUDIT.HOLD.RELEASE", { hold: id }, { cause });
}

/** @param removed until then, this segment among it */
export function deleteEvent({ range, times }: SegmentSpan, removed: IndexRanges): WorkEvent {
  return event("AUDIT.RETENTION.DELETE", {
    from: String(range.begin),
    to: String(range.end - 1),
    events: String(range.end - range.begin),
    oldest: new Date(times.from).toISOString(),
    newest: new Date(times.to).toISOString(),
    removed: removed.text,
  });
}

/** Before a line is parsed: few have it. */
const mark = Buffer.from('"action":"AUDIT.');

/** Null for a line that says nothing of retention, or nothing that can be read. */
export function stepOf(line: Uint8Array): RetentionStep | null {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  if (!bytes.includes(mark)) return null;
  try {
    const { action, obj }: { action?: unknown; obj?: unknown } = JSON.parse(bytes.toString());
    const read = typeof action === "string" ? readers.get(action) : undefined;
    return read === undefined || typeof obj !== "object" || obj === null ? null : read(factsOf({ ...obj }));
  } catch {
    return null;
  }
}

type Facts = (name: string) => string;

function factsOf(obj: Readonly<Record<string, unknown>>): Facts {
  return (name) => String(own(obj, name) ?? "");
}

const readers: ReadonlyMap<string, (fact: Facts) => RetentionStep | null> = new Map([
  [
    "AUDIT.RETENTION.CHANGE",
    (fact) => ({ kind: "change", keep: fact("keep") === forEver ? null : fact("keep") }),
  ],
  [
    "AUDIT.HOLD.SET",
    (fact) => ({ kind: "set", hold: { id: fact("hold"), from: fact("from"), to: fact("to") } }),
  ],
  ["AUDIT.HOLD.RELEASE", (fact) => ({ kind: "release", id: fact("hold") })],
  ["AUDIT.RETENTION.DELETE", deletionOf],
]);

function deletionOf(fact: Facts): RetentionStep | null {
  const begin = parseTreeSize(fact("from"));
  const last = parseTreeSize(fact("to"));
  const times = { from: Date.parse(fact("oldest")), to: Date.parse(fact("newest")) };
  const removed = IndexRanges.parse(fact("removed"));
  if (begin === null || last === null || removed === null || Number.isNaN(times.from + times.to)) return null;
  return { kind: "delete", span: { range: { begin, end: last + 1 }, times }, removed };
}

/** Whether a hold covers something of the time of a segment, which then stays whole. */
export function isHeld({ from, to }: RecordedHold, times: TimeRange): boolean {
  const begins = from === "" ? Number.NEGATIVE_INFINITY : Date.parse(from);
  // Times are kept to the millisecond, and events have microseconds: the whole millisecond is held.
  const ends = to === "" ? Number.POSITIVE_INFINITY : Date.parse(to);
  return times.from <= ends && begins <= times.to;
}
