/**
 * Whether a classifier is right more often than one that always names the largest class. One that is not is
 * fed wrongly, or its classes are in another order: whatever is measured of it next is worth nothing.
 */
import { type Proportion, proportion } from "@cupel/base";
import { predictErrors } from "../errors.ts";
import type { ChosenPreprocessing } from "../preprocessing/choose-preprocessing.ts";
import { fedText } from "../preprocessing/preprocessing-sentence.ts";
import type { Evaluation } from "./evaluation.ts";

export interface Chance {
  /** Of the labelled images. */
  readonly accuracy: Proportion;
  /** Share of the labelled images that have the most common label. */
  readonly largestClass: number;
  /**
   * `above`: the whole 95 % interval of the accuracy is above the largest class's share. `at`: none of it is.
   * `untold`: the share is within it, as with few images, or all images are of one class.
   */
  readonly verdict: "above" | "at" | "untold";
}

/** @param labels null where an image has none. */
export function chanceOf(right: number, labels: readonly (number | null)[]): Chance {
  const counts = new Map<number, number>();
  for (const label of labels) if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1);
  const labelled = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const accuracy = proportion(right, labelled);
  const largest = [...counts.values()].reduce((most, count) => Math.max(most, count), 0);
  const largestClass = labelled > 0 ? largest / labelled : Number.NaN;
  return { accuracy, largestClass, verdict: verdictOf(accuracy, largestClass, counts.size) };
}

function verdictOf({ low, high }: Proportion, largestClass: number, classes: number): Chance["verdict"] {
  if (classes < 2) return "untold";
  if (high <= largestClass) return "at";
  return low > largestClass ? "above" : "untold";
}

/** Null when no image is labelled. */
export function chanceOfEvaluation({ labels, predictions }: Evaluation): Chance | null {
  if (labels.every((label) => label === null)) return null;
  const right = labels.filter((label, i) => label !== null && label === predictions[i]).length;
  return chanceOf(right, labels);
}

/** Where too few images, or images of one class, do not tell; else null. @param model how it is called, such as its path */
export function chanceSentence(model: string, { accuracy, largestClass, verdict }: Chance): string | null {
  if (verdict !== "untold") return null;
  const figures = `${model} is right on ${accuracy.count} of ${accuracy.of} labelled images`;
  return largestClass === 1
    ? `${figures}, which are all of one class: that does not show that it tells classes apart.`
    : `${figures}; naming the largest class every time is right on ${percent(largestClass)}. These images do not tell the two apart: check the preprocessing and the order of the classes, or give more of them.`;
}

/**
 * @param fed how the images were prepared and who said so.
 * @throws ACCURACY_AT_CHANCE
 */
export function assertAboveChance(
  model: string,
  chance: Chance,
  fed: Pick<ChosenPreprocessing, "preprocessing" | "origin">,
): void {
  if (chance.verdict !== "at") return;
  const { accuracy, largestClass } = chance;
  throw predictErrors.error(
    "ACCURACY_AT_CHANCE",
    `${model} is right on ${percent(accuracy.value)} of ${accuracy.of} labelled images (95 % interval up to ${percent(accuracy.high)}); ` +
      `naming the largest class every time is right on ${percent(largestClass)}. What is made or measured of it now is worth nothing. ` +
      `Its images are prepared so: ${fedText(fed)}. Set the preprocessing the model was trained with, check the order of the classes, ` +
      "or allow a model at chance if it is one.",
    { details: { images: accuracy.of, accuracy: accuracy.value, high: accuracy.high, largestClass } },
  );
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}
