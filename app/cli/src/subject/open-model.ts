/**
 * The model a command is about. What no later step could make sense of is refused here, before the first
 * image is read.
 */
import { stat } from "node:fs/promises";
import {
  assertFiniteWeights,
  assertOpset,
  assertStaticRank,
  checkModel,
  type Model,
  readModelFile,
  type Shape,
} from "@cupel/onnx";

export interface OpenedModel {
  readonly path: string;
  readonly model: Model;
  /** On disk, external weights included. */
  readonly bytes: number;
  /** Of the first input that is no constant. */
  readonly inputShape: NonNullable<Shape>;
  /** Images a run, where the model fixes it; null where any number will do. */
  readonly fixedBatch: number | null;
}

/**
 * @throws what `readModelFile` throws, MODEL_INVALID, OPSET_UNSUPPORTED, RANK_UNKNOWN, WEIGHT_NOT_FINITE
 */
export async function openModel(path: string): Promise<OpenedModel> {
  const model = await readModelFile(path);
  assertOpset(model);
  checkModel(model);
  assertStaticRank(model);
  assertFiniteWeights(model);
  const inputShape = model.graph.inputs.find((input) => !input.constant)?.shape ?? [];
  const batch = inputShape[0];
  return {
    path,
    model,
    bytes: await bytesOnDisk(path, model),
    inputShape,
    fixedBatch: typeof batch === "number" ? batch : null,
  };
}

/** Of the model's file and of what it uses of the files beside it. */
export async function bytesOnDisk(path: string, model: Model): Promise<number> {
  const { size } = await stat(path);
  const outside = Array.from(model.graph.initializers, (value) =>
    value.constant?.source.kind === "external" ? value.constant.source.place.length : 0,
  );
  return outside.reduce((sum, bytes) => sum + bytes, size);
}
