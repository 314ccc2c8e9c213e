/** A failed test as a person wants to read it: what is wrong, by how much, and where. */
import { AssertionError } from "node:assert";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

/**
 * @param thrown what the test threw; errors come from another process, so that classes are lost.
 * @param root paths are printed relative to it.
 */
export function failureText(thrown: unknown, root: string): string {
  if (!(thrown instanceof Error)) return typeof thrown === "string" ? thrown : inspect(thrown);
  const lines = [headOf(thrown)];
  const difference = differenceOf(thrown);
  if (difference !== null) lines.push(difference);
  lines.push(...framesOf(thrown, root));
  if (thrown.cause !== undefined) lines.push(`caused by ${failureText(thrown.cause, root)}`);
  return lines.join("\n");
}

function headOf(error: Error): string {
  const [head = ""] = (error.stack ?? "").split(/\n {4}at /);
  // The stack of an error that was given a new message still has the old one.
  return head.includes(error.message) ? head.trimEnd() : `${error.name}: ${error.message}`;
}

interface Comparison {
  readonly actual: unknown;
  readonly expected: unknown;
  readonly operator: string;
}

/** What an assertion with a message of its own compared, where it does not print that itself. */
function differenceOf(error: Error): string | null {
  if (!isComparison(error) || error.message.includes("+ actual - expected")) return null;
  const { actual, expected, operator } = error;
  if (!/equal/i.test(operator)) return `actual ${inspect(actual)}\nexpected ${inspect(expected)}`;
  return new AssertionError({ actual, expected, operator }).message;
}

function isComparison(error: Error): error is Error & Comparison {
  if (!("generatedMessage" in error) || error.generatedMessage !== false) return false;
  // assert.ok compares nothing but a truth value with true.
  return (
    "actual" in error &&
    "expected" in error &&
    "operator" in error &&
    error.operator !== "==" &&
    error.operator !== "fail"
  );
}

/** Where it was thrown: the frames in files of the repository, or all when there are none. */
function framesOf(error: Error, root: string): string[] {
  const frames = (error.stack ?? "").split("\n").filter((line) => /^ {4}at /.test(line));
  const own = frames.filter((line) => line.includes("file://") && !line.includes("/node_modules/"));
  return (own.length > 0 ? own : frames).map((line) =>
    line.replace(/file:\/\/[^\s:)]+/, (url) => relative(root, fileURLToPath(url))),
  );
}
