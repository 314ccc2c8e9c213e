/**
 * What a layer's weights multiply, as second moments: E[x x^T] over all places that a kernel is laid on in all images.
 * It is the Hessian of the squared error of the layer's output, for each of its rows. The engine lays the patches out
 * (a Conv with one weight of 1 for each element of a kernel), multiplies them and hands on one matrix a run, so
 * that memory does not grow with the images.
 *
 * The input is that of the compressed network as far as it is decided: rounded, and made by rounded layers.
 */
import { own, throwIfCancelled } from "@cupel/base";
import {
  attribute,
  Emitter,
  type Graph,
  type Model,
  removeDeadCode,
  runPasses,
  tensorType,
  type Value,
} from "@cupel/onnx";
import { atImageSize, imageInputOf, imagesPerRun, runImages } from "@cupel/predict";
import { float32Of, type openSession, type TensorData } from "@cupel/runtime";
import { batches, type ImageSource, type Preprocessing, subset, tensorDims } from "@cupel/vision";
import { openTuned } from "../calibrate/open-tuned.ts";
import { keptInFloat } from "../emit/keep-float.ts";
import type { Layer } from "../layer.ts";
import { floatBeside } from "./float-beside.ts";

export interface InputMoments {
  /** Columns of a matrix of products: all of a row, or a part of it, since a very long row is taken in parts. */
  readonly columns: number;
  /** By part, the parts of a group one behind the other: E[x x^T], [columns, columns]. */
  readonly products: readonly Float64Array[];
  /** E[x], by part. */
  readonly means: readonly Float64Array[];
  /** The same of what the float network multiplies there, y: E[y x^T] and E[y]; null where they are not known. */
  readonly float: {
    readonly products: readonly Float64Array[];
    readonly means: readonly Float64Array[];
  } | null;
}

export interface MomentsContext {
  /** As many as needed are looked at. */
  readonly images: ImageSource;
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly open: typeof openSession | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A longer row is taken in parts, between which errors do not travel: a matrix of more is 40 MB, and a minute's work to decompose. */
const mostColumns = 2304;
/** Patches of a layer in one run, in bytes. They are there twice for a moment. */
const patchBytes = 64 * 2 ** 20;
const mostPerRun = 16;
/** Places for each column of a matrix: with fewer, a row would follow chance. Places of one image resemble each other. */
const placesPerColumn = 16;
const leastImages = 96;

/** How many parts a row is taken in: as few as keep to the limit, each of whole input channels. */
export function partsOfRow({ columns, kernelSize }: Layer): number {
  const channels = columns / kernelSize;
  for (let parts = Math.ceil(columns / mostColumns); parts < channels; parts++) {
    if (channels % parts === 0) return parts;
  }
  return channels;
}

/** Whether patches of its input can be laid out: not those of a ConvTranspose, nor of an input of unknown rank on the right. */
export function hasPatches({ node, weightIndex, input }: Layer): boolean {
  return !node.is("ConvTranspose") && (weightIndex === 1 || input.shape !== null);
}

/**
 * @param model the compressed model; edited. @param float the model it is made from.
 * @param layers of `float`, with patches. @returns by weight name; a layer is missing where nothing can be measured:
 * too few images to fill one run of a model of a fixed batch, or squares beyond float32
 */
export async function inputMoments(
  model: Model,
  float: Model,
  layers: readonly Layer[],
  context: MomentsContext,
): Promise<Map<string, InputMoments>> {
  const { images, preprocessing, signal } = context;
  const watched = watchLayers(model, float, layers);
  await using opened = await openTuned(() => model, context);
  const { session } = opened;
  const input = imageInputOf(session.inputs);
  const dims = tensorDims(preprocessing, 1);
  const least = imagesPerRun(input, dims, 1);
  const isOpen = imagesPerRun(input, dims, 2) !== least;
  const sized = atImageSize(float, preprocessing).graph;
  const places = layers.map((layer) => placesOf(layer, sized) / least);
  const bytes = layers.reduce((sum, { groups, columns }, i) => sum + 4 * groups * columns * places[i]!, 0);
  const batchSize = isOpen ? Math.max(1, Math.min(mostPerRun, Math.floor(patchBytes / bytes))) : least;
  const perLayer = layers.map(
    (layer, i) => (placesPerColumn * layer.columns) / partsOfRow(layer) / places[i]!,
  );
  const wanted = Math.ceil(Math.max(leastImages, ...perLayer) / batchSize) * batchSize;
  const chosen = Array.from({ length: Math.min(wanted, images.length) }, (_, index) => index);
  for await (const batch of batches(subset(images, chosen), preprocessing, { batchSize, signal })) {
    throwIfCancelled(signal, "Rounding weights");
    // Black images that fill a run up would be counted.
    if (!isOpen && batch.indices.length < batchSize) continue;
    const tensors = await runImages(session, batch);
    for (const each of watched) each.add(tensors);
  }
  return new Map(
    watched.flatMap((each) => {
      const moments = each.moments();
      return moments ? [[each.name, moments] as const] : [];
    }),
  );
}

/** Places that a kernel is laid on, or rows that are multiplied, in one run of a model of a fixed batch, else in one image. */
function placesOf({ node, rows }: Layer, sized: Graph): number {
  const shape = sized.value(node.output.name)?.shape ?? [];
  const elements = shape.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1);
  return Math.max(1, elements / rows);
}

