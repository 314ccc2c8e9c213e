/** What would be written if every image took the same way: what exits and gates are put into, and learn from. */
import type { Model } from "@cupel/onnx";
import { isClassifier, predictErrors } from "@cupel/predict";
import { emitModel } from "../emit/emit-model.ts";
import { made, type State } from "./stage.ts";

export function straightModel({ model, halved, calibrated, quantised }: State): Model {
  if (halved) return model;
  return emitModel(model, made(calibrated, "calibrate"), made(quantised, "quantise")).model;
}

/** @throws OUTPUT_UNSUPPORTED */
export function assertAnswersInScores(model: Model, stage: string): void {
  const { outputs } = model.graph;
  if (isClassifier(model) && outputs.length === 1 && outputs[0]?.shape?.length === 2) return;
  throw predictErrors.error(
    "OUTPUT_UNSUPPORTED",
    `The stage "${stage}" takes a model that answers with a row of class scores an image, as its only output: it has ${outputs
      .map(({ name, shape }) => `"${name}" [${shape?.join(", ") ?? "?"}]`)
      .join(", ")}. Leave out the stage "${stage}".`,
  );
}
