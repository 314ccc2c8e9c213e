/**
 * Runs both models on the same images, each in a worker of its own, and compares every matched
 * activation batch by batch. Nothing but the statistics and a few small maps is kept.
 */
import { own, silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import type { Counterpart, Value } from "@cupel/onnx";
import { imageInputOf, imagesPerRun, runImages } from "@cupel/predict";
import { float32Of, type ModelSource, openSession, type TensorData } from "@cupel/runtime";
import {
  batches,
  type ImageSource,
  type Preprocessing,
  tensorDims,
  type UnreadableImage,
} from "@cupel/vision";
import type { ModelPair } from "../model-pair.ts";
import { ActivationError, type ActivationFigures } from "./activation-error.ts";
import { relativeMap, type SpatialGrid, spatialGrid } from "./spatial-map.ts";

/** An activation of the original, and what stands for it in the compressed model. */
export interface ComparedActivation {
  readonly name: string;
  readonly counterpart: Counterpart;
}

/** Bytes of tapped activations held at one time. */
const budget = 256 * 2 ** 20;
/** One batch in the engines while the one before it is compared; two models each. */
const copies = 4;
const largestBatch = 32;
const bytesPerElement = 4;

/**
 * How many images may be compared at once so that their activations stay within memory.
 * @param values tapped, of one model, with inferred types. Unknown sizes count as 1.
 */
export function comparedBatchSize(values: readonly Value[]): number {
  const elements = values.reduce((sum, value) => sum + elementsPerImage(value), 0);
  const fitting = Math.floor(budget / (copies * bytesPerElement * Math.max(1, elements)));
  return Math.min(largestBatch, Math.max(1, fitting));
}

function elementsPerImage(value: Value): number {
  const sizes = value.shape?.slice(1) ?? [];
  return sizes.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1);
}

export interface CompareOptions extends WorkOptions {
  /** Images a run, where the models leave that open. */
  readonly batchSize: number;
  /** Of both sessions together. */
  readonly threads: number;
  readonly open?: typeof openSession | undefined;
  /** Images whose error is mapped: the first of the source. */
  readonly mappedImages: number;
}

export interface ActivationComparison {
  readonly images: number;
  readonly unreadable: readonly UnreadableImage[];
  readonly figures: ReadonlyMap<string, ActivationFigures>;
  /** Indices of the mapped images in the source. */
  readonly mapped: readonly number[];
  /** One map for each mapped image, of the activations that are images themselves. */
  readonly maps: ReadonlyMap<string, { width: number; height: number; maps: readonly (readonly number[])[] }>;
}

/** @throws INPUT_SHAPE_MISMATCH, IMAGES_UNREADABLE, CANCELLED, and what the sessions throw */
export async function compareActivations(
  models: ModelPair<ModelSource>,
  activations: readonly ComparedActivation[],
  images: ImageSource,
  preprocessing: Preprocessing,
  options: CompareOptions,
): Promise<ActivationComparison> {
  const { signal, open = openSession } = options;
  const threads = Math.max(1, Math.floor(options.threads / 2));
  await using original = await open(models.original, {
    taps: activations.map(({ name }) => name),
    threads,
    signal,
  });
  await using compressed = await open(models.compressed, {
    taps: [...new Set(activations.map(({ counterpart }) => counterpart.name))],
    threads,
    signal,
  });
  using task = (options.progress ?? silentProgress).start("Comparing layers", images.length, "images");
  const comparison = new Comparison(activations, options.mappedImages);
  const take = (pair: Pair): void => {
    comparison.add(pair);
    task.advance(pair.indices.length);
  };
  let pending: Promise<Pair> | null = null;
  const input = imageInputOf(original.inputs);
  const batchSize = imagesPerRun(input, tensorDims(preprocessing, 1), options.batchSize);
  const stream = batches(images, preprocessing, { batchSize, signal });
  for await (const batch of stream) {
    throwIfCancelled(signal, "Comparing layers");
    const { indices } = batch;
    // A run gives its batch away: each model gets its own.
    const copy = { ...batch, data: batch.data.slice() };
    const next = Promise.all([runImages(original, copy), runImages(compressed, batch)]).then(
      ([before, after]) => ({ before, after, indices }),
    );
    next.catch(() => {});
    if (pending) take(await pending);
    pending = next;
  }
  if (pending) take(await pending);
  return { ...comparison.outcome(), unreadable: stream.unreadable };
}

