/**
 * What a log records of its retention, taken event by event: what is removed, which holds are in force, and whether one was
 * broken. The writer goes on from it, and whoever verifies the log judges by it.
 *
 * So that what is left of the record always tells the holds, retention MUST keep the event that set a hold as long as it
 * is in force, and the one that released it as long as the one that set it is there: see `isNeeded`.
 */
import type { LeafRange } from "../tree/proof.ts";
import { IndexRanges } from "./index-ranges.ts";
import { isHeld, type RecordedHold, type RetentionStep, type SegmentSpan } from "./retention-events.ts";

export interface HoldPeriod {
  readonly hold: RecordedHold;
  /** Index of the event that set it. */
  readonly set: number;
  /** Of the one that released it; null while it is in force. */
  readonly released: number | null;
}

export interface BrokenHold {
  readonly id: string;
  /** That it covered, and that were removed. */
  readonly range: LeafRange;
  /** Of the event that records the removal. */
  readonly index: number;
}

export interface RetentionState {
  /** As it is written; null for ever. */
  readonly keep: string | null;
  readonly holds: readonly HoldPeriod[];
  readonly removed: IndexRanges;
}

interface Removal {
  readonly index: number;
  readonly span: SegmentSpan;
}

export class RetentionHistory {
  #keep: string | null;
  #holds: HoldPeriod[];
  #removed: IndexRanges;
  readonly #removals: Removal[] = [];

  constructor(
    { keep, holds, removed }: RetentionState = { keep: null, holds: [], removed: IndexRanges.none },
  ) {
    this.#keep = keep;
    this.#holds = [...holds];
    this.#removed = removed;
  }

  /** @param index rises from call to call */
  take(step: RetentionStep, index: number): void {
    switch (step.kind) {
      case "change":
        this.#keep = step.keep;
        break;
      case "set":
        this.#release(step.hold.id, index);
        this.#holds.push({ hold: step.hold, set: index, released: null });
        break;
      case "release":
        this.#release(step.id, index);
        break;
      case "delete":
        this.#removed = this.#removed.with(step.span.range, ...step.removed.ranges);
        this.#removals.push({ index, span: step.span });
        break;
    }
  }

  get state(): RetentionState {
    return { keep: this.#keep, holds: this.#present, removed: this.#removed };
  }

  get removed(): IndexRanges {
    return this.#removed;
  }

  get inForce(): readonly RecordedHold[] {
    return this.#present.filter(({ released }) => released === null).map(({ hold }) => hold);
  }

  /** Whether an event of `range` must be there for the holds to be told. @param removed what will be removed with it */
  isNeeded({ begin, end }: LeafRange, removed: IndexRanges): boolean {
    const isIn = (index: number) => begin <= index && index < end;
    return this.#present.some(({ set, released }) =>
      released === null ? isIn(set) : isIn(released) && !removed.has(set) && !isIn(set),
    );
  }

  /** Holds that a removal of which an event tells went against. */
  get broken(): readonly BrokenHold[] {
    return this.#removals.flatMap(({ index, span }) =>
      this.#present
        .filter(({ set, released }) => set < index && (released === null || released > index))
        .filter(({ hold }) => isHeld(hold, span.times))
        .map(({ hold }) => ({ id: hold.id, range: span.range, index })),
    );
  }

  /** What was set by an event that is removed was released, though the event that tells it may be removed too. */
  get #present(): HoldPeriod[] {
    return this.#holds.filter(({ set }) => !this.#removed.has(set));
  }

  #release(id: string, index: number): void {
    this.#holds = this.#holds.map((period) =>
      period.hold.id === id && period.released === null ? { ...period, released: index } : period,
    );
  }
}
