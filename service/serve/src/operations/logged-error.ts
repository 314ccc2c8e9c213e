/** An error as a log line has it: the chain of its causes, bounded in depth and length and redacted. */
import { CupelError } from "@cupel/base";
import { redact } from "./redact.ts";

export interface LoggedError {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  /** Of a defect only: where it arose. */
  readonly stack?: readonly string[];
  readonly cause?: LoggedError;
}

/** Errors of a chain. */
const deepest = 5;
/** Characters of a message. */
const longest = 500;
const mostFrames = 8;

export function loggedError(thrown: unknown, depth = deepest): LoggedError {
  if (!(thrown instanceof Error)) return { name: "Error", message: shortened(String(thrown)) };
  const { name, message, cause, stack = "" } = thrown;
  const isDefect = !(thrown instanceof CupelError) || thrown.code === "INTERNAL";
  const code = codeOf(thrown);
  return {
    name,
    ...(code === undefined ? {} : { code }),
    message: shortened(message),
    ...(isDefect ? { stack: framesOf(stack) } : {}),
    ...(cause === undefined || depth <= 1 ? {} : { cause: loggedError(cause, depth - 1) }),
  };
}

/** Ours, and those of the system: "ECONNREFUSED". */
function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function framesOf(stack: string): string[] {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return frames.slice(0, mostFrames).map((line) => shortened(line.trim()));
}

/** Cut first: an endless text is not searched through. */
function shortened(text: string): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return redact(cut);
}
