/**
 * Runs benchmarks.
 *
 *   npm run bench                       which there are
 *   npm run bench -- int8-latency       one; its figures also go to bench/results/int8-latency.json
 *   npm run bench -- all --json         all, results as JSON only
 *
 * Exit status: 0 when every bar that does not depend on the machine was met or nothing could be measured,
 * 1 when one was missed, 64 for a name that does not exist.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { type Progress, writeFileAtomically } from "@cupel/base";
import type { Benchmark, BenchmarkContext, Outcome } from "./benchmark.ts";
import { benchmarks } from "./benchmarks.ts";
import { seconds, tableText } from "./figures.ts";
import { type MachineFacts, machineFacts, machineText } from "./machine.ts";

interface Result {
  readonly name: string;
  readonly startedAt: string;
  readonly machine: MachineFacts;
  readonly loadAfter: number;
  readonly tookMs: number;
  readonly outcome: Outcome;
}

/** What is going on, for a person who waits: bars would disturb what is measured. */
const titlesOnStderr: Progress = {
  start(title) {
    const started = performance.now();
    if (process.stderr.isTTY) process.stderr.write(`  ${title} ...`);
    return {
      advance() {},
      note() {},
      [Symbol.dispose]() {
        if (process.stderr.isTTY) process.stderr.write(` ${seconds(performance.now() - started)}\n`);
      },
    };
  },
};

const here = fileURLToPath(new URL(".", import.meta.url));
const interpreter = process.env.CUPEL_PYTHON ?? "python3";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const [wanted] = positionals;
if (wanted === undefined) {
  list();
} else {
  const chosen = wanted === "all" ? benchmarks : benchmarks.filter(({ name }) => name === wanted);
  if (chosen.length === 0) {
    console.error(
      `There is no benchmark "${wanted}". Known: ${benchmarks.map(({ name }) => name).join(", ")}, all.`,
    );
    process.exitCode = 64;
  } else {
    await runAll(chosen);
  }
}

function list(): void {
  console.log("npm run bench -- NAME [--json], or all\n");
  for (const { name, claim, peer, takes } of benchmarks) {
    console.log(`${name} (${takes})\n  ${claim}\n  Peer: ${peer}\n`);
  }
}

async function runAll(chosen: readonly Benchmark[]): Promise<void> {
  const cancel = new AbortController();
  process.once("SIGINT", () => cancel.abort());
  const context: BenchmarkContext = {
    print: flags.json ? () => {} : (line) => console.log(line),
    progress: titlesOnStderr,
    signal: cancel.signal,
    data: dataFolder(),
    interpreter,
    python: await pythonWithEngine(),
  };
  const results: Result[] = [];
  for (const benchmark of chosen) results.push(await runOne(benchmark, context));
  if (flags.json) console.log(JSON.stringify(wanted === "all" ? results : results[0], null, 2));
  if (results.some(({ outcome }) => isMissed(outcome))) process.exitCode = 1;
}

async function runOne(benchmark: Benchmark, context: BenchmarkContext): Promise<Result> {
  const { name, claim } = benchmark;
  const machine = machineFacts();
  const startedAt = new Date().toISOString();
  const started = performance.now();
  context.print(`== ${name}\n${claim}\n\n${machineText(machine)}\n`);
  const outcome = await benchmark.run(context);
  const tookMs = performance.now() - started;
  const result: Result = { name, startedAt, machine, loadAfter: loadavg()[0]!, tookMs, outcome };
  await writeFileAtomically(
    join(here, "..", "results", `${name}.json`),
    `${JSON.stringify(result, null, 2)}\n`,
  );
  for (const line of summaryOf(result)) context.print(line);
  return result;
}

function summaryOf({ name, loadAfter, tookMs, outcome }: Result): string[] {
  if (outcome.kind === "skipped") return [`${name}: skipped: ${outcome.reason}`];
  const rows = outcome.bars.map((bar) => [bar.claim, bar.measured, verdictOf(bar)]);
  return [
    ...(rows.length > 0 ? [`\n${tableText([["bar", "measured", ""], ...rows])}`] : []),
    `\nTook ${seconds(tookMs)}; load average at the end ${loadAfter.toFixed(2)}.`,
    `${name}: ${outcome.quote}\n`,
  ];
}

function verdictOf({ isMet, isExact }: { isMet: boolean; isExact: boolean }): string {
  if (isMet) return "met";
  return isExact ? "MISSED" : "missed (depends on the machine and on its load)";
}

function isMissed(outcome: Outcome): boolean {
  return outcome.kind === "measured" && outcome.bars.some(({ isMet, isExact }) => isExact && !isMet);
}

function dataFolder(): string | null {
  const folder = process.env.CUPEL_DATA ?? join(here, "..", "..", "..", "shared", "data");
  return existsSync(join(folder, "models")) ? folder : null;
}

async function pythonWithEngine(): Promise<string | null> {
  try {
    await promisify(execFile)(interpreter, ["-c", "import onnx, onnxruntime, sympy"]);
    return interpreter;
  } catch {
    // Not there, or without the packages: benchmarks that need it say so.
    return null;
  }
}
