/**
 * Runs both models on the same images, each in a worker of its own, and compares every matched
 * activation batch by batch. Nothing but the statistics and a few small maps is kept.
 */
import { silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { imagesPerRun, runImages } from "@cupel/predict";
import { float32Of, type ModelSource, openSession, type TensorData } from "@cupel/runtime";
import { batches, type ImageSource, type Preprocessing } from "@cupel/vision";
import { ActivationError, type ActivationFigures } from "./activation-error.ts";
import type { ModelPair } from "./model-pair.ts";
import { relativeMap, type SpatialGrid, spatialGrid } from "./spatial-map.ts";

/** An activation by its names in both models. */
export interface ComparedActivation {
  readonly name: string;
  readonly counterpart: string;
  /** What equalisation divided each channel of the compressed activation by; null where it did not. */
  readonly channelFactors: Float32Array | null;
}

export interface CompareOptions extends WorkOptions {
  /** Images a run, where the models leave that open. */
  readonly batchSize: number;
  /** Of both sessions together. */
  readonly threads: number;
  /** Images whose error is mapped: the first of the source. */
  readonly mappedImages: number;
}

export interface ActivationComparison {
  readonly images: number;
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
  const { signal } = options;
  const threads = Math.max(1, Math.floor(options.threads / 2));
  await using original = await openSession(models.original, {
    taps: activations.map(({ name }) => name),
    threads,
    signal,
  });
  await using compressed = await openSession(models.compressed, {
    taps: activations.map(({ counterpart }) => counterpart),
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
  const [inputOfOriginal, inputOfCompressed] = [original.inputs[0]!, compressed.inputs[0]!];
  const batchSize = imagesPerRun(inputOfOriginal, options.batchSize);
  for await (const batch of batches(images, preprocessing, { batchSize, signal })) {
    throwIfCancelled(signal, "Comparing layers");
    const { indices } = batch;
    // A run gives its batch away: each model gets its own.
    const copy = { ...batch, data: batch.data.slice() };
    const next = Promise.all([
      runImages(original, inputOfOriginal, copy),
      runImages(compressed, inputOfCompressed, batch),
    ]).then(([before, after]) => ({ before, after, indices }));
    next.catch(() => {});
    if (pending) take(await pending);
    pending = next;
  }
  if (pending) take(await pending);
  return comparison.outcome();
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
  readonly #mapped: number[] = [];
  readonly #mostMapped: number;
  #images = 0;

  constructor(activations: readonly ComparedActivation[], mostMapped: number) {
    this.#errors = new Map(activations.map((activation) => [activation, new ActivationError()]));
    this.#mostMapped = mostMapped;
  }

  add({ before, after, indices }: Pair): void {
    const mapped = Math.min(indices.length, this.#mostMapped - this.#mapped.length);
    for (const [{ name, counterpart, channelFactors }, error] of this.#errors) {
      const { dims } = before[name]!;
      const a = float32Of(before[name]!);
      const b = float32Of(after[counterpart]!);
      if (channelFactors) multiplyChannels(b, channelFactors, dims);
      error.add(a, b, dims);
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

  outcome(): ActivationComparison {
    const rms = new Map([...this.#errors].map(([{ name }, error]) => [name, error.rms]));
    return {
      images: this.#images,
      figures: new Map([...this.#errors].map(([{ name }, error]) => [name, error.figures()])),
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

/** In place: the array is ours, moved out of the session. [N, C, ...]. */
function multiplyChannels(values: Float32Array, factors: Float32Array, dims: readonly number[]): void {
  const inner = dims.slice(2).reduce((product, dim) => product * dim, 1);
  for (let i = 0; i < values.length; i++) values[i]! *= factors[Math.floor(i / inner) % factors.length]!;
}
