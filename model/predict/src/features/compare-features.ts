/**
 * Two models' values on the same images. For each output, with a of the first model and b of the second:
 *
 *   SQNR = 10 log10 (sum a^2 / sum (a - b)^2) in dB, over all images and as the lowest of one image;
 *   cosine = sum a b / sqrt (sum a^2 sum b^2), the mean over the images and the lowest.
 *
 * Values that are not finite in the first are left out; one that is finite in the first only makes the SQNR minus
 * infinity.
 */
import type { TaskFigure } from "../task/task.ts";
import type { FeaturesEvaluation, OutputValues } from "./features.ts";

export interface OutputDifference {
  readonly output: string;
  /** Images whose values were compared. */
  readonly images: number;
  /** Images for which the two models gave another number of values, which are not compared. */
  readonly otherShape: number;
  /** Infinite where all values are equal; not a number where no image was compared. */
  readonly sqnrDb: number;
  readonly lowestSqnrDb: number;
  readonly cosine: number;
  readonly lowestCosine: number;
}

export interface FeaturesDifference {
  /** Images that both could read. */
  readonly images: number;
  readonly outputs: readonly OutputDifference[];
}

/** Outputs are matched by their order: a model made from another keeps it. */
export function compareFeatures(first: FeaturesEvaluation, second: FeaturesEvaluation): FeaturesDifference {
  const place = new Map(second.indices.map((index, at) => [index, at]));
  const sums = new Map<number, Sums>();
  let images = 0;
  for (const [at, index] of first.indices.entries()) {
    const there = place.get(index);
    if (there === undefined) continue;
    images++;
    const [before, after] = [first.predictions[at] ?? null, second.predictions[there] ?? null];
    if (before === null || after === null) continue;
    for (const [i, a] of before.entries()) {
      const sum = sums.get(i) ?? emptySums(a.output);
      sums.set(i, sum);
      addImage(sum, a, after[i]);
    }
  }
  return { images, outputs: [...sums.values()].map(differenceOf) };
}

interface Sums {
  readonly output: string;
  images: number;
  otherShape: number;
  signal: number;
  noise: number;
  lowestSqnrDb: number;
  cosines: number;
  lowestCosine: number;
}

function emptySums(output: string): Sums {
  const none = Number.POSITIVE_INFINITY;
  const zero = { images: 0, otherShape: 0, signal: 0, noise: 0, cosines: 0 };
  return { output, ...zero, lowestSqnrDb: none, lowestCosine: none };
}

function addImage(sums: Sums, a: OutputValues, b: OutputValues | undefined): void {
  if (b?.values.length !== a.values.length) {
    sums.otherShape++;
    return;
  }
  const { signal, noise, cosine } = ofImage(a.values, b.values);
  sums.images++;
  sums.signal += signal;
  sums.noise += noise;
  sums.lowestSqnrDb = Math.min(sums.lowestSqnrDb, decibels(signal, noise));
  sums.cosines += cosine;
  sums.lowestCosine = Math.min(sums.lowestCosine, cosine);
}

function ofImage(a: Float32Array, b: Float32Array) {
  let [signal, noise, dot, other] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (!Number.isFinite(x)) continue;
    signal += x * x;
    noise += Number.isFinite(y) ? (x - y) ** 2 : Number.POSITIVE_INFINITY;
    other += y * y;
    dot += x * y;
  }
  // Of two zeros the angle is that of equals; of one, none.
  const cosine =
    noise === 0 ? 1 : signal > 0 && other > 0 && noise < Infinity ? dot / Math.sqrt(signal * other) : 0;
  return { signal, noise, cosine };
}

function decibels(signal: number, noise: number): number {
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}

function differenceOf({ signal, noise, cosines, ...told }: Sums): OutputDifference {
  const { output, images, otherShape } = told;
  if (images > 0) return { ...told, sqnrDb: decibels(signal, noise), cosine: cosines / images };
  const none = Number.NaN;
  const figures = { sqnrDb: none, lowestSqnrDb: none, cosine: none, lowestCosine: none };
  return { output, images, otherShape, ...figures };
}

export function featureDifferences({ images, outputs }: FeaturesDifference): TaskFigure[] {
  return outputs.flatMap((each) => {
    const of = each.images === images ? `${images} images` : `${each.images} of ${images} images`;
    const called = outputs.length === 1 ? "" : `${each.output}: `;
    const figure = (name: string, unit: TaskFigure["unit"], value: number): TaskFigure => ({
      name: `${called}${name}`,
      unit,
      value,
      interval: null,
      of,
    });
    return [
      figure("signal to noise", "dB", each.sqnrDb),
      figure("lowest of one image", "dB", each.lowestSqnrDb),
      figure("cosine", "number", each.cosine),
    ];
  });
}