type Tensors = Readonly<Record<string, TensorData>>;

interface Pair {
  readonly before: Tensors;
  readonly after: Tensors;
  readonly indices: readonly number[];
}

class Comparison {
  readonly #errors: ReadonlyMap<ComparedActivation, ActivationError>;
  readonly #grids = new Map<string, SpatialGrid[]>();
  /** Of the original, removed ones included. */
  readonly #channels = new Map<string, number>();
  readonly #mapped: number[] = [];
  readonly #mostMapped: number;
  #images = 0;

  constructor(activations: readonly ComparedActivation[], mostMapped: number) {
    this.#errors = new Map(activations.map((activation) => [activation, new ActivationError()]));
    this.#mostMapped = mostMapped;
  }

  add({ before, after, indices }: Pair): void {
    const mapped = Math.min(indices.length, this.#mostMapped - this.#mapped.length);
    for (const [{ name, counterpart }, error] of this.#errors) {
      const { a, b, dims } = onSameChannels(own(before, name)!, own(after, counterpart.name)!, counterpart);
      error.add(a, b, dims);
      this.#channels.set(name, own(before, name)!.dims[1] ?? 1);
      const [batch, channels, rows, columns] = dims;
      if (dims.length !== 4) continue;
      for (let image = 0; image < mapped; image++) {
        const grid = spatialGrid(a, b, [batch!, channels!, rows!, columns!], image);
        this.#grids.set(name, [...(this.#grids.get(name) ?? []), grid]);
      }
    }
    this.#mapped.push(...indices.slice(0, mapped));
    this.#images += indices.length;
  }

  outcome(): Omit<ActivationComparison, "unreadable"> {
    const rms = new Map([...this.#errors].map(([{ name }, error]) => [name, error.rms]));
    return {
      images: this.#images,
      figures: new Map(
        [...this.#errors].map(([{ name, counterpart }, error]) => [
          name,
          withRemoved(error.figures(), counterpart.channels, this.#channels.get(name)!),
        ]),
      ),
      mapped: this.#mapped,
      maps: new Map(
        [...this.#grids].map(([name, grids]) => [
          name,
          {
            width: grids[0]!.width,
            height: grids[0]!.height,
            maps: grids.map((grid) => relativeMap(grid, rms.get(name)!)),
          },
        ]),
      ),
    };
  }
}

/** Both on the channels the counterpart has, in its order, with its factors taken back. [N, C, ...] */
function onSameChannels(original: TensorData, compressed: TensorData, { channels, factors }: Counterpart) {
  const { dims } = original;
  const a = float32Of(original);
  const b = float32Of(compressed);
  const inner = dims.slice(2).reduce((product, dim) => product * dim, 1);
  // In place: the array is ours, moved out of the session.
  if (factors) for (let i = 0; i < b.length; i++) b[i]! *= factors[Math.floor(i / inner) % factors.length]!;
  if (!channels) return { a, b, dims };
  const kept = new Float32Array(b.length);
  for (let at = 0; at < kept.length; at += inner) {
    const image = Math.floor(at / (inner * channels.length));
    const channel = channels[(at / inner) % channels.length]!;
    const from = (image * dims[1]! + channel) * inner;
    kept.set(a.subarray(from, from + inner), at);
  }
  return { a: kept, b, dims: [dims[0]!, channels.length, ...dims.slice(2)] };
}

/** As many channels as the original has; the figure of a removed one is no number. */
function withRemoved(
  figures: ActivationFigures,
  channels: readonly number[] | null,
  all: number,
): ActivationFigures {
  if (!channels) return figures;
  const channelError = new Array<number>(all).fill(Number.NaN);
  for (const [i, channel] of channels.entries()) channelError[channel] = figures.channelError[i]!;
  return { ...figures, shape: [all, ...figures.shape.slice(1)], channelError };
}
