/** Two classifiers on the same images: how much accuracy one loses, and how often both give the same prediction. */
import { type Proportion, proportion } from "@cupel/base";
import { areSameNames, classFinder, visionErrors } from "@cupel/vision";
import { type PairedDifference, pairedDifference } from "../task/paired-difference.ts";
import type { Evaluation } from "./evaluation.ts";

export interface EvaluationDifference {
  /** Labelled images; 0 when there are none, and then every figure but agreement is null. */
  readonly images: number;
  /** Right before, wrong after; and the other way round. */
  readonly lost: number;
  readonly gained: number;
  /** Top-1 of the second minus that of the first, with its 95 % interval. Fractions. */
  readonly difference: PairedDifference | null;
  /** Of the images that both could read, those for which both give the same prediction, labels or not. */
  readonly agreement: Proportion;
}

/**
 * Both MUST be of the same source. Images that either could not read are left out. Where both models name their
 * classes, predictions are the same when their names are, whatever the orders. @throws LABELS_MISMATCH for a name
 * of the second model that stands twice in the first
 */
export function compareEvaluations(first: Evaluation, second: Evaluation): EvaluationDifference {
  const inFirst = classesInFirst(first.classNames, second.classNames);
  const predictionOf = new Map(second.indices.map((index, at) => [index, inFirst(second.predictions[at]!)]));
  let shared = 0;
  let same = 0;
  let images = 0;
  let lost = 0;
  let gained = 0;
  for (const [at, index] of first.indices.entries()) {
    const after = predictionOf.get(index);
    if (after === undefined) continue;
    const before = first.predictions[at]!;
    const label = first.labels[at] ?? null;
    shared++;
    if (before === after) same++;
    if (label === null) continue;
    images++;
    if (before === label && after !== label) lost++;
    if (before !== label && after === label) gained++;
  }
  const agreement = proportion(same, shared);
  return { images, lost, gained, difference: pairedDifference(lost, gained, images), agreement };
}

/** From a class of the second model to that of the first; below 0 for a class that the first does not have. */
function classesInFirst(
  first: Evaluation["classNames"],
  second: Evaluation["classNames"],
): (index: number) => number {
  if (first === null || second === null || areSameNames(first, second)) return (index) => index;
  const find = classFinder(first);
  return (index) => {
    const found = find(second[index]!);
    if (found.length <= 1) return found[0] ?? -1 - index;
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `The second model predicts ${JSON.stringify(second[index])}, which is the name of ${found.length} classes of the first (${found.join(" and ")}): ` +
        "what it means there is not known. Give both models the same class names.",
      { details: { name: second[index], classes: found } },
    );
  };
}
