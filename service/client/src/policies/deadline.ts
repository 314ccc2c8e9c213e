/**
 * The deadline of a call: one, over all its tries and the waits between them. What is left of it is what each try tells
 * the server.
 */
import type { Timing } from "./timing.ts";

export interface Deadline extends Disposable {
  /** Fires when the caller leaves, with its reason, or when the time is up, with a reason named TimeoutError. */
  readonly signal: AbortSignal;
  /** In ms, 0 or more; null without a deadline. */
  remainingMs(): number | null;
}

const settled = new Error("The call has ended.");

/** @param timeoutMs null: none. @param caller fires when nobody waits any more */
export function openDeadline(
  timeoutMs: number | null,
  caller: AbortSignal | undefined,
  timing: Timing,
): Deadline {
  const over = new AbortController();
  const end = timeoutMs === null ? null : timing.clock.monotonic() + timeoutMs;
  const leave = () => over.abort(caller?.reason);
  if (caller?.aborted) leave();
  else caller?.addEventListener("abort", leave, { once: true });
  const done = new AbortController();
  if (timeoutMs !== null) {
    timing.wait(timeoutMs, done.signal).then(
      () => over.abort(new DOMException("The time for the call is up.", "TimeoutError")),
      () => {},
    );
  }
  return {
    signal: over.signal,
    remainingMs: () => (end === null ? null : Math.max(0, end - timing.clock.monotonic())),
    [Symbol.dispose]() {
      caller?.removeEventListener("abort", leave);
      // With a reason: the one that Node.js makes costs a stack, for nobody.
      done.abort(settled);
    },
  };
}
