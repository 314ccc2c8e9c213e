/**
 * The fuse between changes and an alert, as a pure function of what was before, what comes, and the time:
 *
 * - QUIET: nothing, or fewer hits in a row than `hits`. Hits are in a row where less than `silenceMs` lies between each and the next.
 * - RAISED: `hits` in a row came. A P1 is up. It ends `durationMs` after it was raised, or `silenceMs` after the last hit, whichever
 *   is first, whatever comes meanwhile.
 *
 * At its end the state is clear: the hit that comes at that very moment is the first of a new row. Time is monotonic; a clock that
 * goes back is taken to stand still.
 */
import type { Clock } from "@cupel/base";

export interface FuseOptions {
  /** Default 3. */
  readonly hits: number;
  /** Milliseconds that a P1 lasts at most. Default five minutes. */
  readonly durationMs: number;
  /** Milliseconds without a hit after which a row, or a P1, is over. Default ten seconds. */
  readonly silenceMs: number;
}

export const usualFuse: FuseOptions = { hits: 3, durationMs: 300_000, silenceMs: 10_000 };

export interface FuseState {
  /** In a row, so far; goes on while a P1 is up. */
  readonly hits: number;
  readonly lastHitAt: number;
  /** Null: no P1 is up. */
  readonly raisedAt: number | null;
}

export const quietFuse: FuseState = Object.freeze({ hits: 0, lastHitAt: 0, raisedAt: null });

/** `tick`: nothing but that time went on. */
export type FuseEvent = "hit" | "tick";

export type FuseOutcome =
  | { readonly kind: "raised"; readonly at: number; readonly hits: number }
  | {
      readonly kind: "ended";
      readonly at: number;
      readonly hits: number;
      readonly because: "duration" | "silence";
    };

export interface FuseStep {
  readonly state: FuseState;
  /** In the order of their times, which are monotonic milliseconds. */
  readonly outcomes: readonly FuseOutcome[];
}

export function stepFuse(
  before: FuseState,
  event: FuseEvent,
  clock: Pick<Clock, "monotonic">,
  options: FuseOptions = usualFuse,
): FuseStep {
  const now = before.hits === 0 ? clock.monotonic() : Math.max(before.lastHitAt, clock.monotonic());
  const outcomes: FuseOutcome[] = [];
  let state = before;
  const end = endOf(state, options);
  if (end !== null && now >= end.at) {
    if (state.raisedAt !== null) outcomes.push({ kind: "ended", hits: state.hits, ...end });
    state = quietFuse;
  }
  if (event === "hit") {
    const hits = state.hits + 1;
    const isRaised = state.raisedAt === null && hits >= options.hits;
    if (isRaised) outcomes.push({ kind: "raised", at: now, hits });
    state = { hits, lastHitAt: now, raisedAt: isRaised ? now : state.raisedAt };
  }
  return { state, outcomes };
}

/** When the row or the P1 is over, if nothing comes; null where there is none. For whoever sets a timer. */
export function endOf(
  { hits, lastHitAt, raisedAt }: FuseState,
  { durationMs, silenceMs }: FuseOptions = usualFuse,
): { readonly at: number; readonly because: "duration" | "silence" } | null {
  if (hits === 0) return null;
  const silent = lastHitAt + silenceMs;
  const spent = raisedAt === null ? Number.POSITIVE_INFINITY : raisedAt + durationMs;
  return spent <= silent ? { at: spent, because: "duration" } : { at: silent, because: "silence" };
}
