/** What bounds the queue and the batches of one version of a model. */
import { baseErrors } from "@cupel/base";

export interface BatchLimits {
  /**
   * Rows of a run at most. 1: requests are not joined. More rows of one request are computed in several runs, and where
   * that cannot be, refused with BATCH_TOO_LARGE. Default 16.
   */
  readonly maxRows?: number | undefined;
  /**
   * Milliseconds that a request may wait for others to be joined with while the engine has nothing to do, at most a
   * minute. Default 0: batches form while the engine works.
   */
  readonly maxDelayMs?: number | undefined;
  /** Requests that may wait; one more is refused with QUEUE_LIMIT. Default 256. */
  readonly maxQueued?: number | undefined;
  /**
   * Bytes of inputs that may wait; what would exceed them is refused with QUEUE_LIMIT, but for a request that would be
   * the only one to wait. Default 256 MiB.
   */
  readonly maxQueuedBytes?: number | undefined;
  /** Runs that the session has in the engine at once, in as many sessions. Default 1. */
  readonly instances?: number | undefined;
}

export type CheckedLimits = { readonly [Name in keyof BatchLimits]-?: number };

const defaults: CheckedLimits = {
  maxRows: 16,
  maxDelayMs: 0,
  maxQueued: 256,
  maxQueuedBytes: 256 * 2 ** 20,
  instances: 1,
};

const longestDelayMs = 60_000;

/** @throws OPTION_INVALID */
export function checkLimits(limits: BatchLimits): CheckedLimits {
  const { maxDelayMs = defaults.maxDelayMs } = limits;
  if (!(maxDelayMs >= 0 && maxDelayMs <= longestDelayMs)) {
    throw invalid("maxDelayMs", maxDelayMs, `a number of milliseconds from 0 to ${longestDelayMs}`);
  }
  return {
    maxRows: whole("maxRows", limits.maxRows ?? defaults.maxRows),
    maxDelayMs,
    maxQueued: whole("maxQueued", limits.maxQueued ?? defaults.maxQueued),
    maxQueuedBytes: whole("maxQueuedBytes", limits.maxQueuedBytes ?? defaults.maxQueuedBytes),
    instances: whole("instances", limits.instances ?? defaults.instances),
  };
}

function whole(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw invalid(name, value, "a whole number, 1 or more");
}

function invalid(option: string, value: number, expected: string): Error {
  return baseErrors.error("OPTION_INVALID", `${option} is ${value}. It takes ${expected}.`, {
    details: { option, value },
  });
}
