/**
 * The numbers that a model makes of a source of images, measured against those of a table: mean absolute error and root
 * mean square error, over all images and all values of the first output.
 */
import type { ImageSource } from "@cupel/vision";
import type { FeaturesEvaluation, FeaturesPrediction } from "../features/features.ts";
import type { TaskEvaluation, TaskFigure } from "../task/task.ts";
import { type NumberLabels, numberLabels } from "./number-labels.ts";

/** Of one image, over its values. */
export interface NumberErrors {
  readonly absolute: number;
  readonly squared: number;
  readonly values: number;
}

export interface RegressionEvaluation extends FeaturesEvaluation {
  /** For each of `indices`; null without labels. */
  readonly errors: readonly NumberErrors[] | null;
}

/** @param kept what keeps the values themselves. */
export function evaluateNumbers(
  kept: TaskEvaluation<FeaturesPrediction, FeaturesEvaluation>,
  images: ImageSource,
  labels: NumberLabels,
): TaskEvaluation<FeaturesPrediction, RegressionEvaluation> {
  const errors: NumberErrors[] = [];
  let table: Promise<readonly Float64Array[] | null> | null = null;
  return {
    async add(index, prediction) {
      await kept.add(index, prediction);
      const { values } = prediction[0]!;
      table ??= numberLabels(images, values.length, labels);
      const label = (await table)?.[index];
      if (label !== undefined) errors.push(errorsOf(values, label));
    },
    result(unreadable) {
      return { ...kept.result(unreadable), errors: labels.path === null ? null : errors };
    },
  };
}

function errorsOf(values: Float32Array, label: Float64Array): NumberErrors {
  let [absolute, squared] = [0, 0];
  for (const [i, value] of values.entries()) {
    absolute += Math.abs(value - label[i]!);
    squared += (value - label[i]!) ** 2;
  }
  return { absolute, squared, values: values.length };
}

export interface MeanErrors {
  readonly absolute: number;
  readonly rootSquared: number;
}

/** @param times each image counts, such as in a draw with replacement. Default: once. @returns null of no image. */
export function meanErrors(errors: readonly NumberErrors[], times?: ArrayLike<number>): MeanErrors | null {
  let [absolute, squared, count] = [0, 0, 0];
  for (const [image, each] of errors.entries()) {
    const weight = times?.[image] ?? 1;
    absolute += weight * each.absolute;
    squared += weight * each.squared;
    count += weight * each.values;
  }
  return count === 0 ? null : { absolute: absolute / count, rootSquared: Math.sqrt(squared / count) };
}

export const errorNames = { absolute: "mean absolute error", rootSquared: "root mean square error" } as const;

export function numberFigures({ errors }: RegressionEvaluation): TaskFigure[] {
  const means = errors && meanErrors(errors);
  if (errors === null || means === null) return [];
  const of = `${errors.length} images`;
  const figure = (name: string, value: number): TaskFigure => ({
    name,
    unit: "number",
    value,
    interval: null,
    of,
  });
  return [figure(errorNames.absolute, means.absolute), figure(errorNames.rootSquared, means.rootSquared)];
}
