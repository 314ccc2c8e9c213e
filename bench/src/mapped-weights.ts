/**
 * How far two processes share the weights of one model, by the form of its file: in one file, in a file of their own at
 * offsets of 64, 512 or 4096 bytes, in the engine's own form with the weights as its kernels take them, and mapped as they
 * are because the engine may not repack them. Full-width ResNet-50 with weights drawn from a seed, in float32 and INT8.
 */
import { join } from "node:path";
import { openTemporaryFolder, writeFileAtomically } from "@cupel/base";
import { compress, defaultRecipe } from "@cupel/compress";
import { encodeModel, type Model, type Tensor, writeModelFile } from "@cupel/onnx";
import { type EngineTuning, openSession } from "@cupel/runtime";
import { parsePreprocessing, preprocessingFor } from "@cupel/vision";
import type { Benchmark } from "./benchmark.ts";
import { megabytes, tableText } from "./figures.ts";
import { syntheticImages } from "./images/synthetic-images.ts";
import type { MappedMemory, MappedProbeTask } from "./mapped-weights-probe.ts";
import { resnet50 } from "./models/resnet50.ts";
import { openProbe } from "./probe.ts";

/** Bytes that the start of each tensor is a multiple of. */
const alignments = [64, 512, 4096] as const;
const pageBytes = 4096;

interface Contestant extends MappedProbeTask {
  readonly model: string;
  readonly form: string;
}

interface Measured {
  readonly model: string;
  readonly form: string;
  /** Of one of two, above one of two that have a model of almost nothing; `weights` is as it is. */
  readonly memory: MappedMemory;
}

export const mappedWeights: Benchmark = {
  name: "mapped-weights",
  claim:
    "Two processes with one ResNet-50: offsets of 64 or 512 bytes bring nothing that those of 4096 do not, and the engine shares float weights in its own form, but not those of INT8 convolutions.",
  peer: "the same model in one file",
  takes: "4 min",
  async run({ print, progress, signal }) {
    if (process.platform !== "linux")
      return { kind: "skipped", reason: "who has a page is told by /proc/PID/smaps, which only Linux has" };
    await using folder = await openTemporaryFolder("bench");
    const small = join(folder.path, "small.onnx");
    await writeModelFile(resnet50({ width: 1, imageSize: 32, classes: 10 }), small);
    const bare = await memoryOfPair({ path: small, weights: small, tuning: { threads: 1 } }, signal);
    const contestants = await writeForms(folder.path, signal);
    using task = progress.start("Starting processes", contestants.length, "pairs");
    const measured: Measured[] = [];
    for (const { model, form, ...probe } of contestants) {
      measured.push({ model, form, memory: above(await memoryOfPair(probe, signal), bare) });
      task.advance();
    }
    print(
      "of one of two processes that have the model, above one of two that have a model of almost nothing; its weights' mappings",
    );
    print(table(measured));
    const privateOf = (model: string, form: string) =>
      measured.find((each) => each.model === model && each.form === form)!.memory.privateBytes;
    const worst = Math.max(
      ...["float32", "INT8"].flatMap((model) =>
        [64, 512].map((at) => Math.abs(privateOf(model, `at ${at}`) / privateOf(model, "at 4096") - 1)),
      ),
    );
    const saved = (model: string) => privateOf(model, "one file") - privateOf(model, "engine's own");
    return {
      kind: "measured",
      figures: { measured },
      bars: [
        {
          claim: "private bytes at offsets of 64 and 512 are those at 4096, within a tenth",
          measured: `${(100 * worst).toFixed(1)} %`,
          isMet: worst < 0.1,
          isExact: false,
        },
        {
          claim: "float32 in the engine's own form: at least 80 MB are shared",
          measured: megabytes(saved("float32")),
          isMet: saved("float32") >= 80e6,
          isExact: false,
        },
      ],
      quote:
        `each of two processes with ResNet-50 has ${megabytes(privateOf("float32", "one file"))} of its own for it in float32 and ${megabytes(privateOf("INT8", "one file"))} in INT8 from one file, ` +
        `${megabytes(privateOf("float32", "at 4096"))} and ${megabytes(privateOf("INT8", "at 4096"))} with --external-data, ${megabytes(privateOf("float32", "engine's own"))} and ${megabytes(privateOf("INT8", "engine's own"))} with the engine's cache.`,
    };
  },
};

