/**
 * How well scores tell which classes images have.
 *
 * Mean average precision: for each class the images are ranked by its score, and AP = sum (R_n - R_{n-1}) P_n with the
 * recall and the precision of the first n, where images of equal scores come in together; the mean is over the classes
 * that an image has (`average_precision_score` of scikit-learn, `average="macro"`).
 *
 * Micro F1 at a threshold: 2 TP / (2 TP + FP + FN) with the counts of all classes and images together.
 */
import { leastScore } from "./threshold.ts";

/** An image with labels. */
export interface ScoredSet {
  /** 0 to 1, one for each class. */
  readonly scores: Float32Array;
  /** 1 for each class that the image has. */
  readonly set: Uint8Array;
}

/** Scores that met their labels, from which the figures of any choice of the images follow. */
export interface RankedSets {
  readonly images: readonly ScoredSet[];
  /** Of the images for each class, from its highest score down. */
  readonly order: readonly Int32Array[];
  /** For each image: classes that it has and is told, that it has, that it is told. */
  readonly counts: readonly { readonly both: number; readonly labelled: number; readonly told: number }[];
}

export interface SetPrecision {
  /** Null where no image that counts has a class. */
  readonly meanAveragePrecision: number | null;
  /** Classes that the mean is over. */
  readonly classes: number;
  /** Null where no image has a class, or is told one. */
  readonly microF1: number | null;
}

export function rankSets(images: readonly ScoredSet[]): RankedSets {
  const count = images[0]?.scores.length ?? 0;
  // What is no number is nobody's best.
  const keyOf = (image: number, c: number) => {
    const score = images[image]!.scores[c]!;
    return Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score;
  };
  return {
    images,
    order: Array.from({ length: count }, (_, c) =>
      Int32Array.from(images.keys()).sort((a, b) => keyOf(b, c) - keyOf(a, c) || a - b),
    ),
    counts: images.map(({ scores, set }) => {
      let [both, labelled, told] = [0, 0, 0];
      for (let c = 0; c < count; c++) {
        const [has, tells] = [set[c]!, Number(scores[c]! >= leastScore)];
        both += has * tells;
        labelled += has;
        told += tells;
      }
      return { both, labelled, told };
    }),
  };
}

/** @param times each image counts, such as in a draw with replacement. Default: once. */
export function setPrecision(ranked: RankedSets, times?: ArrayLike<number>): SetPrecision {
  const precisions = ranked.order
    .map((order, c) => averagePrecision(ranked.images, order, c, times))
    .filter((each) => each !== null);
  let [both, all] = [0, 0];
  for (const [image, counts] of ranked.counts.entries()) {
    const weight = times?.[image] ?? 1;
    both += weight * counts.both;
    all += weight * (counts.labelled + counts.told);
  }
  return {
    meanAveragePrecision:
      precisions.length === 0 ? null : precisions.reduce((sum, each) => sum + each, 0) / precisions.length,
    classes: precisions.length,
    microF1: all === 0 ? null : (2 * both) / all,
  };
}

/** Null where no image that counts has the class. */
function averagePrecision(
  images: readonly ScoredSet[],
  order: Int32Array,
  c: number,
  times: ArrayLike<number> | undefined,
): number | null {
  let [found, told, foundBefore, sum] = [0, 0, 0, 0];
  for (const [at, image] of order.entries()) {
    const weight = times?.[image] ?? 1;
    told += weight;
    found += weight * images[image]!.set[c]!;
    const next = order[at + 1];
    if (next !== undefined && images[next]!.scores[c] === images[image]!.scores[c]) continue;
    if (found > foundBefore) sum += ((found - foundBefore) * found) / told;
    foundBefore = found;
  }
  return found === 0 ? null : sum / found;
}
