/**
 * Runs tests with Node's own runner and ends with one line a person and a CI can read: `N passed, N failed`.
 * Skipped tests are named with their reason, so that a missing component is seen. `npm test -- --help` says how to
 * choose tests.
 */
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { chooseTests, usage } from "./runner/choose-tests.ts";
import { failureText } from "./runner/failure-text.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** A test that takes longer than this hangs. */
const timeoutMs = 300_000;
/** So does a file that a thread or a server keeps from ending, when nothing was heard of any test for so long. */
const silenceMs = 180_000;

const choice = chooseTests(process.argv.slice(2), root);
if (choice.kind === "help") {
  console.log(usage);
  process.exit(0);
}
if (choice.kind === "refused") {
  console.error(`${choice.reason}\n\n${usage}`);
  process.exit(64);
}
const { files, patterns } = choice;

// Every file, and every command that a file starts, loads the same sources: they are stripped and compiled once.
process.env.NODE_COMPILE_CACHE ??= join(root, "node_modules/.cache/node-compile-cache");

let passed = 0;
const failures: string[] = [];
const skips: string[] = [];
const started = performance.now();
const seconds = () => `${((performance.now() - started) / 1000).toFixed(0)} s`;

const hang = new AbortController();
const alarm = setTimeout(() => {
  console.log(`Nothing was heard of any test for ${silenceMs / 1000} s. What has not ended is stopped:`);
  hang.abort();
}, silenceMs);

/** Names of the tests that enclose the one that runs, by file. */
const enclosing = new Map<string, string[]>();
const place = (file: string | undefined, line?: number) =>
  `${relative(root, file ?? "")}${line === undefined ? "" : `:${line}`}`;
const nameIn = (file: string | undefined, nesting: number, name: string) =>
  [...(enclosing.get(file ?? "") ?? []).slice(0, nesting), name].join(" > ");

const stream = run({
  files: [...files],
  concurrency: Math.min(2, availableParallelism()),
  timeout: timeoutMs,
  signal: hang.signal,
  ...(patterns.length > 0 ? { testNamePatterns: [...patterns] } : {}),
});
stream.on("data", () => alarm.refresh());
stream.on("test:start", ({ file, name, nesting }) => {
  enclosing.set(file ?? "", [...(enclosing.get(file ?? "") ?? []).slice(0, nesting), name]);
});
stream.on("test:pass", ({ details, file, name, nesting, skip }) => {
  if (details.type === "suite" || isFile(name)) return;
  if (skip === undefined) passed++;
  else
    skips.push(
      `${place(file)}: ${nameIn(file, nesting, name)} (${skip === true ? "no reason given" : skip})`,
    );
});
stream.on("test:fail", ({ details, file, line, name, nesting }) => {
  // A parent fails because a test in it does: counted once, at that test.
  if (/subtests? failed/.test(details.error.message)) return;
  const reason = failureText(details.error.cause ?? details.error, root);
  failures.push(`${place(file, line)}: ${nameIn(file, nesting, name)}\n${reason}`);
  console.log(`FAIL ${failures.at(-1)}\n`);
});
// What a test has to report, such as a table; the runner's own figures belong to no file.
stream.on("test:diagnostic", ({ file, message }) => {
  if (file) console.log(message);
});
stream.on("test:summary", ({ file, success, duration_ms }) => {
  const own = `${(duration_ms / 1000).toFixed(0)} s`;
  if (file) console.log(`${success ? "ok  " : "FAIL"} ${place(file)} (${own}, at ${seconds()})`);
});
stream.on("end", () => {
  clearTimeout(alarm);
  const isEmpty = patterns.length > 0 && passed + failures.length + skips.length === 0;
  if (skips.length > 0) console.log(`\nskipped:\n${skips.map((skip) => `  ${skip}`).join("\n")}`);
  if (isEmpty) console.log(`\nNo test's name matches ${patterns.join(" or ")}.`);
  console.log(`\nin ${seconds()}${skips.length > 0 ? `, ${skips.length} skipped` : ""}`);
  console.log(`${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length > 0 || isEmpty ? 1 : 0;
});
stream.resume();

/** Node reports a file as a test of that name. */
function isFile(name: string): boolean {
  return name.endsWith(".test.ts");
}
