/**
 * A model that is to be fed images. What no later step could make sense of is refused here, before the
 * first image is read.
 */
import { stat } from "node:fs/promises";
import {
  assertFiniteWeights,
  assertLoadable,
  assertOpset,
  assertStaticRank,
  type Model,
  readModel,
  readModelFile,
  type Shape,
  sortTopologically,
} from "@cupel/onnx";
import { assertInputSizes, type ModelSource } from "@cupel/runtime";
import { imageShapeOf } from "@cupel/vision";
import { inputsOf, likelyImageInput } from "../input/image-input.ts";

export interface OpenedModel {
  /** Of the file; "the model" for one that was given as bytes. */
  readonly path: string;
  readonly model: Model;
  /** On disk, external weights included. */
  readonly bytes: number;
  /** Of the input that takes the images; of the first where none can. */
  readonly inputShape: NonNullable<Shape>;
  /** Images a run, where the model fixes it; null where any number will do. */
  readonly fixedBatch: number | null;
  /** What had to be put right in the graph to read it, in sentences. The file stays as it is. */
  readonly notes: readonly string[];
}

/**
 * @throws what `readModelFile` throws, MODEL_INVALID, LOADING_TOO_LARGE, OPSET_UNSUPPORTED, RANK_UNKNOWN,
 * WEIGHT_NOT_FINITE, INPUT_TOO_LARGE
 */
export async function openModel(source: ModelSource): Promise<OpenedModel> {
  const { model, bytes } = await readSource(source);
  const notes = sortTopologically(model.graph)
    ? ["put nodes after what they read: the file has them in another order"]
    : [];
  assertLoadable(model);
  assertOpset(model);
  assertStaticRank(model);
  assertFiniteWeights(model);
  const inputs = inputsOf(model.graph);
  assertInputSizes(inputs);
  const inputShape = (likelyImageInput(inputs) ?? inputs[0])?.dims ?? [];
  const batch = inputShape.length === 3 && imageShapeOf(inputShape)?.channels !== 1 ? 1 : inputShape[0];
  return {
    path: typeof source === "string" ? source : "the model",
    model,
    bytes,
    inputShape,
    fixedBatch: typeof batch === "number" ? batch : null,
    notes,
  };
}

/** The model as it is written, not checked; and its size. @throws what `readModel` and `readModelFile` throw */
export async function readSource(source: ModelSource): Promise<Pick<OpenedModel, "model" | "bytes">> {
  return typeof source === "string" ? await readFile(source) : readBytes(source);
}

async function readFile(path: string) {
  const model = await readModelFile(path);
  return { model, bytes: await bytesOnDisk(path, model) };
}

function readBytes(source: Exclude<ModelSource, string>) {
  const bytes = source instanceof Uint8Array ? source : Buffer.concat(source);
  return { model: readModel(bytes), bytes: bytes.byteLength };
}

/** Of the model's file and of what it uses of the files beside it. */
export async function bytesOnDisk(path: string, model: Model): Promise<number> {
  const { size } = await stat(path);
  const outside = Array.from(model.graph.initializers, (value) =>
    value.constant?.source.kind === "external" ? value.constant.source.place.length : 0,
  );
  return outside.reduce((sum, bytes) => sum + bytes, size);
}
