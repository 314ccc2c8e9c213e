/** The core's answers to images become JSON, or the picture itself. */
import { serveErrors } from "../errors.ts";
import type { ImageAnswer, PredictResponse } from "../images/predict-request.ts";
import type { Answer } from "./exchange.ts";

/** @throws NOT_ACCEPTABLE */
export function writePredictResponse(response: PredictResponse): Answer {
  const { model, version, id, task, answers } = response;
  const message = {
    model_name: model,
    model_version: version,
    id,
    task,
    answers: answers.map(messageOf),
  };
  return { type: "application/json", body: JSON.stringify(message, finite) };
}

/** The one picture that was drawn. @throws NOT_ACCEPTABLE */
export function writeDrawing({ answers }: PredictResponse): Answer {
  const [answer] = answers;
  if (answers.length === 1 && answer?.drawing) {
    const { buffer, byteOffset, byteLength } = answer.drawing;
    return { type: "image/png", body: Buffer.from(buffer, byteOffset, byteLength) };
  }
  throw serveErrors.error(
    "NOT_ACCEPTABLE",
    "A picture is the answer to one image of a model whose answer can be drawn. Ask for application/json.",
  );
}

function messageOf({ mask, drawing, ...answer }: ImageAnswer) {
  return {
    ...answer,
    mask: mask && { ...mask, png: base64(mask.png) },
    drawing: drawing && base64(drawing),
  };
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function finite(name: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  throw serveErrors.error(
    "NOT_ACCEPTABLE",
    `The member "${name}" of the answer is ${value}, which JSON does not carry. Ask the model for its tensors, as binary data.`,
  );
}
