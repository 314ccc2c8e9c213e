/**
 * Detectors that suppress overlaps themselves give a list: which boxes are in it, and in which order, turns on the
 * smallest difference of two scores. Two such lists are compared box with box, as a person would, not row with row.
 */

import type { Model } from "@cupel/onnx";
import {
  boxAgreement,
  countedOnce,
  type DetectionPrediction,
  declaredOutputs,
  type KnownTask,
  type OutputReader,
  type RecordedOutputs,
  tasks,
} from "@cupel/predict";
import type { ImageBatch, Preprocessing } from "@cupel/vision";

export type ListReader = OutputReader<DetectionPrediction>;

/** Null where the model is no detector, or has a place for each box it could see. @throws OUTPUT_UNSUPPORTED, LABELS_MISMATCH */
export function listReader(
  task: KnownTask,
  model: Model,
  facts: { readonly classes: readonly string[] | null; readonly preprocessing: Preprocessing },
): ListReader | null {
  if (task !== tasks.detection) return null;
  const reader = tasks.detection.reader({ ...facts, model, outputs: declaredOutputs(model) });
  return reader.listed ? reader : null;
}

/** F1 of the boxes that both see, 0 to 1; null where neither sees one. */
export function sameBoxes(
  reader: ListReader,
  original: RecordedOutputs,
  compressed: RecordedOutputs,
  runs: readonly ImageBatch[],
): number | null {
  const pairs = countedOnce(runs).flatMap((run) => {
    const first = reader.read(original.runs[run]!, runs[run]!);
    const second = reader.read(compressed.runs[run]!, runs[run]!);
    return first.map((each, image) => [each, second[image]!] as const);
  });
  const { f1 } = boxAgreement(pairs);
  return Number.isNaN(f1) ? null : f1;
}
