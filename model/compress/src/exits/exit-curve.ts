/**
 * What an exit would do at each threshold, on images that it was not trained on: how many leave there, how often the
 * answer is right, and what an image costs on average.
 */

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
  /** The loss and one standard error of the images whose answer changes. */
  readonly cautious: number;
}

/** From no image that leaves to all. Images of equal confidence leave together. `images` MUST NOT be empty. */
export function exitPoints(images: readonly JudgedImage[]): ExitPoint[] {
  const count = images.length;
  const sorted = images.toSorted((a, b) => b.confidence - a.confidence);
  let right = images.filter(({ wholeIsRight }) => wholeIsRight).length;
  let [lost, gained] = [0, 0];
  const points: ExitPoint[] = [{ threshold: 1, leaving: 0, right: right / count, loss: 0, cautious: 0 }];
  for (const [at, { confidence, exitIsRight, wholeIsRight }] of sorted.entries()) {
    if (wholeIsRight && !exitIsRight) lost++;
    if (exitIsRight && !wholeIsRight) gained++;
    const following = sorted[at + 1]?.confidence ?? 0;
    if (following === confidence) continue;
    right = points[0]!.right * count + gained - lost;
    const loss = (lost - gained) / count;
    points.push({
      threshold: Math.fround((confidence + following) / 2),
      leaving: (at + 1) / count,
      right: right / count,
      loss,
      cautious: loss + Math.sqrt(lost + gained) / count,
    });
  }
  return points;
}

/** The point where most images leave, before the loss first passes `maxDrop`; null where none may. */
export function choosePointWithin(points: readonly ExitPoint[], maxDrop: number): ExitPoint | null {
  const end = points.findIndex(({ cautious }) => cautious > maxDrop);
  const last = (end < 0 ? points : points.slice(0, end)).at(-1);
  return last && last.leaving > 0 ? last : null;
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
