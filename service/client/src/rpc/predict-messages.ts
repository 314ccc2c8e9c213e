/** Images and what is told of them as the messages of the vision service. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ImageAnswer,
  PredictResponse,
  ToldBox,
  ToldClass,
  WireImage,
  WirePredictRequest,
} from "../messages/prediction.ts";
import {
  type Answer,
  type Box,
  PixelFormat,
  type PredictResponse as PredictMessage,
  type PredictRequestSchema,
  type ScoredClass,
} from "./gen/cupel/v1/vision_pb.ts";

const formats = { rgb: PixelFormat.RGB, i420: PixelFormat.I420, nv12: PixelFormat.NV12 } as const;

export function predictMessage(request: WirePredictRequest): MessageInitShape<typeof PredictRequestSchema> {
  const { model, version = "", id = "", images, top, threshold, windows = false, draw = false } = request;
  return {
    model,
    version,
    id,
    images: images.map(imageMessage),
    windows,
    draw,
    ...(top === undefined ? {} : { top }),
    ...(threshold === undefined ? {} : { threshold }),
  };
}

function imageMessage(image: WireImage) {
  const data = Uint8Array.from(image.bytes);
  if (image.kind === "encoded") return { data };
  return { data, format: formats[image.kind], width: image.width, height: image.height };
}

export function readPredictMessage({ model, version, id, task, answers }: PredictMessage): PredictResponse {
  return { model, version, ...(id === "" ? {} : { id }), task, answers: answers.map(answerOf) };
}

function answerOf({ width, height, classes, boxes, mask, text, values, drawing }: Answer): ImageAnswer {
  return {
    width,
    height,
    classes: classes.map(classOf),
    boxes: boxes.map(boxOf),
    mask: mask ? { png: mask.png, classes: mask.classes.map(classOf) } : null,
    text: text ? { text: text.text, score: text.score } : null,
    values,
    drawing: drawing.length > 0 ? drawing : null,
  };
}

function classOf({ index, name, score }: ScoredClass): ToldClass {
  return { index, name: name ?? null, score };
}

function boxOf({ class: told, left, top, right, bottom }: Box): ToldBox {
  return { ...(told ? classOf(told) : { index: 0, name: null, score: 0 }), left, top, right, bottom };
}
