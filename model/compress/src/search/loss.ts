/** What a smaller model loses on the same images: the one figure that a target is held against. */
import {
  compareEvaluations,
  type EvaluatedImages,
  type Evaluation,
  predictErrors,
  type Task,
} from "@cupel/predict";

export interface Loss {
  /** A fraction: of top-1, or of predictions that changed. */
  readonly loss: number;
  /** The loss and one standard error, where it is known: what a target is held against. */
  readonly cautious: number;
}

/** Top-1 lost where there are labels; else the share of predictions that changed. */
export function classLoss(reference: Evaluation, evaluation: Evaluation): Loss {
  const { difference, agreement, images, lost, gained } = compareEvaluations(reference, evaluation);
  if (!difference) return { loss: 1 - agreement.value, cautious: 1 - agreement.value };
  return { loss: -difference.value, cautious: -difference.value + Math.sqrt(lost + gained) / images };
}

/** Of any other task: what its first share is short of 1, such as boxes or pixels that agree. @throws OUTPUT_UNSUPPORTED */
export function agreementLoss(task: Task, reference: EvaluatedImages, evaluation: EvaluatedImages): Loss {
  const share = task.differences(task.compare(reference, evaluation)).find(({ unit }) => unit === "share");
  if (share === undefined || Number.isNaN(share.value)) {
    throw predictErrors.error(
      "OUTPUT_UNSUPPORTED",
      `On these images two models of ${task.name} have no share in which they agree, so that no loss can be told.`,
    );
  }
  return { loss: 1 - share.value, cautious: 1 - share.value };
}
