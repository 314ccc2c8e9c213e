/** The signal of a call: it fires when the client leaves or when its time is up, and costs nothing once it is disposed. */

/** The longest that a timer of Node can wait, in ms: a longer one would fire at once. */
export const longestTimeoutMs = 2 ** 31 - 1;

export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * A client that keeps the same deadline gives up when it is over by its own clock, which began earlier by the way that
 * the request took: one that leaves so shortly before the end here has not changed its mind.
 */
const clientsAreEarlyByMs = 25;

/** @param timeoutMs null: waits as long as the client does. The reason of a deadline is a TimeoutError. */
export function startDeadline(left: AbortSignal, timeoutMs: number | null): Deadline {
  if (timeoutMs === null) return { signal: left, [Symbol.dispose]: nothing };
  const controller = new AbortController();
  const started = performance.now();
  const leave = (): void => {
    if (performance.now() - started >= timeoutMs - clientsAreEarlyByMs) expire();
    else controller.abort(left.reason);
  };
  const expire = (): void =>
    controller.abort(new DOMException("The time allowed for the call is up", "TimeoutError"));
  let timer: NodeJS.Timeout | undefined;
  if (left.aborted) leave();
  else if (timeoutMs <= 0) expire();
  else {
    left.addEventListener("abort", leave, { once: true });
    // What serves keeps the process alive, not the calls it serves.
    timer = setTimeout(expire, Math.min(timeoutMs, longestTimeoutMs)).unref();
  }
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      left.removeEventListener("abort", leave);
    },
  };
}

function nothing(): void {}
