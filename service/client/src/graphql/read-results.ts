/** Inferences and predictions of an answer as the client tells them: bytes for base64, and nothing that is null on one face alone. */
import type { InferenceResponse } from "../messages/inference.ts";
import type { ImageAnswer, PredictResponse } from "../messages/prediction.ts";
import { tensorOf } from "../messages/tensor-bytes.ts";
import { fromBase64 } from "../rest/base64.ts";
import type { ToldAnswer, ToldInference, ToldPrediction, ToldTensor } from "./documents.ts";
import { invalid } from "./read-answer.ts";

/** @throws ANSWER_INVALID */
export function readInference({ model, version, id, outputs }: ToldInference): InferenceResponse {
  if (!Array.isArray(outputs) || !outputs.every(isTensor))
    throw invalid("The answer is not that of an inference");
  return {
    model,
    version,
    ...(id === null ? {} : { id }),
    outputs: outputs.map(({ base64, ...head }) => tensorOf(head, bytesOf(base64))),
  };
}

function isTensor(value: unknown): value is ToldTensor {
  return (
    typeof value === "object" &&
    value !== null &&
    "base64" in value &&
    typeof value.base64 === "string" &&
    "shape" in value &&
    Array.isArray(value.shape)
  );
}

/** @throws ANSWER_INVALID */
export function readPrediction({ model, version, id, task, answers }: ToldPrediction): PredictResponse {
  if (!Array.isArray(answers)) throw invalid("The answer is not that of a prediction");
  return { model, version, ...(id === null ? {} : { id }), task, answers: answers.map(answerOf) };
}

function answerOf({ width, height, classes, boxes, mask, text, values, drawing }: ToldAnswer): ImageAnswer {
  return {
    width,
    height,
    classes: classes ?? [],
    boxes: boxes ?? [],
    mask: mask && { ...mask, png: bytesOf(mask.png) },
    text,
    values: values ?? [],
    drawing: drawing === null ? null : bytesOf(drawing),
  };
}

function bytesOf(base64: string): Uint8Array {
  try {
    return fromBase64(base64);
  } catch {
    throw invalid("The answer has bytes that are no base64");
  }
}
