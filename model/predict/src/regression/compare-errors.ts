/**
 * How much larger the errors of a second model are on the same images. The intervals of both differences are from
 * `bootstrap`, the same draws for both models: a root of a mean is no mean over images.
 */
import type { FeaturesDifference } from "../features/compare-features.ts";
import { bootstrap, bootstrapInterval } from "../task/bootstrap.ts";
import type { PairedDifference } from "../task/paired-difference.ts";
import type { TaskFigure } from "../task/task.ts";
import {
  errorNames,
  type MeanErrors,
  meanErrors,
  type NumberErrors,
  type RegressionEvaluation,
} from "./evaluate-numbers.ts";

export interface ComparedErrors {
  /** Images with labels that both could read. */
  readonly images: number;
  /** Of the second minus that of the first, in the unit of the values; null without labels. */
  readonly absolute: PairedDifference | null;
  readonly rootSquared: PairedDifference | null;
}

export interface ErrorDifference extends ComparedErrors {
  readonly values: FeaturesDifference;
}

/** Both MUST be of the same source. */
export function compareErrors(first: RegressionEvaluation, second: RegressionEvaluation): ComparedErrors {
  const place = new Map(second.indices.map((index, at) => [index, at]));
  const before: NumberErrors[] = [];
  const after: NumberErrors[] = [];
  for (const [at, index] of first.indices.entries()) {
    const there = place.get(index);
    const [a, b] = [first.errors?.[at], there === undefined ? undefined : second.errors?.[there]];
    if (a === undefined || b === undefined) continue;
    before.push(a);
    after.push(b);
  }
  const difference = (name: keyof MeanErrors): PairedDifference | null => {
    const between = (times?: ArrayLike<number>): number | null => {
      const [a, b] = [meanErrors(before, times), meanErrors(after, times)];
      return a === null || b === null ? null : b[name] - a[name];
    };
    const value = between();
    return value === null ? null : { value, ...bootstrapInterval(bootstrap(before.length, between), value) };
  };
  return { images: before.length, absolute: difference("absolute"), rootSquared: difference("rootSquared") };
}

export function errorDifferences({ images, absolute, rootSquared }: ComparedErrors): TaskFigure[] {
  const figure = (name: string, difference: PairedDifference | null): TaskFigure[] => {
    if (difference === null) return [];
    const { value, ...interval } = difference;
    return [{ name: `difference of ${name}`, unit: "number", value, interval, of: `${images} images` }];
  };
  return [...figure(errorNames.absolute, absolute), ...figure(errorNames.rootSquared, rootSquared)];
}
