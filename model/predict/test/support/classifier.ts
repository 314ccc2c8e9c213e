/** A predictor of which the test knows that it tells classes apart. */
import assert from "node:assert/strict";
import { type KnownPredictor, openPredictor, type PredictorOptions } from "@cupel/predict";
import type { ModelSource } from "@cupel/runtime";

export async function openClassifier(
  source: ModelSource,
  options: PredictorOptions = {},
): Promise<KnownPredictor<"classification">> {
  const predictor = await openPredictor(source, options);
  if (predictor.taskName === "classification") return predictor;
  await predictor.close();
  assert.fail(`recognised as ${predictor.taskName}`);
}
