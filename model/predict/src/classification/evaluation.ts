/** The predictions of a classifier over a source of images, and how many of them are right. */
import type { ImageSource, UnreadableImage } from "@cupel/vision";
import { type LabelsBy, requireLabels } from "../labels/match-labels.ts";
import { fittingClasses, type ModelClasses } from "../labels/model-classes.ts";
import type { EvaluatedImages, TaskEvaluation } from "../task/task.ts";
import { rankOf } from "./rank.ts";

/** Predictions for the images that could be read, in the order of the source. */
export interface Evaluation extends EvaluatedImages {
  /** The model's class that each image is labelled as; null where it has no label. */
  readonly labels: readonly (number | null)[];
  /** Raw model outputs, [images, classes] row-major. */
  readonly scores: Float32Array;
  readonly classes: number;
  /** In the order of the classes; those of the images where labels met by index; null when nobody names them. */
  readonly classNames: readonly string[] | null;
  /** How the labels of the images met the classes. */
  readonly labelsBy: LabelsBy;
  /** The class with the highest score, the first of equals. */
  readonly predictions: readonly number[];
  /** Fractions of the labelled images; null when none is labelled. Top-5 is null for five classes or fewer. */
  readonly top1: number | null;
  readonly top5: number | null;
}

/** What the evaluation needs of a prediction. */
interface ScoredClass {
  readonly classIndex: number;
  readonly scores: Float32Array;
}

/** Where the number of classes is not known, the first prediction tells it. @throws LABELS_MISMATCH */
export function evaluateClasses(
  images: ImageSource,
  { count, names }: ModelClasses,
): TaskEvaluation<ScoredClass, Evaluation> {
  let known = fittingClasses(count, [names]);
  let matched = count === null ? null : requireLabels(images, known);
  const indices: number[] = [];
  const labels: (number | null)[] = [];
  const rows: Float32Array[] = [];
  const predictions: number[] = [];
  return {
    add(index, { classIndex, scores }) {
      if (matched === null) {
        known = fittingClasses(scores.length, [names]);
        matched = requireLabels(images, known);
      }
      indices.push(index);
      labels.push(matched.images.label(index));
      rows.push(scores);
      predictions.push(classIndex);
    },
    result(unreadable: readonly UnreadableImage[]) {
      const classes = rows[0]?.length ?? 0;
      return {
        indices,
        labels,
        scores: concatenate(rows),
        classes,
        classNames: known.names ?? (matched?.by === "index" ? matched.images.classes : null),
        labelsBy: matched?.by ?? null,
        predictions,
        top1: shareOf(labels, (label, i) => predictions[i] === label),
        top5: classes > 5 ? shareOf(labels, (label, i) => rankOf(label, rows[i]!) < 5) : null,
        unreadable,
      };
    },
  };
}

/** Share of the labelled images that are right; null when none is labelled. */
function shareOf(
  labels: readonly (number | null)[],
  isRight: (label: number, at: number) => boolean,
): number | null {
  let labelled = 0;
  let right = 0;
  for (const [i, label] of labels.entries()) {
    if (label === null) continue;
    labelled++;
    if (isRight(label, i)) right++;
  }
  return labelled > 0 ? right / labelled : null;
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
