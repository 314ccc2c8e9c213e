/** The likeliest classes of a prediction, the best first. */
import type { ClassPrediction } from "./classification.ts";
import { softmaxOf } from "./probabilities.ts";

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
  const at = areProbabilities ? (index: number) => scores[index]! : softmaxOf(scores);
  return bestOf(scores, count).map((classIndex) => ({
    classIndex,
    className: names?.[classIndex] ?? null,
    probability: at(classIndex),
  }));
}

/** So few are kept in order while the scores are gone through; of more, all are sorted. */
const fewest = 32;

function bestOf(scores: Float32Array, count: number): number[] {
  const rank = (index: number) => (Number.isNaN(scores[index]) ? Number.NEGATIVE_INFINITY : scores[index]!);
  if (count > fewest) {
    return Array.from(scores.keys())
      .sort((a, b) => (rank(a) === rank(b) ? a - b : rank(b) - rank(a)))
      .slice(0, count);
  }
  const best: number[] = [];
  for (let index = 0; index < scores.length; index++) {
    const score = rank(index);
    if (best.length === count && !(score > rank(best[count - 1]!))) continue;
    let place = best.length;
    while (place > 0 && score > rank(best[place - 1]!)) place--;
    best.splice(place, 0, index);
    if (best.length > count) best.pop();
  }
  return best;
}