/** Nothing else is computed by the model then. */
function watchLayers(model: Model, float: Model, layers: readonly Layer[]): WatchedLayer[] {
  const { graph } = model;
  const emit = new Emitter(model, { typed: false });
  const inputs = layers.map((layer) =>
    graph.value(layer.node.output.name)?.producer?.input(1 - layer.weightIndex),
  );
  const floats = floatBeside(emit, float.graph);
  graph.outputs.length = 0;
  const watched = layers.flatMap((layer, index) => {
    const input = inputs[index];
    return input ? [new WatchedLayer(layer, watch(emit, layer, input, floats?.get(layer.input.name)))] : [];
  });
  runPasses(model, [removeDeadCode]);
  return watched;
}

/** Sums of what is fetched for a layer. */
class WatchedLayer {
  readonly name: string;
  readonly #outputs: WatchOutputs;
  readonly #own: Sums;
  readonly #float: Sums | null;

  constructor(layer: Layer, outputs: WatchOutputs) {
    this.name = layer.weight.name;
    this.#outputs = outputs;
    this.#own = new Sums(layer);
    this.#float = outputs.float && new Sums(layer);
  }

  add(tensors: Readonly<Record<string, TensorData>>): void {
    const { products, means, sizes, float } = this.#outputs;
    const places = Number(own(tensors, sizes)!.data[2]);
    this.#own.add(own(tensors, products)!, own(tensors, means)!, places);
    if (float) this.#float!.add(own(tensors, float.products)!, own(tensors, float.means)!, places);
  }

  /** Null also where sums of squares overflowed, as the engine's of integers do without a word. */
  moments(): InputMoments | null {
    const moments = this.#own.moments();
    if (!moments?.products.every((sums, part) => holdSquares(sums, moments.means[part]!))) return null;
    return { ...moments, float: this.#float?.moments() ?? null };
  }
}

class Sums {
  readonly #columns: number;
  readonly #products: readonly Float64Array[];
  readonly #means: readonly Float64Array[];
  #places = 0;

  constructor(layer: Layer) {
    const parts = layer.groups * partsOfRow(layer);
    this.#columns = layer.columns / partsOfRow(layer);
    this.#products = Array.from({ length: parts }, () => new Float64Array(this.#columns ** 2));
    this.#means = Array.from({ length: parts }, () => new Float64Array(this.#columns));
  }

