/** Images in, answers out. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { InferenceService } from "../core/inference-service.ts";
import { serveErrors } from "../errors.ts";
import type {
  ImageAnswer,
  ImageInput,
  PredictRequest,
  PredictResponse,
  ToldBox,
  ToldClass,
} from "../images/predict-request.ts";
import { answer } from "./admitted-call.ts";
import {
  type AnswerSchema,
  type Image,
  PixelFormat,
  type PredictRequest as PredictMessage,
  type PredictResponseSchema,
  type VisionService,
} from "./gen/cupel/v1/vision_pb.ts";

export const visionActions: Readonly<Record<string, string>> = { Predict: "predict" };

export function visionRoutes(service: InferenceService): ServiceImpl<typeof VisionService> {
  return {
    predict: (message, context) =>
      answer(context, async (call) => {
        const start = performance.now();
        const request = readPredictRequest(message);
        call.times.decode = performance.now() - start;
        return writePredictResponse(await service.predict(request, call));
      }),
  };
}

const bareFormats = {
  [PixelFormat.RGB]: "rgb",
  [PixelFormat.I420]: "i420",
  [PixelFormat.NV12]: "nv12",
} as const;

/** @throws REQUEST_INVALID */
function readPredictRequest(message: PredictMessage): PredictRequest {
  return {
    model: message.model,
    version: message.version || undefined,
    id: message.id || undefined,
    images: message.images.map(imageInput),
    top: message.top,
    threshold: message.threshold,
    windows: message.windows,
    draw: message.draw,
  };
}

function imageInput({ data, format, width, height }: Image): ImageInput {
  switch (format) {
    case PixelFormat.UNSPECIFIED:
      return { kind: "encoded", bytes: data };
    case PixelFormat.RGB:
    case PixelFormat.I420:
    case PixelFormat.NV12:
      return { kind: bareFormats[format], bytes: data, width, height };
    default:
      throw serveErrors.error("REQUEST_INVALID", `The server has no pixel format ${String(format)}.`);
  }
}

function writePredictResponse(response: PredictResponse): MessageInitShape<typeof PredictResponseSchema> {
  return {
    model: response.model,
    version: response.version,
    id: response.id ?? "",
    task: response.task,
    answers: response.answers.map(answerMessage),
  };
}

function answerMessage(told: ImageAnswer): MessageInitShape<typeof AnswerSchema> {
  const { width, height, classes = [], boxes = [], mask, text, values = [], drawing } = told;
  return {
    width,
    height,
    classes: classes.map(scoredClass),
    boxes: boxes.map(boxMessage),
    ...(mask ? { mask: { png: own(mask.png), classes: mask.classes.map(scoredClass) } } : {}),
    ...(text ? { text } : {}),
    values: [...values],
    ...(drawing ? { drawing: own(drawing) } : {}),
  };
}

function scoredClass({ index, name, score }: ToldClass) {
  return { index, score, ...(name === null ? {} : { name }) };
}

function boxMessage({ left, top, right, bottom, ...told }: ToldBox) {
  return { class: scoredClass(told), left, top, right, bottom };
}

/** Bytes that no other thread shares, as messages have them. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : Uint8Array.from(bytes);
}
