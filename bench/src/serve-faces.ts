/**
 * What each face costs: the same tensor to the same model, whose run costs next to nothing, over every face of one server.
 * All take turns within each round, and are told as ratios to REST with binary tensors.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder, type Spread, spreadOf } from "@cupel/base";
import { encodeModelBytes, Model, tensorType, Value } from "@cupel/onnx";
import type { Benchmark } from "./benchmark.ts";
import { ratioText, tableText } from "./figures.ts";
import type { FaceAsk } from "./serve/face-connection.ts";
import type { FacePlan, FaceReport } from "./serve/face-load.ts";
import { type LineProcess, startLineProcess } from "./serve/line-process.ts";
import { processTime } from "./serve/process-time.ts";
import { startCupelServe } from "./serve/servers.ts";

const rounds = 5;
const secondsPerRun = 2;
const callers = 8;
/** A row of features, and an image of 64 x 64. */
const sizes = [16, 3 * 64 * 64];
const reference = "REST, binary";

interface Run extends FaceReport {
  /** Of the server's whole process, an answer. */
  readonly cpuMs: number;
}

export const serveFaces: Benchmark = {
  name: "serve-faces",
  claim:
    "What each face costs beside REST with binary tensors: requests a second, processor time a request, bytes on the wire. No bar.",
  peer: "REST with binary tensors, of the same server",
  takes: "4 min",
  async run({ print, progress, signal }) {
    await using folder = await openTemporaryFolder("bench");
    await writeFile(join(folder.path, "through.onnx"), passThrough());
    await using server = await startCupelServe(
      [join(folder.path, "through.onnx"), "--threads", "1", "--set", "logging.level=fatal"],
      "0",
    );
    await using generator = startLineProcess(
      process.execPath,
      [new URL("serve/face-load.ts", import.meta.url).pathname],
      { cpus: "1" },
    );
    const ask = async (plan: Omit<FacePlan, "port" | "callers">): Promise<Run> => {
      const before = await processTime(server.pid);
      generator.write(JSON.stringify({ ...plan, port: server.port, callers }));
      const report: FaceReport = JSON.parse(await generator.line());
      const cpuMs = ((await processTime(server.pid)) - before) / report.answered;
      if (report.failures.length > 0) throw new Error(`${plan.ask.face}: ${report.failures[0]}`);
      return { ...report, cpuMs };
    };
    using task = progress.start("Faces", rounds * sizes.length, "rounds");
    const figures = new Map<string, Readonly<Record<string, readonly Run[]>>>();
    const quotes: string[] = [];
    for (const elements of sizes) {
      const asks = await requests(elements);
      const runs = new Map<string, Run[]>(asks.map(({ face }) => [face, []]));
      for (const each of asks) await ask({ ask: each, durationMs: 500 });
      for (let round = 0; round < rounds; round++) {
        signal.throwIfAborted();
        for (let place = 0; place < asks.length; place++) {
          const each = asks[(place + round) % asks.length]!;
          runs.get(each.face)!.push(await ask({ ask: each, durationMs: 1000 * secondsPerRun }));
        }
        task.advance();
      }
      figures.set(`${elements} numbers`, Object.fromEntries(runs));
      print(`${faceTable(elements, runs)}\n`);
      quotes.push(`${4 * elements} bytes: ${quoteOf(runs)}`);
    }
    return {
      kind: "measured",
      figures: { rounds, callers, runs: Object.fromEntries(figures) },
      bars: [],
      quote: `Processor time of the server a request, in times of REST with binary tensors. ${quotes.join(". ")}.`,
    };
  },
};

function faceTable(elements: number, runs: ReadonlyMap<string, readonly Run[]>): string {
  const header = [
    "requests/s",
    "of REST's",
    "processor, us",
    "of REST's",
    "bytes",
    "P50 / P99, ms",
    "generator",
  ];
  const median = (of: (run: Run) => number, face: readonly Run[]): number => spreadOf(face.map(of)).median;
  return tableText([
    [`${4 * elements} bytes of FP32`, ...header],
    ...[...runs].map(([name, face]) => [
      name,
      median(({ perSecond }) => perSecond, face).toFixed(0),
      ratioText(overReference(runs, name, ({ perSecond }) => perSecond)),
      (1000 * median(({ cpuMs }) => cpuMs, face)).toFixed(0),
      ratioText(overReference(runs, name, ({ cpuMs }) => cpuMs)),
      median(({ bytes }) => bytes, face).toFixed(0),
      `${median(({ p50 }) => p50, face).toFixed(2)} / ${median(({ p99 }) => p99, face).toFixed(2)}`,
      `${(100 * median(({ generatorShare }) => generatorShare, face)).toFixed(0)} %`,
    ]),
  ]);
}

function quoteOf(runs: ReadonlyMap<string, readonly Run[]>): string {
  return [...runs.keys()]
    .filter((name) => name !== reference)
    .map((name) => `${name} ${ratioText(overReference(runs, name, ({ cpuMs }) => cpuMs))}`)
    .join(", ");
}

/** From round to round. */
function overReference(
  runs: ReadonlyMap<string, readonly Run[]>,
  name: string,
  of: (run: Run) => number,
): Spread {
  const base = runs.get(reference)!;
  return spreadOf(runs.get(name)!.map((run, round) => of(run) / of(base[round]!)));
}

/** Made by the faces' own code. */
async function requests(elements: number): Promise<readonly FaceAsk[]> {
  const tool = new URL("../tools/face-requests.ts", import.meta.resolve("@cupel/serve"));
  await using child: LineProcess = startLineProcess(
    process.execPath,
    [tool.pathname, "through", "x", String(elements)],
    { cpus: null },
  );
  return JSON.parse(await child.line());
}

/** y = x, as large as it comes. */
function passThrough(): Uint8Array {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = model;
  const type = tensorType("float32", ["n", "c"]);
  const x = graph.add(new Value("x", type));
  graph.inputs.push(x);
  graph.outputs.push(graph.append({ opType: "Relu", inputs: [x], outputs: ["y"], type }).output);
  return encodeModelBytes(model);
}
