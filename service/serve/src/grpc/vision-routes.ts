/** Images in, answers out. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { throwIfCancelled } from "@cupel/base";
import type { Call } from "../core/call.ts";
import { addTimes, type StageTimes } from "../core/inference.ts";
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
import { answer, answerMany } from "./admitted-call.ts";
import { errorText } from "./connect-error.ts";
import {
  type AnswerSchema,
  type Image,
  PixelFormat,
  type PredictEachResponseSchema,
  type PredictRequest as PredictMessage,
  type PredictResponseSchema,
  type VisionService,
} from "./gen/cupel/v1/vision_pb.ts";
import { mapInOrder } from "./map-in-order.ts";

export interface VisionRoutesOptions {
  readonly service: InferenceService;
  /** Images of one PredictEach that are answered at once. */
  readonly streamConcurrency: number;
}

export const visionActions: Readonly<Record<string, string>> = { Predict: "predict", PredictEach: "predict" };

type EachAnswer = MessageInitShape<typeof PredictEachResponseSchema>;

export function visionRoutes(options: VisionRoutesOptions): ServiceImpl<typeof VisionService> {
  const { service, streamConcurrency } = options;

  const predict = async (message: PredictMessage, call: Call) => {
    const start = performance.now();
    const request = readPredictRequest(message);
    call.times.decode = performance.now() - start;
    return writePredictResponse(await service.predict(request, call));
  };
  /** A failure is an answer too, and the stream goes on. */
  const predictOne = async (
    message: PredictMessage,
    index: number,
    call: Call,
    sum: StageTimes,
  ): Promise<EachAnswer> => {
    const times: StageTimes = {};
    try {
      const images = message.images.slice(index, index + 1);
      const response = await predict({ ...message, images }, { ...call, times });
      addTimes(sum, times);
      return { index, response };
    } catch (thrown) {
      return { index, errorMessage: errorText(thrown, call.signal) };
    }
  };
  return {
    predict: (message, context) => answer(context, (call) => predict(message, call)),
    predictEach: (message, context) =>
      answerMany(context, async function* (call, times) {
        yield* mapInOrder(indices(message.images, call.signal), streamConcurrency, (index) =>
          predictOne(message, index, call, times),
        );
        throwIfCancelled(call.signal, "The call");
      }),
  };
}

/** Nothing new is begun for a client that has left, or whose time is up. */
async function* indices(images: readonly Image[], signal: AbortSignal): AsyncIterable<number> {
  for (const index of images.keys()) if (!signal.aborted) yield index;
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
