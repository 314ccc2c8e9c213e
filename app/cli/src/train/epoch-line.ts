/** What a person reads when an epoch has ended, while the next one trains. Pure. */
import { threeDigits } from "@cupel/base";
import type { EpochMetrics } from "@cupel/train";
import { percentText } from "../terminal/figures.ts";

/** @param best the best epoch so far; null without validation */
export function epochLine(metrics: EpochMetrics, best: EpochMetrics | null, epochs: number): string {
  const { epoch, loss, accuracy, validationLoss, validationAccuracy, learningRate, imagesPerSecond } =
    metrics;
  const judged =
    validationLoss === null || validationAccuracy === null
      ? []
      : [`validation loss ${validationLoss.toFixed(4)}, ${percentText(validationAccuracy)} right`];
  const figures = [
    `loss ${loss.toFixed(4)}, ${percentText(accuracy)} right`,
    ...judged,
    `learning rate ${learningRate.toPrecision(2)}`,
    `${threeDigits(imagesPerSecond)} images/s`,
    ...(best === null ? [] : [best === metrics ? "the best so far" : `best so far: epoch ${best.epoch}`]),
  ];
  return `epoch ${epoch} of ${epochs}: ${figures.join("; ")}`;
}
