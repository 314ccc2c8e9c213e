/** The metrics of each epoch, which epoch was best, and whether to stop early. */

export interface EpochMetrics {
  /** From 1. */
  readonly epoch: number;
  /** Mean over the images of the epoch, each before the update it took part in. */
  readonly loss: number;
  /** Share of right predictions, likewise. */
  readonly accuracy: number;
  /** Steps that overflowed in mixed precision and count in no mean. */
  readonly skipped: number;
  /** Cross-entropy of the images held out, without smoothing; null without validation. */
  readonly validationLoss: number | null;
  readonly validationAccuracy: number | null;
  /** Learning rate of the last step. */
  readonly learningRate: number;
  /** Trained images a second, validation not counted. */
  readonly imagesPerSecond: number;
  /** Of training, without validation. */
  readonly seconds: number;
}

/** The validation figure that decides which epoch is better. */
export type Metric = "accuracy" | "loss";

/** Larger is better; the loss decides between equal accuracies. */
const score: Readonly<Record<Metric, (epoch: EpochMetrics) => readonly number[]>> = {
  accuracy: ({ validationAccuracy, validationLoss }) => [validationAccuracy!, -validationLoss!],
  loss: ({ validationLoss }) => [-validationLoss!],
};

/** The first of the best; null without validation, or when its loss was never a number. */
export function bestEpoch(history: readonly EpochMetrics[], metric: Metric): EpochMetrics | null {
  let best: EpochMetrics | null = null;
  for (const epoch of history) {
    if (epoch.validationLoss === null || Number.isNaN(epoch.validationLoss)) continue;
    if (best === null || isGreater(score[metric](epoch), score[metric](best))) best = epoch;
  }
  return best;
}

function isGreater(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && a[at]! > b[at]!;
}

/** Whether none of the last `patience` epochs was the best. */
export function isExhausted(history: readonly EpochMetrics[], metric: Metric, patience: number): boolean {
  return history.length - (bestEpoch(history, metric)?.epoch ?? 0) >= patience;
}
