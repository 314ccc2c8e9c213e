/** What two models predict for the same images, as the report tells it. Pure: no image is read here. */
import type { Proportion } from "@cupel/base";
import { areProbabilities, compareEvaluations, type Evaluation, softmaxAt } from "@cupel/predict";
import type { ModelPair } from "../model-pair.ts";
import type { AccuracyComparison, ChangedImage, ConfusionCell } from "../report-schema.ts";

/** A changed prediction before its image is looked up. */
export interface ChangedPrediction extends Omit<ChangedImage, "id" | "thumbnail"> {
  /** Of the image in its source. */
  readonly index: number;
}

export interface PredictionComparison {
  readonly accuracy: AccuracyComparison | null;
  readonly agreement: Proportion;
  readonly changed: readonly ChangedPrediction[];
}

/** Both MUST be of the same source. @param names of the classes; those missing are numbered. */
export function comparePredictions(
  { original, compressed }: ModelPair<Evaluation>,
  names: readonly string[] | null,
): PredictionComparison {
  const { difference, images, agreement } = compareEvaluations(original, compressed);
  const count = Math.max(original.classes, compressed.classes);
  const classes = Array.from({ length: count }, (_, i) => names?.[i] ?? `class ${i}`);
  const accuracy = difference &&
    original.top1 !== null &&
    compressed.top1 !== null && {
      images,
      classes,
      top1: { original: original.top1, compressed: compressed.top1 },
      top5:
        original.top5 !== null && compressed.top5 !== null
          ? { original: original.top5, compressed: compressed.top5 }
          : null,
      difference,
      confusion: confusionCells(original, compressed),
    };
  return { accuracy: accuracy || null, agreement, changed: changedPredictions(original, compressed) };
}

/** In order of label, then prediction. */
function confusionCells(original: Evaluation, compressed: Evaluation): ConfusionCell[] {
  const cells = new Map<
    string,
    { label: number; prediction: number; original: number; compressed: number }
  >();
  const pair = { original, compressed };
  for (const side of ["original", "compressed"] as const) {
    for (const [i, label] of pair[side].labels.entries()) {
      if (label === null) continue;
      const prediction = pair[side].predictions[i]!;
      const key = `${label} ${prediction}`;
      const cell = cells.get(key) ?? { label, prediction, original: 0, compressed: 0 };
      cell[side]++;
      cells.set(key, cell);
    }
  }
  return [...cells.values()].sort((a, b) => a.label - b.label || a.prediction - b.prediction);
}

function changedPredictions(original: Evaluation, compressed: Evaluation): ChangedPrediction[] {
  const after = new Map(compressed.indices.map((index, at) => [index, at]));
  const before = predictor(original);
  const behind = predictor(compressed);
  return original.indices.flatMap((index, at) => {
    const there = after.get(index);
    if (there === undefined || original.predictions[at] === compressed.predictions[there]) return [];
    return { index, label: original.labels[at] ?? null, original: before(at), compressed: behind(there) };
  });
}

/** The prediction of an evaluation for its i-th image, and how sure the model was of it. */
function predictor({ scores, classes, predictions }: Evaluation) {
  const isProbability = areProbabilities(scores, classes);
  return (at: number): ChangedImage["original"] => {
    const row = scores.subarray(at * classes, (at + 1) * classes);
    const prediction = predictions[at]!;
    return { prediction, probability: isProbability ? row[prediction]! : softmaxAt(row, prediction) };
  };
}

/** At most `most`, evenly spread, so that what is shown has the proportions of the whole. */
export function spreadOver<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)]!);
}
