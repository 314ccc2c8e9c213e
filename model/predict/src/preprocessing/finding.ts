/**
 * Which of several ways to prepare images a model answers best, from what it predicted for each of the same
 * images. Pure: figures in, a finding out.
 *
 * With labels the measure is how often the model is right, and where that does not decide, the probability it
 * gives the label. Without labels there is only how much a prediction tells: the Kullback-Leibler divergence
 * from the mean of all predictions, whose mean is the information between image and prediction, and how sure it
 * is. Either alone misleads: fed values far too large, a network is certain of one class for all images, and of
 * images of one class a wrong way makes it see many. So a way is better only if it tells more and is as sure, or if
 * the other tells next to nothing.
 */
import type { Preprocessing } from "@cupel/vision";

export interface TriedPreprocessing {
  readonly preprocessing: Preprocessing;
  /** With labels the fraction of images that are right, else the mean information in nats. */
  readonly score: number;
  /** How many it was tried on: fewer than the best where it was beaten beyond doubt. */
  readonly images: number;
  /** Whether it is the guess from the input shape. */
  readonly isGuess: boolean;
  /** The images do not tell it from the best. */
  readonly isRival: boolean;
}

export interface Finding {
  /** What it was judged by; information is the weaker evidence. */
  readonly by: "labels" | "information";
  readonly images: number;
  /** The best first, then by score. */
  readonly tried: readonly TriedPreprocessing[];
}

/** Two figures of each image, both the higher the better. */
export interface ImageScores {
  /** Decides first: 1 for right, 0 for wrong; or the information. */
  readonly main: readonly number[];
  /** The logarithm of the label's probability, which decides where the first does not; or the prediction's probability. */
  readonly probability: readonly number[];
}

/** Standard errors by which a difference must be beyond chance: 99 %, and while more images are to come. */
export const certain = { atTheEnd: 2.576, onTheWay: 4 };

/** Differences of rounding alone. */
const noise = 1e-9;

/** Of the information of another way: less than this share of it is next to nothing, however sure. */
const nextToNothing = 0.1;

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * How far the sum of a - b, image by image, is from 0, in its standard errors if there were no difference: for
 * right and wrong that is McNemar's test. At most the root of the number of images, so that few never decide.
 */
export function pairedZ(a: readonly number[], b: readonly number[]): number {
  const differences = a.map((value, i) => (Math.abs(value - b[i]!) < noise ? 0 : value - b[i]!));
  const [sum, squares] = [meanOf(differences), meanOf(differences.map((difference) => difference ** 2))];
  return squares === 0 ? 0 : sum * Math.sqrt(differences.length / squares);
}

/** The best: the highest main figure, then the highest tie-breaker. */
export function leaderOf(scores: readonly ImageScores[]): number {
  const sums = scores.map(({ main, probability }) => [meanOf(main), meanOf(probability)] as const);
  return sums.reduce(
    (best, [main, tie], i) =>
      main > sums[best]![0] || (main === sums[best]![0] && tie > sums[best]![1]) ? i : best,
    0,
  );
}

/** Whether the leader is better than another by more than chance. @param z the standard errors that this takes */
export function isBeaten(leader: ImageScores, other: ImageScores, by: Finding["by"], z: number): boolean {
  const isMain = pairedZ(leader.main, other.main) > z;
  if (by === "labels") return isMain || pairedZ(leader.probability, other.probability) > z;
  const isAsSure = meanOf(leader.probability) >= meanOf(other.probability);
  const tellsNothing = meanOf(other.main) < nextToNothing * meanOf(leader.main);
  return isMain && (isAsSure || tellsNothing);
}