async function writeForms(folder: string, signal: AbortSignal): Promise<Contestant[]> {
  const model = resnet50();
  const { model: quantised } = await compress(model, {
    images: syntheticImages({ count: 4 }),
    preprocessing: parsePreprocessing(
      "preset=imagenet,resize=none",
      preprocessingFor(model.graph.inputs[0]!.shape!),
    ),
    recipe: defaultRecipe(8),
    signal,
  });
  return [
    ...(await formsOf("float32", model, join(folder, "float32"))),
    ...(await formsOf("INT8", quantised, join(folder, "int8"))),
  ];
}

async function formsOf(name: string, model: Model, folder: string): Promise<Contestant[]> {
  const tuning: EngineTuning = { threads: 1 };
  const whole = join(folder, "whole", "model.onnx");
  await writeModelFile(model, whole);
  const found: Contestant[] = [{ model: name, form: "one file", path: whole, weights: whole, tuning }];
  for (const alignment of alignments) {
    const path = join(folder, String(alignment), "model.onnx");
    found.push({
      model: name,
      form: `at ${alignment}`,
      path,
      weights: await writeAligned(model, path, alignment),
      tuning,
    });
  }
  const aligned = found.at(-1)!;
  found.push({
    ...aligned,
    form: "at 4096, not repacked",
    tuning: { threads: 1, configEntries: { "session.disable_prepacking": "1" } },
  });
  const own = join(folder, "engine.onnx");
  const session = await openSession(aligned.path, {
    threads: 1,
    optimisedModelPath: own,
    configEntries: {
      "session.optimized_model_external_initializers_file_name": "engine.bin",
      "session.optimized_model_external_initializers_min_size_in_bytes": String(pageBytes),
      "session.save_external_prepacked_constant_initializers": "1",
    },
  });
  await session.close();
  const weights = join(folder, "engine.bin");
  found.push({
    model: name,
    form: "engine's own",
    path: own,
    weights,
    tuning: { threads: 1, optimization: "disabled" },
  });
  return found;
}

/** As `writeModelFile` does, at other offsets. @returns the file of weights */
async function writeAligned(model: Model, path: string, alignment: number): Promise<string> {
  const location = "weights.data";
  const places = new Map<Tensor, { location: string; offset: number; length: number }>();
  const chunks: Uint8Array[] = [];
  let end = 0;
  for (const { constant } of model.graph.initializers) {
    if (!constant || constant.type === "string" || constant.byteLength < pageBytes || places.has(constant))
      continue;
    const offset = Math.ceil(end / alignment) * alignment;
    places.set(constant, { location, offset, length: constant.byteLength });
    chunks.push(new Uint8Array(offset - end), constant.bytes());
    end = offset + constant.byteLength;
  }
  const data = join(path, "..", location);
  await writeFileAtomically(data, chunks);
  await writeFileAtomically(
    path,
    encodeModel(model, (tensor) => places.get(tensor) ?? "inside"),
  );
  return data;
}

async function memoryOfPair(task: MappedProbeTask, signal: AbortSignal): Promise<MappedMemory> {
  await using first = await openProbe<"ready">("mapped-weights-probe.ts", task, signal);
  await using second = await openProbe<"ready">("mapped-weights-probe.ts", task, signal);
  void second;
  return await first.ask<MappedMemory>("memory");
}

function above(memory: MappedMemory, bare: MappedMemory): MappedMemory {
  return {
    ...memory,
    residentBytes: memory.residentBytes - bare.residentBytes,
    proportionalBytes: memory.proportionalBytes - bare.proportionalBytes,
    privateBytes: memory.privateBytes - bare.privateBytes,
    sharedBytes: memory.sharedBytes - bare.sharedBytes,
    anonymousBytes: memory.anonymousBytes - bare.anonymousBytes,
  };
}

function table(measured: readonly Measured[]): string {
  return tableText([
    [
      "model",
      "form",
      "resident",
      "proportional",
      "private",
      "anonymous",
      "mapped weights",
      "of those, in parts",
      "dirty",
      "a run",
    ],
    ...measured.map(({ model, form, memory }) => [
      model,
      form,
      megabytes(memory.residentBytes),
      megabytes(memory.proportionalBytes),
      megabytes(memory.privateBytes),
      megabytes(memory.anonymousBytes),
      megabytes(memory.weights.residentBytes),
      megabytes(memory.weights.proportionalBytes),
      megabytes(memory.weights.dirtyBytes),
      `${memory.medianRunMs.toFixed(0)} ms`,
    ]),
  ]);
}
