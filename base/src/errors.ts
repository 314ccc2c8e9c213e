/** The failures every package may raise. */
import { CupelError, type CupelErrorOptions, defineErrors, reasonOf } from "./error.ts";

export const baseErrors = defineErrors({
  CANCELLED: {
    meaning: "The work was cancelled before it finished; nothing was written.",
    http: 499,
    grpc: "CANCELLED",
    exit: 130,
  },
  WRITE_FAILED: {
    meaning: "A file could not be written; the previous file, if any, is untouched.",
    http: 500,
    grpc: "INTERNAL",
    exit: 74,
  },
  DISK_FULL: {
    meaning: "The device ran out of space while writing; the previous file, if any, is untouched.",
    http: 507,
    grpc: "RESOURCE_EXHAUSTED",
    exit: 74,
  },
  INTERNAL: {
    meaning: "A defect in Cupel: an invariant it keeps for itself did not hold.",
    http: 500,
    grpc: "INTERNAL",
    exit: 70,
  },
});

/** Throws `CANCELLED` once the signal has fired. Call it between units of long work. */
export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) {
    throw baseErrors.error("CANCELLED", `${what} was cancelled; nothing was written.`, {
      cause: signal.reason,
    });
  }
}

/** At a boundary: anything thrown becomes a CupelError; what already is one passes unchanged. */
export function toCupelError(thrown: unknown, options: CupelErrorOptions = {}): CupelError {
  if (thrown instanceof CupelError) return thrown;
  return baseErrors.error("INTERNAL", reasonOf(thrown), { cause: thrown, ...options });
}
