/** The likeliest classes of a prediction, the best first. */
import type { ClassPrediction } from "./classification.ts";
import { softmaxAt } from "./probabilities.ts";

export interface RankedClass {
  readonly classIndex: number;
  /** Null when nobody names the classes. */
  readonly className: string | null;
  /** 0 to 1. */
  readonly probability: number;
}

/**
 * Equals by their index; scores that are no numbers come last.
 * @param count at most; all classes where there are fewer.
 * @param names in the order of the model's classes, such as `Predictor.classes`.
 */
export function topClasses(
  { scores, areProbabilities }: Pick<ClassPrediction, "scores" | "areProbabilities">,
  count: number,
  names: readonly string[] | null,
): RankedClass[] {
  const rank = (index: number) => (Number.isNaN(scores[index]) ? Number.NEGATIVE_INFINITY : scores[index]!);
  return Array.from(scores.keys())
    .sort((a, b) => (rank(a) === rank(b) ? a - b : rank(b) - rank(a)))
    .slice(0, count)
    .map((classIndex) => ({
      classIndex,
      className: names?.[classIndex] ?? null,
      probability: areProbabilities ? scores[classIndex]! : softmaxAt(scores, classIndex),
    }));
}
