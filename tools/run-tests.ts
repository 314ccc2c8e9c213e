/**
 * Runs every package's tests with Node's own runner and ends with one line a person and a CI can read:
 * `N passed, N failed`. Skipped tests are named with their reason, so that a missing component is seen.
 *
 *   npm test                       all packages
 *   npm test -- model/onnx         one package
 *   npm test -- model/onnx/test/read.test.ts
 */
import { globSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** A test that takes longer than this hangs. */
const timeoutMs = 300_000;

const chosen = process.argv.slice(2);
const files = (chosen.length > 0 ? chosen : ["."]).flatMap((place) =>
  statSync(join(root, place)).isFile()
    ? [join(root, place)]
    : globSync(join(root, place, "**/*.test.ts"), {
        exclude: (name) => name === "node_modules" || name === "dist",
      }),
);
if (files.length === 0) {
  console.error(`No *.test.ts under ${chosen.join(", ")}.`);
  process.exit(64);
}

let passed = 0;
const failures: string[] = [];
const skips: string[] = [];
const started = performance.now();
const seconds = () => `${((performance.now() - started) / 1000).toFixed(0)} s`;

const stream = run({
  files: files.sort(),
  concurrency: Math.min(2, availableParallelism()),
  timeout: timeoutMs,
});
stream.on("test:pass", (event) => {
  if (event.details.type === "suite" || isFile(event.name)) return;
  const where = `${relative(root, event.file ?? "")}: ${event.name}`;
  if (event.skip !== undefined)
    skips.push(`${where} (${event.skip === true ? "no reason given" : event.skip})`);
  else passed++;
});
stream.on("test:fail", (event) => {
  // A parent fails because a test in it does: counted once, at that test.
  if (/subtests? failed/.test(event.details.error.message)) return;
  const cause = event.details.error.cause ?? event.details.error;
  const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  failures.push(`${relative(root, event.file ?? "")}: ${event.name}\n${reason}`);
  console.log(`FAIL ${failures.at(-1)}\n`);
});
// What a test has to tell, such as a table; the runner's own figures belong to no file.
stream.on("test:diagnostic", (event) => {
  if (event.file) console.log(event.message);
});
stream.on("test:summary", (event) => {
  if (event.file)
    console.log(`${event.success ? "ok  " : "FAIL"} ${relative(root, event.file)} (${seconds()})`);
});
stream.on("end", () => {
  if (skips.length > 0) console.log(`\nskipped:\n${skips.map((skip) => `  ${skip}`).join("\n")}`);
  console.log(`\nin ${seconds()}${skips.length > 0 ? `, ${skips.length} skipped` : ""}`);
  console.log(`${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length > 0 ? 1 : 0;
});
stream.resume();

/** Node reports a file as a test of that name. */
function isFile(name: string): boolean {
  return name.endsWith(".test.ts");
}
