/** Images in the body of a request and what is told of them: one image as it is, or many in JSON as base64. */
import { clientError } from "../errors.ts";
import type { ImageAnswer, PredictResponse, WireImage, WirePredictRequest } from "../messages/prediction.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import type { components } from "./gen/rest-api.ts";
import type { Body } from "./inference-body.ts";

type Schemas = components["schemas"];

/** Encoded images that the server takes as a body, by how they begin. */
const signatures = [
  { type: "image/png", begins: [0x89, 0x50, 0x4e, 0x47] },
  { type: "image/jpeg", begins: [0xff, 0xd8, 0xff] },
] as const;

/** @param bare whether one image may be the body itself. @returns the body, and the query that belongs to it */
export function predictBody(request: WirePredictRequest, bare: boolean): Body & { readonly query: string } {
  const { images, id, model: _model, version: _version, ...choices } = request;
  const [image] = images;
  const type = bare && images.length === 1 && id === undefined && image ? bodyType(image) : undefined;
  if (type !== undefined && image) {
    const size =
      image.kind === "encoded" ? {} : { format: image.kind, width: image.width, height: image.height };
    const values = Object.entries({ ...choices, ...size }).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(values.map(([name, value]) => [name, String(value)])).toString();
    return {
      headers: { "content-type": type, accept: "application/json" },
      bytes: own(image.bytes),
      query: query === "" ? "" : `?${query}`,
    };
  }
  const message: Schemas["PredictRequest"] = {
    ...present({ id, ...choices }),
    images: images.map(({ kind, bytes, ...size }) => ({
      ...(kind === "encoded" ? {} : { format: kind, ...size }),
      data: toBase64(bytes),
    })),
  };
  return {
    headers: { "content-type": "application/json", accept: "application/json" },
    bytes: new TextEncoder().encode(JSON.stringify(message)),
    query: "",
  };
}

type Present<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

function present<T extends object>(members: T): Present<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>;
}

function bodyType(image: WireImage): string | undefined {
  if (image.kind !== "encoded") return "application/octet-stream";
  return signatures.find(({ begins }) => begins.every((byte, i) => image.bytes[i] === byte))?.type;
}

function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : Uint8Array.from(bytes);
}

/** @throws ANSWER_INVALID */
export function readPrediction(message: Schemas["PredictResponse"]): PredictResponse {
  const { model_name, model_version, id, task, answers } = message;
  if (!Array.isArray(answers)) throw clientError("ANSWER_INVALID", "The answer is not that of a prediction.");
  return {
    model: model_name,
    version: model_version,
    ...(id === undefined ? {} : { id }),
    task,
    answers: answers.map(answerOf),
  };
}

function answerOf(told: Schemas["ImageAnswer"]): ImageAnswer {
  const { width, height, classes = [], boxes = [], mask, text, values = [], drawing } = told;
  return {
    width,
    height,
    classes,
    boxes,
    mask: mask === undefined ? null : { ...mask, png: fromBase64(mask.png) },
    text: text ?? null,
    values,
    drawing: drawing === undefined ? null : fromBase64(drawing),
  };
}
