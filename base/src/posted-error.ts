/**
 * Errors between threads and processes: classes do not survive the way, so they travel as data, with the
 * errors that caused them.
 */
import { CupelError, type ErrorSpec } from "./error.ts";
import { errorFrom } from "./errors.ts";

/** Survives structured cloning. */
export interface PostedError {
  readonly code: string;
  readonly spec: ErrorSpec;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly stack: string | undefined;
  readonly cause: PostedCause | null;
}

/** An error behind an error; one that is no CupelError keeps its name. */
interface PostedCause extends Omit<PostedError, "code" | "spec" | "details"> {
  readonly name: string;
  readonly cupel: Pick<PostedError, "code" | "spec" | "details"> | null;
}

/** A chain of causes longer than this, or one that leads back to itself, is cut. */
const longestChain = 8;

export function postError(thrown: unknown): PostedError {
  const { code, spec, message, details, stack, cause } = errorFrom(thrown);
  return { code, spec, message, details, stack, cause: postCause(cause, longestChain) };
}

function postCause(thrown: unknown, left: number): PostedCause | null {
  if (thrown === undefined || left === 0) return null;
  if (!(thrown instanceof Error)) {
    return { name: "Error", message: String(thrown), stack: undefined, cupel: null, cause: null };
  }
  const { name, message, stack } = thrown;
  const cupel =
    thrown instanceof CupelError ? { code: thrown.code, spec: thrown.spec, details: thrown.details } : null;
  return { name, message, stack, cupel, cause: postCause(thrown.cause, left - 1) };
}

export function reviveError({ code, spec, message, details, stack, cause }: PostedError): CupelError {
  return withStack(new CupelError(code, spec, message, { details, ...causeOption(cause) }), stack);
}

function reviveCause({ name, message, stack, cupel, cause }: PostedCause): Error {
  if (cupel) return reviveError({ ...cupel, message, stack, cause });
  const error = new Error(message, causeOption(cause));
  error.name = name;
  return withStack(error, stack);
}

function causeOption(cause: PostedCause | null): { cause?: Error } {
  return cause === null ? {} : { cause: reviveCause(cause) };
}

/** Where it was thrown says more than where it was revived. */
function withStack<E extends Error>(error: E, stack: string | undefined): E {
  if (stack !== undefined) error.stack = stack;
  return error;
}
