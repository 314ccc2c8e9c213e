/**
 * What an event gets when it is recorded: an id, the time, the writer and its place among that writer's events.
 *
 * The time is the wall clock's, made as fine as the monotonic clock is. The wall clock says milliseconds, so that the time
 * is at least what it says and less than a millisecond more; within these bounds the monotonic clock tells, and
 * where it would leave them (the clock was set, or runs at another rate) it is anchored again. No time is given
 * twice or before one that was given: after a clock was set back, times go on by a microsecond an event until it has
 * caught up. So `seq`, `time` and `id` of a writer have one order, whatever the clock does.
 */
import { type Clock, type EventFacts, own, systemClock, type WorkEvent } from "@cupel/base";
import type { AuditEvent } from "../audit-event.ts";
import { auditErrors } from "../errors.ts";
import { gate, gates } from "../masking/detect/gate.ts";
import { actionOf } from "./actions.ts";
import { writerPattern } from "./event-schema.ts";
import { fitEvent } from "./fit-facts.ts";
import { createUuidV7Source } from "./uuid-v7.ts";
import { visibleText } from "./visible-text.ts";

/** The last event that a stamper of this thread has made. */
let justStamped: AuditEvent | null = null;

/** Whether a stamper made it, and none since: `checkEvent` then need not look at what the stamper saw to. */
export function isJustStamped(event: unknown): event is AuditEvent {
  return event === justStamped;
}

/** What is an event's own, whatever happened. */
export type Stamp = Pick<AuditEvent, "id" | "time" | "writer" | "seq">;

export interface EventStamper {
  /** Of the next event, which MUST have it. */
  next(): Stamp;
  /**
   * Control characters in facts are replaced by signs that show them, and facts that are too long are cut, of which
   * `ctx.shortened` tells; nothing else of the event is changed.
   * @param its default the next one
   */
  stamp(event: WorkEvent, its?: Stamp): AuditEvent;
}

export interface EventStamperOptions {
  /** Of the record, unique to this stamper: letters, digits and . _ : - */
  readonly writer: string;
  /** Default the system's. */
  readonly clock?: Clock;
  /** Of the first event. Default 0. */
  readonly firstSeq?: number;
  /** No time is given before it, in microseconds since the Unix epoch; of a writer that goes on. Default 0. */
  readonly notBefore?: number;
  /**
   * Told when the wall clock was set by more than a second against the monotonic one, before the event is returned. A
   * machine that slept is seen so too.
   * @param byMs above 0 where it was set forward
   */
  readonly onClockSet?: (byMs: number) => void;
}

const writerForm = new RegExp(writerPattern, "u");

/** Milliseconds. What a clock that is kept right by small steps does stays below. */
const noticed = 1000;
const microsecondsAMs = 1000;

/** @throws EVENT_INVALID where the writer has another form */
export function createEventStamper({
  writer,
  clock = systemClock,
  firstSeq = 0,
  notBefore = 0,
  onClockSet = () => {},
}: EventStamperOptions): EventStamper {
  if (!writerForm.test(writer)) {
    const message =
      "A writer of the record has letters, digits and . _ : - in its name, at most 128 of them.";
    throw auditErrors.error("EVENT_INVALID", message, { details: { pointer: "/writer" } });
  }
  const ids = createUuidV7Source();
  const texts = createTimeTexts();
  let seq = firstSeq;
  let last = notBefore - 1;
  /** Of the wall clock less the monotonic one, in microseconds. */
  let offset = Number.NaN;
  const microseconds = (): number => {
    const least = Math.floor(clock.now() * microsecondsAMs);
    const monotonic = clock.monotonic() * microsecondsAMs;
    const expected = Math.floor(offset + monotonic);
    const most = least + microsecondsAMs - 1;
    let time = expected;
    // Not a number at first.
    if (!(expected >= least && expected <= most)) {
      time = expected > most ? most : least;
      offset = time - monotonic;
      const byMs = (time - expected) / microsecondsAMs;
      if (Math.abs(byMs) > noticed) onClockSet(byMs);
    }
    last = time > last ? time : last + 1;
    return last;
  };
  const next = (): Stamp => {
    const time = microseconds();
    return { id: ids.next(time), time: texts.of(time), writer, seq: seq++ };
  };
  return {
    next,
    stamp({ action, severity, subject, object, context }, { id, time, seq } = next()) {
      justStamped = fitEvent({
        id,
        time,
        writer,
        seq,
        severity,
        action,
        sub: withKind(visibleFacts(subject), action),
        obj: visibleFacts(object),
        ctx: visibleFacts(context),
      });
      return justStamped;
    },
  };
}

function withKind(subject: EventFacts, action: string): EventFacts {
  // What is no object is left to the check.
  if (typeof subject !== "object" || subject === null || Object.hasOwn(subject, "kind")) return subject;
  const kind = actionOf(action)?.subjects[0];
  return kind === undefined ? subject : { kind, ...subject };
}

/** The facts themselves where nothing is to be replaced. What is no text is left to the check. */
function visibleFacts(facts: EventFacts): EventFacts {
  for (const name in facts) {
    const text: unknown = own(facts, name);
    if (typeof text === "string" && isSuspicious(text) && visibleText(text) !== text) return replaced(facts);
  }
  return facts;
}

const isSuspicious = (text: string): boolean => (gate(text) & gates.hidden) !== 0;

function replaced(facts: EventFacts): EventFacts {
  return Object.fromEntries(
    Object.entries(facts).map(([name, text]) => [name, typeof text === "string" ? visibleText(text) : text]),
  );
}

/** RFC 3339 with six digits of a second, made of bytes as ids are. The part that a second's events share is written once. */
function createTimeTexts() {
  const text = Buffer.from("0000-00-00T00:00:00.000000Z");
  let ofSeconds = Number.NaN;
  return {
    of(microseconds: number): string {
      const seconds = Math.floor(microseconds / 1e6);
      if (seconds !== ofSeconds) {
        ofSeconds = seconds;
        text.write(new Date(1000 * seconds).toISOString().slice(0, 19), "latin1");
      }
      let rest = microseconds - 1e6 * seconds;
      for (let at = 25; at >= 20; at--) {
        const more = Math.floor(rest / 10);
        text[at] = 0x30 + rest - 10 * more;
        rest = more;
      }
      return text.toString("latin1");
    },
  };
}
