/**
 * The float model with what calibration wants to know of its activations as outputs of its own, so that the
 * engine reduces each activation where it arises and its memory is free again at once: the least and the
 * largest value of each image (or of each of its maps), the mean (of each channel, where a layer reads the value), and values at places
 * that are spread evenly over the activation. A small activation leaves the engine whole.
 *
 * All of it is by image, so that nothing depends on how many images a run has.
 */
import { createRandom } from "@cupel/base";
import {
  attribute,
  bytesOf,
  cloneModel,
  type Dimension,
  Emitter,
  type Model,
  Tensor,
  tensorType,
  type Value,
} from "@cupel/onnx";
import { imageInputOf, inputsOf } from "@cupel/predict";
import { clipRange, isStaticClip } from "../clean/place-activations.ts";

/** What is fetched for one activation. */
export interface Watch {
  /** Name of the activation. */
  readonly value: string;
  /** Whether its first dimension counts images; else all of it belongs to the run. */
  readonly byImage: boolean;
  /** Its second dimension, where the moments of channels are wanted; else null. */
  readonly channels: number | null;
  readonly outputs: WatchOutputs;
}

export type WatchOutputs =
  | { readonly kind: "whole"; readonly value: string }
  | {
      readonly kind: "reduced";
      /** [rows], or of each of their maps, [rows, maps]. Null where nothing is below zero. */
      readonly low: string | null;
      readonly high: string;
      /** [rows, channels]; without channels as `high`. */
      readonly mean: string;
      /** [rows, samples]: the values at `samplePlaces`. */
      readonly sample: string;
    };

export interface WatchedGraph {
  readonly model: Model;
  /** The first dimension of what is by image; null where the input has no batch, so that a run is one image. */
  readonly batch: Dimension | null;
  readonly watches: readonly Watch[];
}

/** Values of an activation that are looked at one by one in each image: a million in 256 images. */
const samples = 4096;

/**
 * Places in an activation, from 0 to 1 and in order: one drawn from each of 4096 equal parts. The element at
 * a place is `floor(place * elements)`, its channel `floor(place * channels)`.
 */
export const samplePlaces: Float64Array = (() => {
  const random = createRandom(1);
  return Float64Array.from({ length: samples }, (_, part) => (part + random.uniform()) / samples);
})();

/** @param values of `model`, which is left as it is. */
export function watchGraph(model: Model, values: readonly Value[]): WatchedGraph {
  const copy = cloneModel(model);
  const { dims } = imageInputOf(inputsOf(copy.graph));
  const batch = dims.length === 4 ? dims[0]! : null;
  const emit = new Emitter(copy, { typed: false });
  const watches = values.map(({ name }) => watchValue(emit, copy.graph.value(name)!, batch));
  return { model: copy, batch, watches };
}

function watchValue(emit: Emitter, value: Value, batch: Dimension | null): Watch {
  const { name, shape } = value;
  const byImage = shape !== null && batch !== null && shape[0] === batch;
  const channels = channelsOf(value);
  const elements = shape ? elementsOf(shape.slice(byImage ? 1 : 0)) : null;
  const isWhole = byImage && (shape.length === 2 || (elements !== null && elements <= samples));
  return {
    value: name,
    byImage,
    channels,
    outputs: isWhole
      ? { kind: "whole", value: output(emit, value) }
      : { kind: "reduced", ...reduced(emit, value, { byImage, channels, elements }) },
  };
}

/** The moments of channels are for layers, which read them along the second dimension. */
function channelsOf({ shape, uses }: Value): number | null {
  const channels = shape?.[1];
  if (typeof channels !== "number") return null;
  const isRead = uses.some(({ node, index }) => {
    return index === 0 && (node.is("Conv") || (node.is("Gemm", "MatMul") && shape?.length === 2));
  });
  return isRead ? channels : null;
}

function elementsOf(dims: readonly (Dimension | null)[]): number | null {
  let product = 1;
  for (const dim of dims) {
    if (typeof dim !== "number") return null;
    product *= dim;
  }
  return product;
}

