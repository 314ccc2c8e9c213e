/** The core's answers to images become JSON or CBOR, or the picture itself. */
import { serveErrors } from "../errors.ts";
import type { ImageAnswer, PredictResponse } from "../images/predict-request.ts";
import { cborType, encodeCbor } from "./cbor.ts";
import type { Answer } from "./exchange.ts";

/** @throws NOT_ACCEPTABLE */
export function writePredictResponse(response: PredictResponse): Answer {
  const message = messageOf(response, (bytes) => bufferOf(bytes).toString("base64"));
  return { type: "application/json", body: JSON.stringify(message, finite) };
}

/** Pictures are byte strings. */
export function writeCborPrediction(response: PredictResponse): Answer {
  return { type: cborType, body: encodeCbor(messageOf(response, bufferOf)) };
}

/** The one picture that was drawn. @throws NOT_ACCEPTABLE */
export function writeDrawing({ answers }: PredictResponse): Answer {
  const [answer] = answers;
  if (answers.length === 1 && answer?.drawing) {
    return { type: "image/png", body: bufferOf(answer.drawing) };
  }
  throw serveErrors.error(
    "NOT_ACCEPTABLE",
    "A picture is the answer to one image of a model whose answer can be drawn. Ask for application/json.",
  );
}

function messageOf(
  { model, version, id, task, answers }: PredictResponse,
  bytes: (png: Uint8Array) => unknown,
) {
  const answerOf = ({ mask, drawing, ...answer }: ImageAnswer) => ({
    ...present(answer),
    ...present({ mask: mask && { ...mask, png: bytes(mask.png) }, drawing: drawing && bytes(drawing) }),
  });
  return {
    model_name: model,
    model_version: version,
    ...present({ id }),
    task,
    answers: answers.map(answerOf),
  };
}

/** Without the members that are undefined, which JSON leaves out and CBOR does not. */
function present(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function finite(name: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  throw serveErrors.error(
    "NOT_ACCEPTABLE",
    `The member "${name}" of the answer is ${value}, which JSON does not carry. Ask the model for its tensors, as binary data.`,
  );
}
