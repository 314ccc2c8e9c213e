/**
 * The task of telling a class for each pixel: a map of scores for each class, `[N, C, H, W]`; one map of the
 * probability that a pixel belongs to what is looked for, `[N, 1, H, W]`; or a map of class numbers, `[N, H, W]` or
 * `[N, 1, H, W]` of whole numbers. Channels stand last where they do so in the input.
 */
import { own } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import type { TensorData } from "@cupel/runtime";
import { predictErrors } from "../errors.ts";
import { imageDimsOf } from "../input/image-input.ts";
import { endsInSigmoid } from "../task/ends-in-sigmoid.ts";
import { hasRowsOfImages } from "../task/rows-of-images.ts";
import type { OutputReader, Task, TaskModel } from "../task/task.ts";
import { areNames, numbersOf } from "../written/output-numbers.ts";
import type { ClassMap } from "./class-map.ts";
import { compareMaps, type MapDifference, mapDifferences } from "./compare-maps.ts";
import { evaluateMaps, type SegmentationEvaluation } from "./evaluate-maps.ts";
import { overlapFigures } from "./overlap.ts";

/** A map of scores of this many channels and more is one of features. */
const mostClasses = 255;
/** Of the input's sides: the maps of features of a backbone are smaller. */
const leastShare = 1 / 4;

export const segmentation: Task<ClassMap, SegmentationEvaluation, MapDifference> = {
  name: "segmentation",
  recognises: ({ outputs: [first], model }) =>
    first !== undefined && isMap(first, model) && hasRowsOfImages(first.dims, model),
  recognisedBy: "its first output is a class or a score of classes for each pixel",
  labelsFrom: "files",
  classCount(shape) {
    const channels = shape.length === 4 ? shape[1] : null;
    return typeof channels === "number" && channels > 1 ? channels : null;
  },
  reader: mapReader,
  evaluation: (images, { classes, labels, preprocessing }) =>
    evaluateMaps(images, { names: classes, preprocessing, folder: labels ?? null }),
  compare: compareMaps,
  figures: ({ overlap }) => (overlap === null ? [] : overlapFigures(overlap)),
  differences: mapDifferences,
};

interface Declared {
  readonly dims: readonly unknown[];
  readonly type: TensorData["type"];
}

function isMap({ dims, type }: Declared, model: Model | null): boolean {
  if (dims.length < 3 || dims.length > 4) return false;
  const last = channelsLast(model);
  const channels = dims.length === 3 ? 1 : dims[last ? 3 : 1];
  const sides = dims.length === 3 || last ? dims.slice(1, 3) : dims.slice(2);
  const input = imageDimsOf(model);
  const fits = sides.every((side, i) => isSideOf(side, input[(last ? 1 : 2) + i]));
  if (!fits || typeof channels !== "number") return false;
  if (areNames({ type })) return channels === 1;
  if (channels === 1) return dims.length === 4 && model !== null && endsInSigmoid(model);
  return dims.length === 4 && channels <= mostClasses;
}

/** Where a side is open, nothing speaks against it. A larger map than the image is an image. */
function isSideOf(side: unknown, input: unknown): boolean {
  if (typeof side !== "number") return true;
  if (typeof input !== "number") return side > 1;
  return side > 1 && side >= leastShare * input && side <= input;
}

function channelsLast(model: Model | null): boolean {
  const [, second, , fourth] = imageDimsOf(model);
  return typeof fourth === "number" && fourth <= 4 && !(typeof second === "number" && second <= 4);
}

function mapReader({ outputs: [output], model }: TaskModel): OutputReader<ClassMap> {
  if (!output) throw predictErrors.error("OUTPUT_UNSUPPORTED", "The model has no output.");
  const { name } = output;
  const last = channelsLast(model);
  const least = model !== null && endsInSigmoid(model) ? 0.5 : 0;
  return {
    fetches: [name],
    read(tensors, { dims: [count], sizes }) {
      const tensor = own(tensors, name)!;
      const { dims } = tensor;
      if (dims[0] !== count || dims.length < 3 || dims.length > 4) {
        throw predictErrors.error(
          "OUTPUT_UNSUPPORTED",
          `The output "${name}" is not one map of classes an image: its shape is [${dims}].`,
          { details: { output: name, dims } },
        );
      }
      const values = numbersOf(tensor);
      const channels = dims.length === 3 ? 1 : dims[last ? 3 : 1]!;
      const [height, width] = dims.length === 3 || last ? [dims[1]!, dims[2]!] : [dims[2]!, dims[3]!];
      const pixels = width * height;
      const isNamed = areNames(tensor);
      const layout = { channels, pixels, last, isNamed, least };
      const classCount = isNamed ? null : Math.max(2, channels);
      return Array.from({ length: count }, (_, image) => ({
        width,
        height,
        classes: classesOf(values, layout, image),
        classCount,
        image: sizes[image]!,
      }));
    },
  };
}

interface MapLayout {
  readonly channels: number;
  readonly pixels: number;
  readonly last: boolean;
  /** Whether the values are class numbers. */
  readonly isNamed: boolean;
  /** The score from which on a pixel belongs to the one class of a map of one channel. */
  readonly least: number;
}

function classesOf(values: ArrayLike<number>, layout: MapLayout, image: number): Int32Array {
  const { channels, pixels, last } = layout;
  const from = image * channels * pixels;
  if (channels === 1) return classesOfOne(values, layout, from);
  const best = new Float64Array(pixels);
  const classes = new Int32Array(pixels);
  const [step, stride] = last ? [1, channels] : [pixels, 1];
  for (let pixel = 0; pixel < pixels; pixel++) best[pixel] = values[from + pixel * stride]!;
  // Channel by channel: what lies side by side is read so.
  for (let c = 1; c < channels; c++) {
    for (let pixel = 0, at = from + c * step; pixel < pixels; pixel++, at += stride) {
      const beaten = best[pixel]!;
      const score = values[at]!;
      if (score > beaten || Number.isNaN(beaten)) {
        best[pixel] = score;
        classes[pixel] = c;
      }
    }
  }
  return classes;
}

function classesOfOne(
  values: ArrayLike<number>,
  { pixels, isNamed, least }: MapLayout,
  from: number,
): Int32Array {
  return Int32Array.from({ length: pixels }, (_, pixel) =>
    isNamed ? values[from + pixel]! : Number(values[from + pixel]! >= least),
  );
}

/** Pixels of each class that the map has, the most first. What is less than 0 is no class. */
export function pixelsByClass({
  classes,
}: Pick<ClassMap, "classes">): readonly { readonly classIndex: number; readonly pixels: number }[] {
  const counts = new Map<number, number>();
  // Neighbours are of one class, as a rule: a run of them is counted at once.
  for (let from = 0, to = 0; from < classes.length; from = to) {
    const each = classes[from]!;
    do to++;
    while (to < classes.length && classes[to] === each);
    if (each >= 0) counts.set(each, (counts.get(each) ?? 0) + to - from);
  }
  return [...counts]
    .map(([classIndex, pixels]) => ({ classIndex, pixels }))
    .sort((a, b) => b.pixels - a.pixels || a.classIndex - b.classIndex);
}
