/**
 * Second moments of what layers read, by channel: the mean of each and the mean product of every two. The engine sums them up,
 * a run at a time, so that memory does not grow with images: a square of channels for each value.
 */
import { silentProgress, throwIfCancelled } from "@cupel/base";
import { attribute, cloneModel, Emitter, type Model, type Value } from "@cupel/onnx";
import { imageInputOf, imagesPerRun, runImages } from "@cupel/predict";
import { float32Of } from "@cupel/runtime";
import { batches, tensorDims } from "@cupel/vision";
import { openTuned } from "../calibrate/open-tuned.ts";
import type { StageContext } from "../stage/stage.ts";

/** A value of the model, and where its channels are: `places` of them along an axis, in runs of equal length. */
export interface MeasuredValue {
  readonly name: string;
  readonly axis: number;
  readonly channels: number;
  /** Places of one channel side by side: those of a map that was flattened. */
  readonly run: number;
}

export interface ChannelMoments {
  /** Numbers each mean is of. */
  readonly count: number;
  readonly means: Float64Array;
  /** Mean products, [channels, channels]. */
  readonly products: Float32Array;
}

/** Images a run: enough to keep the engine busy, few enough to stay small. */
const imagesARun = 8;

/** By name. `model` is left as it is. @throws what sessions and images throw */
export async function measureChannels(
  model: Model,
  values: readonly MeasuredValue[],
  context: StageContext,
): Promise<ReadonlyMap<string, ChannelMoments>> {
  const { images, preprocessing, strict, onUnreadable, signal } = context;
  const sums = new Map(values.map((value) => [value.name, new MomentSums(value.channels)]));
  await using opened = await openTuned(() => withMoments(model, values), context);
  const { session } = opened;
  const batchSize = imagesPerRun(imageInputOf(session.inputs), tensorDims(preprocessing, 1), imagesARun);
  using task = (context.progress ?? silentProgress).start("Measuring channels", images.length, "images");
  const fetches = values.flatMap(({ name }) => Object.values(namesOf(name)));
  const stream = batches(images, preprocessing, { batchSize, strict, onUnreadable, signal });
  for await (const batch of stream) {
    throwIfCancelled(signal, "Measuring channels");
    const count = batch.dims[0];
    const tensors = await runImages(session, batch, fetches);
    for (const [name, sum] of sums) {
      const names = namesOf(name);
      const [products, total] = [tensors[names.products]!, tensors[names.sums]!];
      sum.add(float32Of(products), float32Of(total), Number(tensors[names.count]!.data[0]));
    }
    task.advance(count);
  }
  return new Map(Array.from(sums, ([name, sum]) => [name, sum.moments()]));
}

const namesOf = (name: string) => ({
  products: `${name}.moments.products`,
  sums: `${name}.moments.sums`,
  count: `${name}.moments.count`,
});

function withMoments(model: Model, values: readonly MeasuredValue[]): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  const emit = new Emitter(copy, { typed: false });
  for (const measured of values) {
    const value = graph.value(measured.name)!;
    const { channels } = measured;
    const rows = emit.op("Reshape", [channelsFirst(emit, value, measured), emit.integers([channels, -1])]);
    const columns = emit.op("Transpose", [rows], { perm: attribute.ints([1, 0]) });
    const names = namesOf(measured.name);
    const products = emit.node("MatMul", [rows, columns], {}, [names.products]);
    const sums = emit.node("ReduceSum", [rows, emit.integers([1])], { keepdims: attribute.int(0) }, [
      names.sums,
    ]);
    const count = emit.node("Shape", [columns], {}, [names.count]);
    graph.outputs.push(...products, ...sums, ...count);
  }
  for (const output of graph.outputs) {
    const isCount = output.name.endsWith(".moments.count");
    output.type ??= { kind: "tensor", elementType: isCount ? "int64" : "float32", shape: null };
  }
  return copy;
}

function channelsFirst(emit: Emitter, value: Value, { axis, channels, run }: MeasuredValue): Value {
  const rank = value.shape?.length ?? 0;
  if (run > 1) {
    // [..., channels * run, ...] as [before, channels, the rest].
    const before = axis === 0 ? 1 : 0;
    const parts = axis <= 1 && before === 0 ? [0, channels, -1] : null;
    if (parts) {
      return emit.op("Transpose", [emit.op("Reshape", [value, emit.integers(parts)])], {
        perm: attribute.ints([1, 0, 2]),
      });
    }
  }
  const permutation = [axis, ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis)];
  return emit.op("Transpose", [value], { perm: attribute.ints(permutation) });
}

class MomentSums {
  readonly #channels: number;
  readonly #products: Float32Array;
  readonly #sums: Float64Array;
  #count = 0;

  constructor(channels: number) {
    this.#channels = channels;
    this.#products = new Float32Array(channels * channels);
    this.#sums = new Float64Array(channels);
  }

  add(products: Float32Array, sums: Float32Array, count: number): void {
    for (let i = 0; i < this.#products.length; i++) this.#products[i]! += products[i]!;
    for (let i = 0; i < this.#channels; i++) this.#sums[i]! += sums[i]!;
    this.#count += count;
  }

  moments(): ChannelMoments {
    const count = Math.max(1, this.#count);
    return {
      count,
      means: this.#sums.map((sum) => sum / count),
      products: this.#products.map((sum) => sum / count),
    };
  }
}
