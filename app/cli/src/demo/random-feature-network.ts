/**
 * The network of the demonstration, made without training: convolutions whose filters are patches drawn
 * from the pictures (`patch-filters.ts`), batch normalisation with measured statistics, and a last layer
 * solved in closed form by ridge regression. An extreme learning machine (Huang, Zhu and Siew, 2006) with
 * convolutional features. Everything is drawn from one seed.
 *
 *   picture -> [Conv -> BatchNormalization -> Relu] x 3 -> MaxPool over the map -> Gemm -> one score a class
 *
 * It is no substitute for a trained network; it is there because it needs no download and seconds.
 */
import { createRandom, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { attribute, encodeModelBytes, inferShapes, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { openSession, type TensorData } from "@cupel/runtime";
import type { PictureSource, Preprocessing } from "@cupel/vision";
import { channelStatistics } from "./channel-statistics.ts";
import { solveLastLayer } from "./last-layer.ts";
import { exemplarFilters, type PatchSampling, samplePatches } from "./patch-filters.ts";
import { readTensors, type TrainingTensors, withMirrored } from "./training-tensors.ts";

export interface RandomFeatureOptions extends WorkOptions {
  /** Labelled. */
  readonly pictures: PictureSource;
  /** Grey and square. */
  readonly preprocessing: Preprocessing;
  readonly seed: number;
  readonly threads: number;
}

interface Block {
  readonly filters: number;
  readonly sampling: PatchSampling;
  /** Added after normalisation: below 0, a filter only answers to what is rarer than the average. */
  readonly shift: number;
}

const blocks: readonly Block[] = [
  { filters: 32, sampling: { side: 5, perMap: 4, jitter: 2 }, shift: -0.5 },
  { filters: 96, sampling: { side: 3, perMap: 4, jitter: 1.5 }, shift: -0.5 },
  { filters: 384, sampling: { side: 3, perMap: 2, jitter: 0.5 }, shift: -1 },
];

/** Pictures that filters are drawn from and statistics measured on. */
const sampleSize = 420;
/** Pictures a run. */
const chunk = 70;

export async function randomFeatureNetwork(options: RandomFeatureOptions): Promise<Model> {
  const { pictures, preprocessing, seed, signal, progress } = options;
  const training = withMirrored(await readTensors(pictures, preprocessing, { signal, progress }));
  const network = new GrowingNetwork(training.side, options.threads);
  using task = progress?.start("Building the network", blocks.length + 1, "layers");
  const random = createRandom(seed);
  const sampled = { ...training, count: Math.min(sampleSize, training.count) };
  for (const { filters, sampling, shift } of blocks) {
    throwIfCancelled(signal, "Building the network");
    const patches = samplePatches(await network.run(sampled), sampling, random);
    network.addConvolution(exemplarFilters(patches, filters, random), filters, sampling.side);
    const { mean, variance } = channelStatistics(await network.run(sampled));
    network.addNormalisation(mean, variance, shift);
    task?.advance();
  }
  network.addPooling();
  throwIfCancelled(signal, "Building the network");
  const features = await network.run(training);
  network.addLastLayer(solveLastLayer(features, training.labels, pictures.classes?.length ?? 0));
  task?.advance();
  return network.finish();
}

/** A graph that grows at its end and can be run at any time. */
class GrowingNetwork {
  readonly #model = new Model({ irVersion: 8, opsets: new Map([["", 17]]), producerName: "cupel demo" });
  readonly #threads: number;
  #tip: Value;
  #channels = 1;
  #block = 0;
  #side: number;

  constructor(side: number, threads: number) {
    const { graph } = this.#model;
    this.#side = side;
    this.#threads = threads;
    this.#tip = graph.add(new Value("picture", tensorType("float32", ["N", 1, side, side])));
    graph.inputs.push(this.#tip);
  }

  addConvolution(weights: Float32Array, filters: number, side: number): void {
    const { graph } = this.#model;
    this.#block += 1;
    const name = `conv${this.#block}`;
    const weight = graph.addConstant(
      `${name}.weight`,
      Tensor.float32([filters, this.#channels, side, side], weights),
    );
    this.#append("Conv", name, [weight], { kernel_shape: attribute.ints([side, side]) });
    this.#channels = filters;
    this.#side -= side - 1;
  }

  addNormalisation(mean: Float32Array, variance: Float32Array, shift: number): void {
    const { graph } = this.#model;
    const name = `norm${this.#block}`;
    const vector = (what: string, values: Float32Array) =>
      graph.addConstant(`${name}.${what}`, Tensor.float32([values.length], values));
    this.#append("BatchNormalization", name, [
      vector("scale", new Float32Array(mean.length).fill(1)),
      vector("shift", new Float32Array(mean.length).fill(shift)),
      vector("mean", mean),
      vector("variance", variance),
    ]);
    this.#append("Relu", `relu${this.#block}`, []);
  }

  /** The strongest answer anywhere. MaxPool, not GlobalMaxPool: the engine runs it on integers. */
  addPooling(): void {
    this.#append("MaxPool", "pool", [], { kernel_shape: attribute.ints([this.#side, this.#side]) });
    this.#append("Flatten", "flatten", []);
  }

  addLastLayer({ weights, bias }: { readonly weights: Float32Array; readonly bias: Float32Array }): void {
    const { graph } = this.#model;
    this.#append(
      "Gemm",
      "scores",
      [
        graph.addConstant("dense.weight", Tensor.float32([bias.length, this.#channels], weights)),
        graph.addConstant("dense.bias", Tensor.float32([bias.length], bias)),
      ],
      { transB: attribute.int(1) },
    );
  }

  /** The value at the tip, for all pictures. */
  async run({ count, size, side, data }: TrainingTensors): Promise<TensorData> {
    if (this.#tip.producer === null)
      return { type: "float32", dims: [count, 1, side, side], data: data.subarray(0, count * size) };
    await using session = await openSession(encodeModelBytes(this.#ended()), { threads: this.#threads });
    const parts: TensorData[] = [];
    for (let from = 0; from < count; from += chunk) {
      const to = Math.min(count, from + chunk);
      const feed = {
        type: "float32" as const,
        dims: [to - from, 1, side, side],
        data: data.slice(from * size, to * size),
      };
      parts.push((await session.run({ picture: feed }, { transfer: true }))[this.#tip.name]!);
    }
    return joined(parts);
  }

  finish(): Model {
    const model = this.#ended();
    inferShapes(model);
    return model;
  }

  #ended(): Model {
    this.#tip.type ??= tensorType("float32", null);
    this.#model.graph.outputs.splice(0, 1, this.#tip);
    return this.#model;
  }

  #append(opType: string, name: string, more: Value[], attributes = {}): void {
    this.#tip = this.#model.graph.append({ opType, name, inputs: [this.#tip, ...more], attributes }).output;
  }
}

/** Along the first axis. */
function joined(parts: readonly TensorData[]): TensorData {
  const count = parts.reduce((sum, part) => sum + part.dims[0]!, 0);
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    if (part.data instanceof Float32Array) data.set(part.data, at);
    at += part.data.length;
  }
  return { type: "float32", dims: [count, ...parts[0]!.dims.slice(1)], data };
}
