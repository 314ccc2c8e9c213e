/**
 * Memory of the server after a hundred thousand requests of 600 KB against that after ten thousand: bodies, batches and
 * answers are given back, or it would grow by gigabytes.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { attribute, encodeModelBytes, Model, tensorType, Value } from "@cupel/onnx";
import type { Benchmark } from "./benchmark.ts";
import { megabytes, seconds } from "./figures.ts";
import { startGenerator } from "./serve/generator-process.ts";
import { startCupel } from "./serve/servers.ts";

const few = 10_000;
const many = 100_000;
/** Floats of a row: 600,000 bytes. */
const width = 150_000;

export const serveMemory: Benchmark = {
  name: "serve-memory",
  claim: "After 100,000 requests of 600 KB the server has at most 10 % more memory than after 10,000.",
  peer: "the same process after 10,000 requests",
  takes: "4 min",
  async run({ print, progress, signal }) {
    await using folder = await openTemporaryFolder("bench");
    await writeFile(join(folder.path, "mean.onnx"), meanModel());
    await using server = await startCupel(
      { "repository.path": folder.path, "repository.mode": "explicit", "engine.threads": 1 },
      null,
    );
    await using generator = startGenerator(null);
    using task = progress.start("Asking", many, "requests");
    let sent = 0;
    const askUntil = async (count: number) => {
      while (sent < count) {
        signal.throwIfAborted();
        const report = await generator.run({
          port: server.port,
          request: { model: "mean", input: "x", shape: [1, width], form: "binary", count: 5 },
          durationMs: 2000,
          arrivals: { kind: "closed", callers: 8 },
        });
        const failed = Object.entries(report.statuses).filter(([status]) => status !== "200");
        if (failed.length > 0) throw new Error(`The server answered ${JSON.stringify(report.statuses)}.`);
        sent += report.sent;
        task.advance(report.sent);
      }
      return { sent, bytes: await server.memory() };
    };
    const started = performance.now();
    const early = await askUntil(few);
    const late = await askUntil(many);
    const ratio = late.bytes / early.bytes;
    print(
      `${megabytes(early.bytes)} after ${early.sent} requests, ${megabytes(late.bytes)} after ${late.sent}, in ${seconds(performance.now() - started)}`,
    );
    return {
      kind: "measured",
      figures: { early, late },
      bars: [
        {
          claim: "at most 10 % more memory",
          measured: `${(100 * (ratio - 1)).toFixed(1)} %`,
          isMet: ratio <= 1.1,
          isExact: true,
        },
      ],
      quote: `after ${late.sent} requests of 600 KB the server has ${megabytes(late.bytes)}, after ${early.sent} it had ${megabytes(early.bytes)}.`,
    };
  },
};

/** The mean of each row. */
function meanModel(): Uint8Array {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = model;
  const x = graph.add(new Value("x", tensorType("float32", ["n", width])));
  graph.inputs.push(x);
  const mean = graph.append({
    opType: "ReduceMean",
    inputs: [x],
    outputs: ["mean"],
    attributes: { axes: attribute.ints([1]) },
    type: tensorType("float32", ["n", 1]),
  });
  graph.outputs.push(mean.output);
  return encodeModelBytes(model);
}
