/**
 * What it costs to trace the environment: a read of a variable plain, behind a Proxy that does nothing else, and traced; and
 * the wall time of a program with and without, by turns. Each figure comes from a process of its own.
 */
import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder, type Spread, spreadOf } from "@cupel/base";
import { prepareTrace } from "@cupel/env-trace";
import type { Benchmark } from "./benchmark.ts";
import { tableText } from "./figures.ts";

const rounds = 7;
const readsARound = 200_000;
/** Share of the wall time. */
const bar = 0.03;

/** Reads in a loop, as a package would; prints nanoseconds a read. */
const reader = `
const env = process.argv[2] === "proxied" ? new Proxy({}, { get: (_, name) => process.env[name] }) : process.env;
const read = (count) => { let found = 0; for (let i = 0; i < count; i++) if (env.HOME !== undefined) found++; return found; };
read(${readsARound / 10});
const started = process.hrtime.bigint();
read(${readsARound});
console.log(Number(process.hrtime.bigint() - started) / ${readsARound});
`;

/** Half a second of work as a server does it: routes, JSON, digests, a read of the environment at each request. */
const program = `
const { createHash } = require("node:crypto");
const { createServer, get } = require("node:http");
const body = JSON.stringify(Array.from({ length: 400 }, (_, i) => ({ i, name: "item " + i })));
const server = createServer((request, response) => {
  const level = process.env.LOG_LEVEL ?? "info";
  response.end(createHash("sha256").update(JSON.stringify(JSON.parse(body)) + level).digest("hex"));
});
server.listen(0, async () => {
  for (let i = 0; i < 1500; i++) await new Promise((done) => get({ port: server.address().port }, (answer) => answer.resume().on("end", done)));
  server.close();
});
`;

export const envTrace: Benchmark = {
  name: "env-trace",
  claim: "A server under load takes at most 3 % more wall time with its environment traced.",
  peer: "the same program without a trace; a read without one, and behind a Proxy that does nothing else",
  takes: "1 min",
  async run({ print, progress }) {
    await using folder = await openTemporaryFolder("bench");
    const project = join(folder.path, "project");
    await mkdir(project);
    await writeFile(join(project, "package.json"), '{ "name": "traced" }');
    await writeFile(join(project, "reader.cjs"), reader);
    await writeFile(join(project, "program.cjs"), program);
    const trace = await prepareTrace({ folder: join(folder.path, "trace"), project });
    const traced = { ...process.env, NODE_OPTIONS: trace.nodeOptions(process.env.NODE_OPTIONS) };
    const run = (env: NodeJS.ProcessEnv, words: readonly string[]) =>
      execFileSync(process.execPath, words, { cwd: project, env, encoding: "utf8" });
    const wallOf = (env: NodeJS.ProcessEnv, words: readonly string[]) => {
      const started = performance.now();
      run(env, words);
      return performance.now() - started;
    };
    using task = progress.start("Tracing", rounds, "rounds");
    const times = { plain: [], proxied: [], traced: [] } as Record<"plain" | "proxied" | "traced", number[]>;
    const walls: {
      plain: number[];
      traced: number[];
      start: number[];
      startTraced: number[];
      ratios: number[];
    } = {
      plain: [],
      traced: [],
      start: [],
      startTraced: [],
      ratios: [],
    };
    for (let round = 0; round < rounds; round++) {
      times.plain.push(Number(run(process.env, ["reader.cjs", "plain"])));
      times.proxied.push(Number(run(process.env, ["reader.cjs", "proxied"])));
      times.traced.push(Number(run(traced, ["reader.cjs", "plain"])));
      // By turns, which is first too.
      const [first, second] = round % 2 === 0 ? [process.env, traced] : [traced, process.env];
      const one = wallOf(first, ["program.cjs"]);
      const two = wallOf(second, ["program.cjs"]);
      const [plain, with_] = round % 2 === 0 ? [one, two] : [two, one];
      walls.plain.push(plain);
      walls.traced.push(with_);
      walls.ratios.push(with_ / plain);
      walls.start.push(wallOf(process.env, ["-e", "0"]));
      walls.startTraced.push(wallOf(traced, ["-e", "0"]));
      task.advance();
    }
    const nanoseconds = (of: readonly number[]) => `${spreadOf(of).median.toFixed(0)} ns`;
    const milliseconds = (of: readonly number[]) => `${spreadOf(of).median.toFixed(0)} ms`;
    print(
      tableText([
        ["median of processes", "plain", "proxied", "traced"],
        ["a read", nanoseconds(times.plain), nanoseconds(times.proxied), nanoseconds(times.traced)],
        ["start of a process", milliseconds(walls.start), "", milliseconds(walls.startTraced)],
        ["a server under load", milliseconds(walls.plain), "", milliseconds(walls.traced)],
      ]),
    );
    const ratio: Spread = spreadOf(walls.ratios);
    const more = (100 * (ratio.median - 1)).toFixed(1);
    return {
      kind: "measured",
      figures: { rounds, readsARound, nanosecondsARead: times, wallMs: walls },
      bars: [
        {
          claim: `at most ${100 * bar} % more wall time`,
          measured: `${more} %`,
          isMet: ratio.median <= 1 + bar,
          isExact: false,
        },
      ],
      quote: `A server under load took ${more} % more wall time with its environment traced; a read took ${nanoseconds(times.traced)} instead of ${nanoseconds(times.plain)}.`,
    };
  },
};
