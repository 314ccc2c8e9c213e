/**
 * `npm run mutants`: makes each evaluated operator never fold and each shape rule say nothing, one at a time, and
 * runs the tests of model/onnx. A mutant that no test finds is named; then a test is missing.
 *
 *   npm run mutants            all of them, some minutes
 *   npm run mutants -- Reduce  those with "Reduce" in their name
 */
import { spawn } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { controls, documentedOperators, type Mutation, mutations } from "./mutation.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** What Node compiled of the sources, shared by all runs. */
const cache = mkdtempSync(join(tmpdir(), "cupel-mutants-"));
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));
const preload = new URL("load-mutant.ts", import.meta.url).href;

/** The tests of shapes and evaluation find most mutants within a second; the others are asked after them. */
const first = ["evaluated-operators", "shape-reference"].map((name) => `model/onnx/test/${name}.test.ts`);
const tests = globSync("model/onnx/test/**/*.test.ts", { cwd: root }).sort();
const rounds = [tests.filter((path) => first.includes(path)), tests.filter((path) => !first.includes(path))];

/** Many times what the tests take. */
const timeoutMs = 120_000;

/** @returns whether the tests fail. */
function isFound(mutation: Mutation, files: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        // A mutant may make a loop endless: it dies of memory or time, which counts as found.
        "--max-old-space-size=1024",
        ...["--import", preload, "--test", "--test-isolation=none", "--test-reporter=dot", ...files],
      ],
      {
        cwd: root,
        env: { ...process.env, CUPEL_MUTANT: JSON.stringify(mutation), NODE_COMPILE_CACHE: cache },
        stdio: ["ignore", "pipe", "pipe"],
        timeout: timeoutMs,
      },
    );
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.on("error", reject);
    child.on("close", (code) => {
      if (output.includes("mutant loaded")) resolve(code !== 0);
      else reject(new Error(`${mutation.name}: the mutant was not in place.\n${output}`));
    });
  });
}

async function survives(mutation: Mutation): Promise<boolean> {
  for (const files of rounds) if (await isFound(mutation, files)) return false;
  return true;
}

const [word = ""] = process.argv.slice(2);
const operators = documentedOperators(readFileSync(join(root, "docs/operators.md"), "utf8"));
const chosen = mutations(operators).filter(({ name }) => name.includes(word));
if (chosen.length === 0) {
  console.error(`No mutant has "${word}" in its name.`);
  process.exit(64);
}
for (const control of controls) {
  if (!(await survives(control)))
    throw new Error(`${control.name} changes nothing, but the tests fail with it.`);
}
const survivors: string[] = [];
const waiting = [...chosen];
async function work(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const isAlive = await survives(next);
    if (isAlive) survivors.push(next.name);
    console.log(`${isAlive ? "SURVIVES" : "found   "} ${next.name}`);
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
console.log(`\n${chosen.length - survivors.length} found, ${survivors.length} survive`);
process.exitCode = survivors.length > 0 ? 1 : 0;
