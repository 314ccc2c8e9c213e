/**
 * Tries again what failed, where that is safe and can help. Waits grow from `baseMs` by two and are drawn at random from 0
 * up to that ("full jitter", Brooker 2015, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so
 * that clients that failed together do not come back together. Where the server says when to come again, that is waited
 * first. A wait that would pass the deadline is not begun: the failure is told at once.
 */
import type { ClientError } from "../errors.ts";
import type { Timing } from "./timing.ts";

export interface RetryOptions {
  /** Tries after the first. Default 3. */
  readonly retries?: number | undefined;
  /** The first wait is up to this, in ms. Default 100. */
  readonly baseMs?: number | undefined;
  /** No wait is drawn from more, in ms. Default 10,000. */
  readonly maxMs?: number | undefined;
}

export const retryDefaults = { retries: 3, baseMs: 100, maxMs: 10_000 } as const;

export interface RetryScene {
  /** Fires when nobody waits any more. */
  readonly signal: AbortSignal;
  readonly timing: Timing;
  /** Until the deadline, in ms; null without one. */
  remainingMs(): number | null;
  /** Whether the same call may be sent once more after this. */
  isSafe(error: ClientError): boolean;
  /** Takes one extra send from the budget; false where there is none. */
  withdraw(): boolean;
  onRetry?(error: ClientError, delayMs: number): void;
}

/** In ms. @param retry counted from 0. @param uniform in [0, 1) */
export function backoffMs(retry: number, uniform: number, options: RetryOptions = {}): number {
  const { baseMs = retryDefaults.baseMs, maxMs = retryDefaults.maxMs } = options;
  return uniform * Math.min(maxMs, baseMs * 2 ** retry);
}

/** @param attempt is given the number of the try, from 0; it throws ClientError. @throws the last try's error */
export async function withRetries<T>(
  attempt: (number: number) => Promise<T>,
  scene: RetryScene,
  options: RetryOptions = {},
): Promise<T> {
  const { retries = retryDefaults.retries } = options;
  for (let number = 0; ; number++) {
    try {
      return await attempt(number);
    } catch (thrown) {
      const error = thrown as ClientError;
      if (number >= retries || scene.signal.aborted || !scene.isSafe(error)) throw error;
      const delayMs = (error.retryAfterMs ?? 0) + backoffMs(number, scene.timing.random(), options);
      const remaining = scene.remainingMs();
      if ((remaining !== null && delayMs >= remaining) || !scene.withdraw()) throw error;
      scene.onRetry?.(error, delayMs);
      await scene.timing.wait(delayMs, scene.signal);
    }
  }
}
