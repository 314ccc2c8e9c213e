/**
 * What it costs to trace the environment: a read of a variable; the start of a process; and the wall time of real programs,
 * a part of Cupel's own tests and `cupel serve` under load, plain and traced by turns. Nothing is held against anyone: that
 * is mode report.
 */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { openTemporaryFolder, type Spread, spreadOf } from "@cupel/base";
import { prepareTrace } from "@cupel/env-trace";
import { writeModelFile } from "@cupel/onnx";
import type { Benchmark } from "./benchmark.ts";
import { pairs, type Run, ratiosOf } from "./env-trace/pairs.ts";
import { measureReads } from "./env-trace/reads.ts";
import { inverse, millisecondsText, ratioText, tableText } from "./figures.ts";
import { resnet50 } from "./models/resnet50.ts";
import { startGenerator } from "./serve/generator-process.ts";
import { startCupelServe } from "./serve/servers.ts";

const rounds = { reads: 5, starts: 15, tests: 9, serving: 8 } as const;
const secondsARun = 3;
const callers = 8;
/** A part of the tests of this repository that takes some seconds. */
const tests = ["trust/attest/test/manifest", "trust/attest/test/policy", "trust/attest/test/signature"];
/** Share of the wall time. */
const bar = 0.03;

/** Where `npm run bench` runs. */
const root = process.cwd();

export const envTrace: Benchmark = {
  name: "env-trace",
  claim:
    "With its environment traced a program takes at most 3 % more wall time: a part of Cupel's tests, and cupel serve under load.",
  peer: "the same without a trace, by turns; a read without one, and behind a Proxy that does nothing else",
  takes: "4 min",
  async run({ print, progress, signal }) {
    await using folder = await openTemporaryFolder("bench");
    const project = join(folder.path, "project");
    await mkdir(project);
    await writeFile(join(project, "package.json"), '{ "name": "traced" }');
    const traceOf = (at: string, name: string) =>
      prepareTrace({ folder: join(folder.path, name), project: at });
    const small = await traceOf(project, "small");
    using task = progress.start("Measuring", 4, "parts");

    const inProject: Run = async (words, env) =>
      (await promisify(execFile)(process.execPath, words, { cwd: project, env, signal })).stdout;
    const reads = await measureReads(project, small, rounds.reads, inProject);
    print(`${reads.table}\n`);
    task.advance();

    const withTrace = (options: string) => ({ ...process.env, NODE_OPTIONS: options });
    const wallOf = async (work: () => Promise<unknown>) => {
      const started = performance.now();
      await work();
      return performance.now() - started;
    };
    await writeFile(join(project, "empty.cjs"), "");
    const traced = withTrace(small.nodeOptions(process.env.NODE_OPTIONS));
    const starts = await pairs(rounds.starts, {
      plain: () => wallOf(() => inProject(["empty.cjs"], process.env)),
      traced: () => wallOf(() => inProject(["empty.cjs"], traced)),
    });
    task.advance();

    const whole = await traceOf(root, "whole");
    const options = whole.nodeOptions(process.env.NODE_OPTIONS);
    const runTests = (env: NodeJS.ProcessEnv) =>
      promisify(execFile)(process.execPath, ["tools/run-tests.ts", ...tests], { cwd: root, env, signal });
    const suite = await pairs(rounds.tests, {
      plain: () => wallOf(() => runTests(process.env)),
      traced: () => wallOf(() => runTests(withTrace(options))),
    });
    task.advance();

    const serving = await serve(folder.path, withTrace(options));
    task.advance();

    const startsMore = spreadOf(starts.traced.map((ms, i) => ms - starts.plain[i]!));
    const ratios = {
      tests: spreadOf(ratiosOf(suite.plain, suite.traced)),
      serving: inverse(spreadOf(ratiosOf(serving.plain, serving.traced))),
    };
    print(
      tableText([
        ["by turns", "plain", "traced", "wall time, traced over plain"],
        [
          "start of a process",
          millisecondsText(spreadOf(starts.plain)),
          millisecondsText(spreadOf(starts.traced)),
          `${millisecondsText(startsMore)} more`,
        ],
        [
          "tests of attest",
          millisecondsText(spreadOf(suite.plain)),
          millisecondsText(spreadOf(suite.traced)),
          ratioText(ratios.tests),
        ],
        [
          "cupel serve, a request",
          perRequest(serving.plain),
          perRequest(serving.traced),
          ratioText(ratios.serving),
        ],
      ]),
    );
    const more = ({ median, p10, p90 }: Spread) =>
      `${(100 * (median - 1)).toFixed(1)} % (${(100 * (p10 - 1)).toFixed(1)} - ${(100 * (p90 - 1)).toFixed(1)})`;
    return {
      kind: "measured",
      figures: {
        rounds,
        nanosecondsARead: reads.nanoseconds,
        startMs: starts,
        testsMs: suite,
        servedPerSecond: serving,
      },
      bars: (["tests", "serving"] as const).map((name) => ({
        claim: `${name}: at most ${100 * bar} % more wall time`,
        measured: more(ratios[name]),
        isMet: ratios[name].median <= 1 + bar,
        isExact: false,
      })),
      quote: `With its environment traced, tests of attest took ${more(ratios.tests)} more wall time and a request to \`cupel serve\` ${more(ratios.serving)}; a process started ${millisecondsText(startsMore)} later.`,
    };

    /** Answers a second of both servers, which stand beside each other and are asked by turns. */
    async function serve(at: string, env: NodeJS.ProcessEnv) {
      const file = join(at, "model.onnx");
      await writeModelFile(resnet50({ width: 4, imageSize: 32, classes: 10 }), file);
      const words = [file, "--threads", "1", "--set", "logging.level=fatal"];
      await using generator = startGenerator(null);
      await using without = await startCupelServe(words, null);
      await using under = await startCupelServe(words, null, env);
      const ask = async ({ port }: { readonly port: number }) => {
        const report = await generator.run({
          port,
          request: { model: "model", input: "input", shape: [1, 3, 32, 32], form: "binary", count: 20 },
          durationMs: 1000 * secondsARun,
          arrivals: { kind: "closed", callers },
        });
        if (Object.keys(report.statuses).join() !== "200") throw new Error(JSON.stringify(report.statuses));
        return report.servedPerSecond;
      };
      return await pairs(rounds.serving, { plain: () => ask(without), traced: () => ask(under) });
    }
  },
};

function perRequest(servedPerSecond: readonly number[]): string {
  return millisecondsText(spreadOf(servedPerSecond.map((count) => 1000 / count)));
}
