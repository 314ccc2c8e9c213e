/** The failures every package may raise, and how what others throw becomes one of them. */
import { CupelError, defineErrors, failures, reasonOf } from "./error.ts";

export const baseErrors = defineErrors({
  CANCELLED: {
    meaning: "The work was cancelled before it finished; nothing was written.",
    http: 499,
    grpc: "CANCELLED",
    exit: 130,
    retryable: false,
    public: true,
  },
  DEADLINE_EXCEEDED: {
    meaning: "The time allowed for the work ran out before it finished; nothing was written.",
    http: 504,
    grpc: "DEADLINE_EXCEEDED",
    exit: 75,
    retryable: true,
    public: true,
  },
  OPTION_INVALID: { meaning: "The value of an option is missing or not one it takes.", ...failures.usage },
  MODEL_NOT_FOUND: {
    meaning: "The model file does not exist or cannot be opened.",
    ...failures.notFound,
  },
  WRITE_FAILED: {
    meaning: "A file could not be written; the previous file, if any, is untouched.",
    ...failures.defect,
    exit: 74,
  },
  FILE_LOCKED: {
    meaning:
      "Another run is writing this file, or left its lock on another machine; the file is left as it is.",
    http: 409,
    grpc: "FAILED_PRECONDITION",
    exit: 75,
    retryable: true,
    public: false,
  },
  DISK_FULL: {
    meaning: "The device ran out of space while writing; the previous file, if any, is untouched.",
    http: 507,
    grpc: "RESOURCE_EXHAUSTED",
    exit: 74,
    retryable: false,
    public: false,
  },
  THREAD_CRASHED: {
    meaning: "A worker thread ended by itself; what it was asked and had not done is lost.",
    ...failures.unavailable,
    retryable: true,
  },
  NODE_TOO_OLD: {
    meaning: "The Node.js that runs is older than the oldest that Cupel supports.",
    http: 500,
    grpc: "FAILED_PRECONDITION",
    exit: 69,
    retryable: false,
    public: true,
  },
  INTERNAL: {
    meaning: "A defect in Cupel: an invariant it keeps for itself did not hold.",
    ...failures.defect,
  },
});

/**
 * The error of work that its signal ended: DEADLINE_EXCEEDED when the signal is one of
 * `AbortSignal.timeout`, else CANCELLED. @param what was ended, such as "The run".
 */
export function cancellation(what: string, signal: AbortSignal | undefined): CupelError {
  const code = isNamed(signal?.reason, "TimeoutError") ? "DEADLINE_EXCEEDED" : "CANCELLED";
  const ended = code === "CANCELLED" ? "was cancelled" : "did not finish in the time allowed";
  return baseErrors.error(code, `${what} ${ended}; nothing was written.`, { cause: signal?.reason });
}

/** Throws once the signal has fired. Call it between units of long work. @throws CANCELLED, DEADLINE_EXCEEDED */
export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw cancellation(what, signal);
}

/**
 * At a boundary: anything thrown becomes a CupelError. What already is one passes unchanged; a TimeoutError
 * becomes DEADLINE_EXCEEDED and an AbortError CANCELLED, or what the reason of `signal` says; all else is
 * INTERNAL. The cause is kept.
 */
export function errorFrom(thrown: unknown, signal?: AbortSignal): CupelError {
  if (thrown instanceof CupelError) return thrown;
  const isTimeout = isNamed(thrown, "TimeoutError");
  const isAbort = isNamed(thrown, "AbortError") || (signal?.aborted && thrown === signal.reason);
  if (!isTimeout && !isAbort) return baseErrors.error("INTERNAL", reasonOf(thrown), { cause: thrown });
  const isLate = isTimeout || (signal?.aborted && isNamed(signal.reason, "TimeoutError"));
  return baseErrors.error(isLate ? "DEADLINE_EXCEEDED" : "CANCELLED", reasonOf(thrown), { cause: thrown });
}

function isNamed(thrown: unknown, name: string): boolean {
  return thrown instanceof Error && thrown.name === name;
}