  /** @param products summed over so many places. @param means of each column over them */
  add(products: TensorData, means: TensorData, places: number): void {
    addTo(this.#products, float32Of(products), 1);
    addTo(this.#means, float32Of(means), places);
    this.#places += places;
  }

  /** Null where nothing was seen, and where squares are beyond float32. */
  moments(): Omit<InputMoments, "float"> | null {
    if (this.#places === 0) return null;
    for (const sums of [...this.#products, ...this.#means]) {
      for (let i = 0; i < sums.length; i++) sums[i]! /= this.#places;
      if (!sums.every(Number.isFinite)) return null;
    }
    return { columns: this.#columns, products: this.#products, means: this.#means };
  }
}

/** No mean of squares is below the square of the mean, but for float32. */
function holdSquares(products: Float64Array, means: Float64Array): boolean {
  return means.every((mean, i) => products[i * (means.length + 1)]! >= mean ** 2 * (1 - 1e-3));
}

function addTo(sums: readonly Float64Array[], values: Float32Array, weight: number): void {
  let at = 0;
  for (const sum of sums) for (let i = 0; i < sum.length; i++) sum[i]! += weight * values[at++]!;
}

interface WatchOutputs {
  /** Names of outputs: [parts, columns, columns], [parts, columns], and the three sizes of the patches. */
  readonly products: string;
  readonly means: string;
  readonly sizes: string;
  readonly float: { readonly products: string; readonly means: string } | null;
}

function watch(emit: Emitter, layer: Layer, read: Value, float: Value | undefined): WatchOutputs {
  // The engine would multiply 8-bit values and add up in 32 bits, which overflow from 33,000 places on.
  const input = keptInFloat(emit, read);
  const write = emit.behind(input.producer, `${layer.weight.name}.patches`);
  const parts = partsOfRow(layer);
  const shape = emit.integers([layer.groups * parts, layer.columns / parts, -1]);
  const patches = write.op("Reshape", [patchesOf(emit, write, layer, input), shape]);
  const turned = write.op("Transpose", [patches], { perm: attribute.ints([0, 2, 1]) });
  const floatPatches = float && emit.op("Reshape", [patchesOf(emit, emit, layer, float), shape]);
  return {
    products: output(emit, write.matMul(patches, turned), "float32"),
    means: output(emit, meansOf(emit, write, patches), "float32"),
    sizes: output(emit, write.op("Shape", [patches]), "int64"),
    float: floatPatches
      ? {
          products: output(emit, emit.matMul(floatPatches, turned), "float32"),
          means: output(emit, meansOf(emit, emit, floatPatches), "float32"),
        }
      : null,
  };
}

function meansOf(emit: Emitter, write: Emitter, patches: Value): Value {
  const axes = [2];
  const keepdims = attribute.int(0);
  return (emit.model.opsets.get("") ?? 0) >= 18
    ? write.op("ReduceMean", [patches, emit.integers(axes)], { keepdims })
    : write.op("ReduceMean", [patches], { keepdims, axes: attribute.ints(axes) });
}

/** With what a row's weights multiply along the first axis, [groups * K, ...]. */
function patchesOf(emit: Emitter, write: Emitter, layer: Layer, input: Value): Value {
  const { node, columns, groups, kernelSize, weightIndex } = layer;
  if (!node.is("Conv")) {
    // The rows of the input, or its columns, one behind the other.
    const rank = input.shape?.length ?? layer.input.shape?.length ?? 2;
    const isLeft = weightIndex === 0;
    const perm = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== rank - 2);
    if (isLeft) return write.op("Transpose", [input], { perm: attribute.ints([rank - 2, ...perm]) });
    const rows = write.op("Reshape", [input, emit.integers([-1, columns])]);
    return write.op("Transpose", [rows], { perm: attribute.ints([1, 0]) });
  }
  const dims = layer.weight.constant!.dims.slice(2);
  const channels = (groups * columns) / kernelSize;
  const kernels = new Float32Array(channels * kernelSize * kernelSize);
  for (let i = 0; i < channels * kernelSize; i++) kernels[i * kernelSize + (i % kernelSize)] = 1;
  const isAll = (name: string, value: number) => (node.ints(name) ?? []).every((each) => each === value);
  const isWhole = kernelSize === 1 && isAll("strides", 1) && isAll("pads", 0);
  const laidOut = isWhole
    ? input
    : write.op("Conv", [input, emit.floats([channels * kernelSize, 1, ...dims], kernels)], {
        ...Object.fromEntries(node.attributes),
        group: attribute.int(channels),
      });
  const spatial = dims.map((_, axis) => axis + 2);
  return write.op("Transpose", [laidOut], { perm: attribute.ints([1, 0, ...spatial]) });
}

/** @returns its name */
function output(emit: Emitter, value: Value, type: "float32" | "int64"): string {
  value.type ??= tensorType(type, null);
  if (!emit.model.graph.isOutput(value)) emit.model.graph.outputs.push(value);
  return value.name;
}
