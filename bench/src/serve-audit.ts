/**
 * What the record costs the server: the same load, by callers that wait for their answers, against `cupel serve` with
 * `--audit` and without, in turn. Each server has a core, the same, and the generator the other. Afterwards every answer is
 * held against the record, and that is verified.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { lastLines } from "@cupel/audit";
import { openTemporaryFolder, type Spread, spreadOf } from "@cupel/base";
import { type Benchmark, withoutData } from "./benchmark.ts";
import { ratioText, tableText } from "./figures.ts";
import { startGenerator } from "./serve/generator-process.ts";
import { processTime } from "./serve/process-time.ts";
import { servedModel } from "./serve/served-model.ts";
import { cupelCommand, startCupelServe } from "./serve/servers.ts";

const serverCore = "0";
const generatorCore = "1";
const rounds = 10;
const secondsPerRun = 4;
const leastShare = 0.95;
/** Of which the server computes 8 at once: some always wait. */
const callers = 16;

const names = ["without", "audit"] as const;
type Name = (typeof names)[number];

interface Run {
  readonly servedPerSecond: number;
  /** Of processor of the whole process, for an answer. */
  readonly cpuMs: number;
  readonly p50: number;
  readonly p99: number;
}

export const serveAudit: Benchmark = {
  name: "serve-audit",
  claim:
    "With every request in the record before it is answered, the server serves at least 95 % of what it serves without; each answer has its event, and the record is valid.",
  peer: "the same server without --audit, in the same run",
  takes: "2 min",
  async run({ print, progress, data, signal }) {
    if (data === null) return withoutData;
    await using folder = await openTemporaryFolder("bench");
    const model = await servedModel(data, folder.path, signal);
    const record = join(folder.path, "record");
    await using generator = startGenerator(generatorCore);
    const runs = new Map<Name, Run[]>(names.map((name) => [name, []]));
    const statuses = new Map<string, number>();
    {
      const common = [join(folder.path, "pcb.onnx"), "--threads", "1", "--set", "batching.maxRows=8"];
      const quiet = ["--set", "logging.level=fatal"];
      await using without = await startCupelServe([...common, ...quiet], serverCore);
      await using audit = await startCupelServe([...common, ...quiet, "--audit", record], serverCore);
      const servers = { without, audit };
      const request = {
        model: "pcb",
        input: model.input,
        shape: [1, ...model.shape],
        form: "binary",
        count: 50,
      } as const;
      const ask = async (name: Name, seconds: number): Promise<Run> => {
        const { port, pid } = servers[name];
        const before = await processTime(pid);
        const report = await generator.run({
          port,
          request,
          durationMs: 1000 * seconds,
          arrivals: { kind: "closed", callers },
        });
        const cpuMs = ((await processTime(pid)) - before) / report.sent;
        for (const [status, count] of name === "audit" ? Object.entries(report.statuses) : []) {
          statuses.set(status, (statuses.get(status) ?? 0) + count);
        }
        const { servedPerSecond, p50, p99 } = report;
        return { servedPerSecond, cpuMs, p50, p99 };
      };
      using task = progress.start("Serving", rounds, "rounds");
      for (const name of names) await ask(name, secondsPerRun);
      for (let round = 0; round < rounds; round++) {
        signal.throwIfAborted();
        // Whoever comes second may find another machine.
        for (const name of round % 2 === 0 ? names : names.toReversed()) {
          runs.get(name)?.push(await ask(name, secondsPerRun));
        }
        task.advance();
      }
    }
    const answered = statuses.get("200") ?? 0;
    const failed = [...statuses].filter(([status]) => status !== "200");
    const recorded = await recordedAnswers(record);
    const verdict = await verdictOf(record);

    const spread = (name: Name, of: (run: Run) => number): Spread => spreadOf((runs.get(name) ?? []).map(of));
    const ratio = (of: (run: Run) => number): Spread =>
      spreadOf((runs.get("audit") ?? []).map((run, at) => of(run) / of(runs.get("without")?.[at] ?? run)));
    print(
      tableText([
        [model.name, "answers/s", "ms of processor an answer", "median / P99"],
        ...names.map((name) => [
          name === "audit" ? "with --audit" : "without",
          spread(name, ({ servedPerSecond }) => servedPerSecond).median.toFixed(0),
          spread(name, ({ cpuMs }) => cpuMs).median.toFixed(3),
          `${spread(name, ({ p50 }) => p50).median.toFixed(1)} / ${spread(name, ({ p99 }) => p99).median.toFixed(1)} ms`,
        ]),
        [
          "with over without",
          ratioText(ratio(({ servedPerSecond }) => servedPerSecond)),
          ratioText(ratio(({ cpuMs }) => cpuMs)),
          "",
        ],
      ]),
    );
    const share = ratio(({ servedPerSecond }) => servedPerSecond);
    const isComplete = recorded === answered && failed.length === 0;
    return {
      kind: "measured",
      figures: { runs: Object.fromEntries(runs), answered, recorded, failed, verdict },
      bars: [
        {
          claim: "with the record, at least 95 % of the answers a second",
          measured: ratioText(share),
          isMet: share.median >= leastShare,
          isExact: false,
        },
        {
          claim: "each answer has its event",
          measured: `${answered} answers, ${recorded} events, ${JSON.stringify(failed)} failed`,
          isMet: isComplete,
          isExact: true,
        },
        { claim: "cupel audit verify", measured: verdict, isMet: verdict === "valid", isExact: true },
      ],
      quote: `With every request in the signed record before it is answered, the server serves ${ratioText(share)} of what it serves without.`,
    };
  },
};

/** Events of requests that were served. */
async function recordedAnswers(record: string): Promise<number> {
  const { lines } = await lastLines(join(record, "journal"), Number.POSITIVE_INFINITY, (line) => {
    const { action, ctx }: { readonly action: string; readonly ctx: { readonly code?: string } } = JSON.parse(
      Buffer.from(line).toString(),
    );
    return action === "INFER.REQUEST" && ctx.code === "OK";
  });
  return lines.length;
}

/** As the command says it: it ends with another status than 0 for any but "valid". */
async function verdictOf(record: string): Promise<string> {
  const words = ["audit", "verify", record, "--key", `${record}.pub`, "--json"];
  try {
    const { stdout } = await promisify(execFile)(cupelCommand, words);
    const { verdict }: { readonly verdict: string } = JSON.parse(stdout);
    return verdict;
  } catch (thrown) {
    return `not valid: ${String(thrown).slice(0, 500)}`;
  }
}
