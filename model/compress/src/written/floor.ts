/**
 * The least that a compressed model must keep of the original, whatever the budget: below it, the file is no
 * smaller version of the model but something else. It also catches what the search and the emitted graph agree
 * on and the original does not, such as a wrong scale.
 */
import { areNames, countedOnce, numbersOf, type RecordedOutputs } from "@cupel/predict";
import type { TensorData, ValueInfo } from "@cupel/runtime";
import type { ImageBatch } from "@cupel/vision";
import { compressErrors } from "../errors.ts";
import { type ListReader, sameBoxes } from "./listed-boxes.ts";

export interface Floor {
  /** Least share of the images with the same prediction, 0 to 1, of outputs that name or score classes; of lists of boxes, the F1. */
  readonly samePrediction: number;
  /** Least signal to noise of other outputs, in dB. */
  readonly sqnrDb: number;
}

/** Half of the predictions; and noise of half the power of the signal, which no use of an output survives. */
export const defaultFloor: Floor = { samePrediction: 0.5, sqnrDb: 3 };

/** Which part of a floor a measure is held to. */
const leastBy = {
  samePrediction: "samePrediction",
  sameBoxes: "samePrediction",
  sqnrDb: "sqnrDb",
} as const satisfies Record<string, keyof Floor>;

export interface OutputFigure {
  /** Of a list of boxes all of them: "boxes, scores". */
  readonly output: string;
  readonly measure: keyof typeof leastBy;
  /** Infinite where both models answer the same; null where their shapes follow from the image and differ, or neither sees a box. */
  readonly value: number | null;
}

/** How outputs are read. */
export interface Reading {
  /** Whether a row of scores is read as the class with the highest. Default true; else its values are compared. */
  readonly areClasses?: boolean | undefined;
  /** Of outputs that list boxes. Default null: none do. */
  readonly boxes?: ListReader | null | undefined;
}

/**
 * @param runs those that both were fed.
 * @returns one figure an output, in the original's order, after one of all that list boxes.
 */
export function figuresOf(
  original: RecordedOutputs,
  compressed: RecordedOutputs,
  runs: readonly ImageBatch[],
  { areClasses = true, boxes = null }: Reading = {},
): OutputFigure[] {
  const counted = countedOnce(runs);
  const others = original.outputs.filter(({ name }) => !boxes?.fetches.includes(name));
  const ofBoxes: OutputFigure[] =
    boxes === null
      ? []
      : [
          {
            output: boxes.fetches.join(", "),
            measure: "sameBoxes",
            value: sameBoxes(boxes, original, compressed, runs),
          },
        ];
  const ofValues = others.map((info): OutputFigure => {
    const pairs = counted.map((run) => ({
      a: original.runs[run]![info.name]!,
      b: compressed.runs[run]?.[info.name],
      images: runs[run]!.indices.length,
    }));
    const measure = pairs.every(({ a, images }) => (areClasses && areScores(a, images)) || areNames(a))
      ? "samePrediction"
      : "sqnrDb";
    const shapes = pairs.map(({ a, b }) => (b === undefined ? "differs" : shapesOf(info, a, b)));
    if (shapes.includes("differs")) {
      return { output: info.name, measure, value: measure === "sqnrDb" ? Number.NEGATIVE_INFINITY : 0 };
    }
    if (shapes.includes("varies")) return { output: info.name, measure, value: null };
    const value = measure === "sqnrDb" ? sqnrOf(pairs) : sameShareOf(pairs);
    return { output: info.name, measure, value };
  });
  return [...ofBoxes, ...ofValues];
}

export function keepsTo({ measure, value }: OutputFigure, floor: Floor): boolean {
  return value === null || value >= floor[leastBy[measure]];
}

/** @throws FLOOR_MISSED */
export function assertFloor(figures: readonly OutputFigure[], floor: Floor, images: number): void {
  const missed = figures.filter((figure) => !keepsTo(figure, floor));
  if (missed.length === 0) return;
  const told: Record<OutputFigure["measure"], (value: number) => string> = {
    samePrediction: (value) =>
      `gives the same prediction for ${percent(value)} of ${images} images, at least ${percent(floor.samePrediction)} are wanted`,
    sameBoxes: (value) =>
      `gives the same boxes (F1) to ${percent(value)} on ${images} images, at least ${percent(floor.samePrediction)} are wanted`,
    sqnrDb: (value) =>
      `has ${decibels(value)} of signal to noise on ${images} images, at least ${floor.sqnrDb} dB are wanted`,
  };
  const listed = missed.map(({ output, measure, value }) => `"${output}" ${told[measure](value!)}`);
  throw compressErrors.error(
    "FLOOR_MISSED",
    `The compressed model is too far from the original: ${listed.join("; ")}. ` +
      "Check the preprocessing, give the layers more bits or allow a larger file; --bits 16 rounds nothing but weights, and little. " +
      "A network that is not trained has no answers to keep: its outputs move with every rounding, and --floor none takes the file as it is.",
    {
      details: {
        floor,
        figures: missed.map((each) => ({ ...each, value: finiteOrNull(each.value) })),
        images,
      },
    },
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const decibels = (db: number) => (Number.isFinite(db) ? `${db.toFixed(1)} dB` : "values that are not finite");
const finiteOrNull = (value: number | null) => (value !== null && Number.isFinite(value) ? value : null);

interface Pair {
  readonly a: TensorData;
  readonly b: TensorData | undefined;
}

/** One row of class scores an image. */
function areScores({ dims, type }: TensorData, images: number): boolean {
  return dims.length === 2 && dims[0] === images && dims[1]! > 1 && type.startsWith("float");
}

/** A size may differ only where the original leaves it open, as the number of boxes found is. */
function shapesOf(
  { dims: declared }: ValueInfo,
  a: TensorData,
  b: TensorData,
): "same" | "varies" | "differs" {
  if (a.dims.join() === b.dims.join()) return "same";
  const mayDiffer =
    a.dims.length === b.dims.length &&
    a.dims.every((size, axis) => size === b.dims[axis] || typeof declared[axis] !== "number");
  return mayDiffer ? "varies" : "differs";
}

/** Of rows whose largest score is in the same place, or of names that are equal. */
function sameShareOf(pairs: readonly Pair[]): number {
  let [same, all] = [0, 0];
  for (const { a, b } of pairs) {
    const [x, y] = [numbersOf(a), numbersOf(b!)];
    const width = areNames(a) ? 1 : a.dims[1]!;
    for (let start = 0; start < x.length; start += width) {
      all++;
      if (width === 1 ? x[start] === y[start] : highestFrom(x, start, width) === highestFrom(y, start, width))
        same++;
    }
  }
  return all === 0 ? 1 : same / all;
}

/** -1 where a score is no number: it is nobody's prediction. */
function highestFrom(values: ArrayLike<number>, start: number, width: number): number {
  let best = start;
  for (let i = start; i < start + width; i++) {
    if (Number.isNaN(values[i])) return -1 - start;
    if (values[i]! > values[best]!) best = i;
  }
  return best;
}

/** Where the original is finite; one value that is not finite there makes it minus infinity. */
function sqnrOf(pairs: readonly Pair[]): number {
  let [signal, noise] = [0, 0];
  for (const { a, b } of pairs) {
    const [x, y] = [numbersOf(a), numbersOf(b!)];
    for (let i = 0; i < x.length; i++) {
      if (!Number.isFinite(x[i])) continue;
      if (!Number.isFinite(y[i])) return Number.NEGATIVE_INFINITY;
      signal += x[i]! ** 2;
      noise += (x[i]! - y[i]!) ** 2;
    }
  }
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}
