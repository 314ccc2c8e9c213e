/** `cupel bench-model`: how fast and how large in memory, of one model or of two in turn. */

import { basename } from "node:path";
import { bytesText, type Spread, threeDigits } from "@cupel/base";
import {
  choosePreprocessing,
  fedDims,
  inputsOf,
  likelyImageInput,
  type OpenedModel,
  openModel,
} from "@cupel/predict";
import {
  cpuFeatures,
  type EngineTuning,
  type Feeds,
  feedDims,
  type InputForms,
  int8Advice,
  type Latency,
  type MeasuredModel,
  type MemoryReport,
  measureLatency,
  measureMemory,
} from "@cupel/runtime";
import { imageShapeOf, tensorDims } from "@cupel/vision";
import { flag, integer, invalid } from "../arguments/option.ts";
import { limitOptions, tryModel } from "../input/isolation.ts";
import { givenInputs, givenProviders, inputsOption, providersOption } from "../input/model-options.ts";
import { preprocessingOption } from "../input/preprocessing-option.ts";
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
  description:
    "The runs of two models are interleaved, so that a busy machine slows both, and the ratio is taken round by " +
    "round. Times are those inside the engine, on random input; the spread is the 10th to the 90th percentile. " +
    "A model that leaves the size of its images open is measured at that of its preprocessing. Each is first loaded and " +
    "run once in a process of its own, with limits of memory and time.",
  operands: [
    { name: "MODEL", summary: "The ONNX model" },
    { name: "MODEL2", summary: "Another, measured against the first", optional: true },
  ],
  options: [
    runs,
    batch,
    memory,
    preprocessingOption,
    inputsOption,
    providersOption,
    profileOption,
    ...limitOptions,
  ],
  examples: [
    { line: "cupel bench-model resnet50.onnx --threads 1", says: "latency on one thread" },
    {
      line: "cupel bench-model resnet50.onnx resnet50.int8.onnx --batch 16 --memory",
      says: "how much faster and smaller did it become?",
    },
  ],
  async run(given, context) {
    const paths = given.operands;
    const tensors = await givenInputs(given);
    const spec = given.get(preprocessingOption);
    const opened: OpenedModel[] = [];
    for (const path of paths) opened.push(await openModel(path));
    const sizes = opened.map(({ bytes }) => bytes);
    assertNamed(tensors, opened);
    const fed = opened.map((each) => fedTo(each, spec, tensors));
    for (const { sentence } of fed) if (sentence !== null) context.remark(sentence);
    const cpu = cpuFeatures();
    const { warning } = int8Advice(cpu);
    if (warning !== null) context.remark(warning);
    const { threads, seed, signal, progress } = context;
    const models = paths.map((path, i) => ({ name: path, model: path, inputs: fed[i]!.forms }));
    const executionProviders = givenProviders(given);
    const work = { executionProviders, threads, signal, progress };
    for (const { model, inputs } of models) {
      await tryModel(model, given, { inputs, executionProviders, threads, signal });
    }
    const options = { ...work, runs: given.get(runs), batch: given.get(batch), seed };
    const { result: latencies, profile } = await profiled(
      given.get(profileOption),
      models.map(({ name }) => basename(name)).join(" and "),
      (open) => measureLatency(models, { ...options, open }),
    );
    const memories = given.get(memory) ? await measureMemories(models, work) : null;
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

interface Fed {
  readonly forms: InputForms;
  /** The sizes that the model leaves open and is measured at; null where it leaves none open. */
  readonly sentence: string | null;
}

/**
 * Images of the preprocessing's size. Any model is measured, also one that takes no image, and inputs without a tensor
 * get random values.
 */
function fedTo(opened: OpenedModel, spec: string | undefined, tensors: Feeds | undefined): Fed {
  const inputs = inputsOf(opened.model.graph);
  const image = likelyImageInput(inputs);
  const isKnown = image !== null && (imageShapeOf(image.dims) !== null || spec !== undefined);
  const shapes = isKnown
    ? { [image.name]: fedDims(image, tensorDims(choosePreprocessing(opened, spec).preprocessing, 1)) }
    : {};
  const forms = { shapes, tensors };
  const declared = inputs.map(({ name, dims }) => ({ name, dims: dims.map((dim) => dim ?? "") }));
  const closed = feedDims(declared, forms);
  const open = declared.flatMap(({ name, dims }, i) =>
    dims.some((dim, axis) => axis > 0 && dim !== closed[i]![axis])
      ? [`"${name}" [${closed[i]!.join(", ")}]`]
      : [],
  );
  const sentence = `${opened.path} leaves sizes of its inputs open: it is measured at ${open.join(", ")}. Set --preprocessing for images of another size.`;
  return { forms, sentence: open.length === 0 ? null : sentence };
}

/** @throws OPTION_INVALID */
function assertNamed(tensors: Feeds | undefined, opened: readonly OpenedModel[]): void {
  const names = new Set(opened.flatMap(({ model }) => inputsOf(model.graph).map(({ name }) => name)));
  const unknown = Object.keys(tensors ?? {}).find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw invalid(
      "inputs",
      `holds a tensor "${unknown}", which is no input: they are ${[...names].join(", ")}`,
    );
  }
}

async function measureMemories(
  models: readonly MeasuredModel[],
  { progress, ...work }: Pick<CommandContext, "progress" | "threads" | "signal"> & EngineTuning,
): Promise<MemoryReport[]> {
  using task = progress.start("Measuring memory", models.length, "models");
  const reports: MemoryReport[] = [];
  for (const { name, model, inputs } of models) {
    task.note(basename(name));
    reports.push(await measureMemory(model, { ...work, inputs }));
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
