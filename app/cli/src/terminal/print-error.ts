/**
 * How a failure is printed. A CupelError was written for the reader: its code and its message are enough.
 * INTERNAL is a defect of ours, and says so.
 */
import { CupelError } from "@cupel/base";
import { styled, type Terminal } from "./terminal.ts";
import { visible } from "./visible-text.ts";

/** What sysexits.h calls EX_SOFTWARE. */
const defectExit = 70;

export function printError(
  terminal: Terminal,
  error: CupelError,
  options: { readonly verbose: boolean },
): void {
  terminal.err(`${errorText(terminal, error, options)}\n`);
}

function errorText(
  terminal: Terminal,
  error: CupelError,
  { verbose }: { readonly verbose: boolean },
): string {
  const advice = verbose ? [] : ["Run it again with --verbose and report what it prints."];
  return [
    `${styled(terminal, "red", `error ${error.code}`)}: ${hanging(error.message)}`,
    ...(error.code === "INTERNAL" ? ["This is a defect of cupel, not of your input.", ...advice] : []),
    ...(verbose ? [...stackOf(error), ...causesOf(error)].map(visible) : []),
  ].join("\n");
}

/** A message of several lines is set in after its first, so that none looks like a message of its own. */
function hanging(message: string): string {
  return visible(message).replaceAll("\n", "\n  ");
}

/** Where a defect was found; a failure of the input needs no stack. */
function stackOf({ spec, stack }: CupelError): string[] {
  if (spec.exit !== defectExit || stack === undefined) return [];
  return [stack.slice(stack.indexOf("\n    at ") + 1)];
}

/** A chain that leads back to itself is cut. */
function causesOf(error: CupelError): string[] {
  const lines: string[] = [];
  const seen = new Set<unknown>([error]);
  let { cause } = error;
  while (cause !== undefined && !seen.has(cause)) {
    seen.add(cause);
    const code = cause instanceof CupelError ? `${cause.code}: ` : "";
    lines.push(
      `  caused by ${code}${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`,
    );
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines;
}