interface Form {
  readonly byImage: boolean;
  readonly channels: number | null;
  /** Of a row; null when only the run knows. */
  readonly elements: number | null;
}

function reduced(emit: Emitter, value: Value, { byImage, channels, elements }: Form) {
  const write = emit.behind(value.producer, `${value.name}.watch`);
  const rows = write.op("Reshape", [value, emit.integers([byImage ? 0 : 1, -1])]);
  const rank = value.shape?.length ?? 0;
  // By the second dimension, a map is shared among the engine's threads.
  const perMap = { from: value, axes: Array.from({ length: rank }, (_, axis) => axis).slice(2) };
  const whole = { from: rows, axes: [1] };
  const extremes = byImage && rank >= 4 ? perMap : whole;
  const means = channels === null ? extremes : perMap;
  const least = isNeverNegative(value) ? null : output(emit, reduce(emit, write, "ReduceMin", extremes));
  return {
    low: least,
    high: output(emit, reduce(emit, write, "ReduceMax", extremes)),
    mean: output(emit, means.axes.length === 0 ? value : reduce(emit, write, "ReduceMean", means)),
    sample: output(
      emit,
      write.op("GatherElements", [rows, placesOf(emit, write, rows, { byImage, elements })], {
        axis: attribute.int(1),
      }),
    ),
  };
}

/** What is left of its smallest value then is zero, which every range holds. */
function isNeverNegative({ producer }: Value): boolean {
  if (producer?.is("Relu")) return true;
  return producer?.is("Clip") === true && isStaticClip(producer) && clipRange(producer)[0] >= 0;
}

/** [rows, samples]: the engine's GatherElements takes a quarter of the time of its Gather. */
function placesOf(
  emit: Emitter,
  write: Emitter,
  rows: Value,
  { byImage, elements }: Pick<Form, "byImage" | "elements">,
): Value {
  if (elements === null) return ofEachRow(emit, write, rows, placesIn(emit, write, rows));
  return emit.computed(`watch.places.${elements}.${byImage}`, () =>
    ofEachRow(emit, write, rows, fixedPlaces(emit, elements)),
  );
}

function ofEachRow(emit: Emitter, write: Emitter, rows: Value, places: Value): Value {
  const count = write.op("Gather", [write.op("Shape", [rows]), emit.integers([0])]);
  return write.op("Expand", [places, write.concat([count, emit.integers([samples])], 0)]);
}

function fixedPlaces(emit: Emitter, elements: number): Value {
  return emit.shared(`watch.places.${elements}`, () => {
    const places = Array.from(samplePlaces, (place) => Math.floor(place * elements));
    return Tensor.int64([samples], places);
  });
}

function placesIn(emit: Emitter, write: Emitter, rows: Value): Value {
  const places = emit.shared("watch.places", () =>
    Tensor.fromBytes("float64", [samples], bytesOf(samplePlaces)),
  );
  const size = write.op("Gather", [write.op("Shape", [rows]), emit.integers([1])]);
  return write.cast(write.op("Mul", [write.cast(size, "float64"), places]), "int64");
}

/** From operator set 18 on, axes are an input. */
function reduce(
  emit: Emitter,
  write: Emitter,
  kind: "ReduceMin" | "ReduceMax" | "ReduceMean",
  { from, axes }: { readonly from: Value; readonly axes: readonly number[] },
): Value {
  const keepdims = attribute.int(0);
  return (emit.model.opsets.get("") ?? 0) >= 18
    ? write.op(kind, [from, emit.integers(axes)], { keepdims })
    : write.op(kind, [from], { keepdims, axes: attribute.ints(axes) });
}

/** @returns its name. */
function output(emit: Emitter, value: Value): string {
  const { graph } = emit.model;
  value.type ??= tensorType("float32", null);
  if (!graph.isOutput(value)) graph.outputs.push(value);
  return value.name;
}
