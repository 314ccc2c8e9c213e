/** `cupel bench-model`: how fast and how large in memory, of one model or of two in turn. */

import { basename } from "node:path";
import { bytesText, type Spread, threeDigits } from "@cupel/base";
import { openModel } from "@cupel/predict";
import {
  cpuFeatures,
  int8Advice,
  type Latency,
  type MemoryReport,
  measureLatency,
  measureMemory,
} from "@cupel/runtime";
import { flag, integer } from "../arguments/option.ts";
import { profiled, profileFacts, profileOption } from "../profile/profiled.ts";
import { millisecondsText, numberOf, ratioText } from "../terminal/figures.ts";
import { factsText, tableText } from "../terminal/table.ts";
import type { Command, CommandContext } from "./command.ts";

const runs = integer({
  name: "runs",
  placeholder: "N",
  min: 1,
  value: 50,
  summary: "Rounds that count; each runs every model once",
});
const batch = integer({
  name: "batch",
  placeholder: "N",
  min: 1,
  fallback: "not measured",
  summary: "Images a run to measure throughput with",
});
const memory = flag({ name: "memory", summary: "Also measure peak memory, in processes of their own" });

export const benchModelCommand: Command = {
  name: "bench-model",
  summary: "Measure latency, throughput and memory of one model, or of two in turn",
  description:
    "The runs of two models are interleaved, so that a busy machine slows both, and the ratio is taken round by " +
    "round. Times are those inside the engine, on random input; the spread is the 10th to the 90th percentile.",
  operands: [
    { name: "MODEL", summary: "The ONNX model" },
    { name: "MODEL2", summary: "Another, measured against the first", optional: true },
  ],
  options: [runs, batch, memory, profileOption],
  examples: [
    { line: "cupel bench-model resnet50.onnx --threads 1", says: "latency on one thread" },
    {
      line: "cupel bench-model resnet50.onnx resnet50.int8.onnx --batch 16 --memory",
      says: "how much faster and smaller did it become?",
    },
  ],
  async run(given, context) {
    const paths = given.operands;
    const sizes: number[] = [];
    for (const path of paths) sizes.push((await openModel(path)).bytes);
    const cpu = cpuFeatures();
    const { warning } = int8Advice(cpu);
    if (warning !== null) context.remark(warning);
    const { threads, seed, signal, progress } = context;
    const models = paths.map((path) => ({ name: path, model: path }));
    const options = { runs: given.get(runs), batch: given.get(batch), threads, seed, signal, progress };
    const { result: latencies, profile } = await profiled(
      given.get(profileOption),
      models.map(({ name }) => basename(name)).join(" and "),
      (open) => measureLatency(models, { ...options, open }),
    );
    const memories = given.get(memory) ? await measureMemories(paths, context) : null;
    const measured = latencies.map((latency, i) => ({
      model: latency.name,
      bytes: sizes[i]!,
      latencyMs: latency.latency,
      ratio: latency.ratio,
      throughput: latency.throughput,
      memory: memories?.[i] ?? null,
    }));
    return {
      json: { cpu, threads, runs: options.runs, models: measured, profile },
      text: [
        `${cpu.model}, ${numberOf(cpu.cores, "core")}${cpu.features.length > 0 ? `, ${cpu.features.join(" ")}` : ""}; ` +
          `${numberOf(threads, "engine thread")}`,
        "",
        benchTable(measured),
        ...(profile === null ? [] : ["", factsText(profileFacts(profile))]),
      ].join("\n"),
    };
  },
};

async function measureMemories(
  paths: readonly string[],
  { threads, signal, progress }: CommandContext,
): Promise<MemoryReport[]> {
  using task = progress.start("Measuring memory", paths.length, "models");
  const reports: MemoryReport[] = [];
  for (const path of paths) {
    task.note(basename(path));
    reports.push(await measureMemory(path, { threads, signal }));
    task.advance();
  }
  return reports;
}

interface Measured {
  readonly model: string;
  readonly bytes: number;
  readonly latencyMs: Spread;
  readonly ratio: Spread;
  readonly throughput: Latency["throughput"];
  readonly memory: MemoryReport | null;
}

interface Column {
  readonly title: string;
  cell(measured: Measured): string;
  isShown(all: readonly Measured[]): boolean;
}

const always = () => true;
const withMemory = (all: readonly Measured[]) => all.some(({ memory }) => memory !== null);
const withThroughput = (all: readonly Measured[]) => all.some(({ throughput }) => throughput !== null);
const bytesCell = (bytes: number | null | undefined) => (bytes == null ? "-" : bytesText(bytes));

const columns: readonly Column[] = [
  { title: "model", isShown: always, cell: ({ model }) => basename(model) },
  { title: "file", isShown: always, cell: ({ bytes }) => bytesText(bytes) },
  { title: "median", isShown: always, cell: ({ latencyMs }) => millisecondsText(latencyMs.median) },
  {
    title: "p10 - p90",
    isShown: always,
    cell: ({ latencyMs }) => `${millisecondsText(latencyMs.p10)} - ${millisecondsText(latencyMs.p90)}`,
  },
  {
    title: "speed",
    isShown: (all) => all.length > 1,
    cell: ({ ratio }) => `${ratioText(ratio.median)} (${threeDigits(ratio.p10)} - ${threeDigits(ratio.p90)})`,
  },
  {
    title: "throughput",
    isShown: withThroughput,
    cell: ({ throughput }) =>
      throughput ? `${threeDigits(throughput.imagesPerSecond)} images/s at ${throughput.batch}` : "-",
  },
  { title: "peak memory", isShown: withMemory, cell: ({ memory }) => bytesCell(memory?.wholeProcess) },
  { title: "above bare process", isShown: withMemory, cell: ({ memory }) => bytesCell(memory?.aboveBare) },
  { title: "above idle engine", isShown: withMemory, cell: ({ memory }) => bytesCell(memory?.aboveEngine) },
  { title: "anonymous", isShown: withMemory, cell: ({ memory }) => bytesCell(memory?.anonymous) },
];

function benchTable(all: readonly Measured[]): string {
  const shown = columns.filter((column) => column.isShown(all));
  return tableText([
    shown.map(({ title }) => title),
    ...all.map((each) => shown.map((column) => column.cell(each))),
  ]);
}
