/**
 * How a failure is told. A CupelError was written for the reader: its code and its message are enough. All
 * else is a defect of ours, and says so.
 */
import { CupelError, reasonOf } from "@cupel/base";
import { styled, type Terminal } from "./terminal.ts";

/** What sysexits.h calls EX_SOFTWARE. */
const defectExit = 70;

export function exitStatusOf(thrown: unknown): number {
  return thrown instanceof CupelError ? thrown.spec.exit : defectExit;
}

export function printError(
  terminal: Terminal,
  thrown: unknown,
  options: { readonly verbose: boolean },
): void {
  terminal.err(`${errorText(terminal, thrown, options)}\n`);
}

/** The shape of a failure under --json. */
export function errorJson(thrown: unknown): { readonly error: Readonly<Record<string, unknown>> } {
  return {
    error:
      thrown instanceof CupelError
        ? { ...thrown.toJSON() }
        : { code: "INTERNAL", message: reasonOf(thrown), details: {} },
  };
}

function errorText(terminal: Terminal, thrown: unknown, { verbose }: { readonly verbose: boolean }): string {
  const code = thrown instanceof CupelError ? thrown.code : "INTERNAL";
  const head = `${styled(terminal, "red", `error ${code}`)}: ${reasonOf(thrown)}`;
  const isDefect = exitStatusOf(thrown) === defectExit;
  const advice = verbose ? [] : ["Run it again with --verbose and report what it prints."];
  return [
    head,
    ...(isDefect && !(thrown instanceof CupelError && thrown.code !== "INTERNAL")
      ? ["This is a defect of cupel, not of your input.", ...advice]
      : []),
    ...(verbose ? [...stackOf(thrown, isDefect), ...causesOf(thrown)] : []),
  ].join("\n");
}

function stackOf(thrown: unknown, isDefect: boolean): string[] {
  if (!isDefect || !(thrown instanceof Error) || thrown.stack === undefined) return [];
  return [thrown.stack.slice(thrown.stack.indexOf("\n    at ") + 1)];
}

/** A chain that leads back to itself is cut. */
function causesOf(thrown: unknown): string[] {
  const lines: string[] = [];
  const seen = new Set<unknown>([thrown]);
  let cause = thrown instanceof Error ? thrown.cause : undefined;
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
