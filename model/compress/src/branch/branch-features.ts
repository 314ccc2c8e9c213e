/**
 * What an exit or a gate decides by: the mean of every channel, over each quarter of the picture where it can be cut in four. The
 * network stays as it is while its head is trained, so that these are the same in every step: they are computed once, by
 * the very graph that is written.
 */
import { silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { attribute, cloneModel, Emitter, type Model, type Value } from "@cupel/onnx";
import { imageInputOf, imagesPerRun, runImages } from "@cupel/predict";
import { float32Of, type openSession } from "@cupel/runtime";
import {
  batches,
  type ImageSource,
  type Preprocessing,
  tensorDims,
  type UnreadableImage,
} from "@cupel/vision";
import { openTuned } from "../calibrate/open-tuned.ts";
import { joinFloats } from "../join-floats.ts";
import type { CutPoint } from "./cut-points.ts";

export function featureCount({ channels, quarter }: CutPoint): number {
  return quarter ? 4 * channels : channels;
}

/** [N, features] of what is read at the place. */
export function emitFeatures(emit: Emitter, read: Value, { quarter }: CutPoint): Value {
  const size = quarter && { kernel_shape: attribute.ints(quarter), strides: attribute.ints(quarter) };
  return emit.op("Flatten", [
    size ? emit.op("AveragePool", [read], size) : emit.op("GlobalAveragePool", [read]),
  ]);
}

/** What a network gives for some images. */
export interface SeenImages {
  readonly labels: readonly (number | null)[];
  readonly classes: number;
  /** The network's output, [images, classes] row-major. */
  readonly scores: Float32Array;
  /** By name of the value, [images, features] row-major. */
  readonly features: ReadonlyMap<string, Float32Array>;
}

export interface LookOptions extends WorkOptions {
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly strict: boolean;
  readonly onUnreadable: ((unreadable: UnreadableImage) => void) | undefined;
  readonly open: typeof openSession | undefined;
  /** Names of values [N, ...] to read as they are. Default: none. */
  readonly values?: readonly string[] | undefined;
}

/** Images a run. */
const imagesAtOnce = 32;

/**
 * The value that an exit reads: behind rounding, what the rest of the network reads too.
 * @param name of the value before it is rounded
 */
export function readAtExit({ graph }: Model, name: string): Value {
  const value = graph.value(name)!;
  const [first] = value.consumers;
  if (!first?.is("QuantizeLinear")) return value;
  const dequantise = first.output.consumers.find((node) => node.is("DequantizeLinear"));
  return dequantise?.output ?? value;
}

/** `model`, as it would be written without an exit, is left as it is. */
export async function lookAt(
  model: Model,
  places: readonly CutPoint[],
  images: ImageSource,
  options: LookOptions,
): Promise<SeenImages> {
  const { preprocessing, strict, onUnreadable, signal, values = [], progress = silentProgress } = options;
  const scoresName = model.graph.outputs[0]!.name;
  const outputs = new Map<string, string>();
  const make = (): Model => {
    const copy = cloneModel(model);
    const emit = new Emitter(copy, { typed: false });
    for (const place of places) {
      const features = emitFeatures(emit, readAtExit(copy, place.name), place);
      copy.graph.outputs.push(features);
      outputs.set(place.name, features.name);
    }
    for (const name of values) {
      copy.graph.outputs.push(copy.graph.value(name)!);
      outputs.set(name, name);
    }
    return copy;
  };
  await using opened = await openTuned(make, options);
  using task = progress.start("Looking at images", images.length, "images");
  const batchSize = imagesPerRun(
    imageInputOf(opened.session.inputs),
    tensorDims(preprocessing, 1),
    imagesAtOnce,
  );
  const labels: (number | null)[] = [];
  const scores: Float32Array[] = [];
  const names = [...places.map(({ name }) => name), ...values];
  const rows = new Map(names.map((name): [string, Float32Array[]] => [name, []]));
  for await (const batch of batches(images, preprocessing, { batchSize, strict, onUnreadable, signal })) {
    throwIfCancelled(signal, "Looking at images");
    labels.push(...batch.labels);
    const tensors = new Map(Object.entries(await runImages(opened.session, batch)));
    scores.push(float32Of(tensors.get(scoresName)!));
    for (const [name, parts] of rows) parts.push(float32Of(tensors.get(outputs.get(name)!)!));
    task.advance(batch.labels.length);
  }
  const all = joinFloats(scores);
  return {
    labels,
    classes: labels.length === 0 ? 0 : all.length / labels.length,
    scores: all,
    features: new Map([...rows].map(([name, parts]) => [name, joinFloats(parts)])),
  };
}
