/**
 * What an exit would do at each threshold, on images that it was not trained on: how many leave there, how often the
 * answer is right, and how much may be lost on images that nobody has seen.
 *
 * Thresholds are tried from none that leaves on, and the first whose bound is too large ends it (Angelopoulos et al. 2021, "Learn
 * then Test", with a fixed sequence): so many thresholds cost no confidence, and of several places each has its part of the risk.
 */
import { upperShareOf } from "../branch/loss-bound.ts";

/** One image, at an exit and at the end of the network. */
export interface JudgedImage {
  /** The largest probability that the exit gives. */
  readonly confidence: number;
  /** Right by its label; without one, the answer of the whole network counts as right. */
  readonly exitIsRight: boolean;
  readonly wholeIsRight: boolean;
}

export interface ExitPoint {
  readonly threshold: number;
  /** Share of the images that leave. */
  readonly leaving: number;
  /** Share of the images that are answered right. */
  readonly right: number;
  /** Against the whole network; negative where the exit is right more often. */
  readonly loss: number;
  /** What is lost of all images at most, but for the risk taken. Answers that became right do not count. */
  readonly bound: number;
}

/**
 * From no image that leaves to all. Images of equal confidence leave together. `images` MUST NOT be empty.
 * @param risk that a bound does not hold, from 0 to 1
 */
export function exitPoints(images: readonly JudgedImage[], risk: number): ExitPoint[] {
  const count = images.length;
  const boundOf = upperShareOf(count, risk);
  const sorted = images.toSorted((a, b) => b.confidence - a.confidence);
  let right = images.filter(({ wholeIsRight }) => wholeIsRight).length;
  let [lost, gained] = [0, 0];
  const points: ExitPoint[] = [{ threshold: 1, leaving: 0, right: right / count, loss: 0, bound: 0 }];
  for (const [at, { confidence, exitIsRight, wholeIsRight }] of sorted.entries()) {
    if (wholeIsRight && !exitIsRight) lost++;
    if (exitIsRight && !wholeIsRight) gained++;
    const following = sorted[at + 1]?.confidence ?? 0;
    if (following === confidence) continue;
    right = points[0]!.right * count + gained - lost;
    points.push({
      threshold: Math.fround((confidence + following) / 2),
      leaving: (at + 1) / count,
      right: right / count,
      loss: (lost - gained) / count,
      bound: boundOf(lost),
    });
  }
  return points;
}

/** The point where most images leave within a bound of `maxDrop`; null where none may. */
export function mostWithin(points: readonly ExitPoint[], maxDrop: number): ExitPoint | null {
  const end = points.findIndex(({ bound }) => bound > maxDrop);
  const last = (end < 0 ? points : points.slice(0, end)).at(-1);
  return last && last.leaving > 0 ? last : null;
}

/** The point where fewest images leave of those where a share of `leaving` does; null where that is above all. */
export function fewestFrom(points: readonly ExitPoint[], leaving: number): ExitPoint | null {
  return points.find((point) => point.leaving > 0 && point.leaving >= leaving) ?? null;
}

/** Few enough to draw: those nearest to equal steps of the share that leaves. */
export function spreadPoints(points: readonly ExitPoint[], steps: number): ExitPoint[] {
  const chosen = Array.from({ length: steps + 1 }, (_, i) =>
    points.reduce((best, point) =>
      Math.abs(point.leaving - i / steps) < Math.abs(best.leaving - i / steps) ? point : best,
    ),
  );
  return [...new Set(chosen)];
}
