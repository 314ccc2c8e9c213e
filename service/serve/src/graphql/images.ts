/** Images of the schema become the core's, and the core's answers are looked through before they are told. */
import { serveErrors } from "../errors.ts";
import type { ImageAnswer, ImageInput, PredictRequest } from "../images/predict-request.ts";
import type { UploadedFile } from "./read-multipart.ts";

export interface SentImage {
  readonly base64?: Uint8Array | null;
  readonly upload?: UploadedFile | null;
  readonly format?: "RGB" | "I420" | "NV12" | null;
  readonly width?: number | null;
  readonly height?: number | null;
}

export interface PredictArguments {
  readonly model: string;
  readonly version?: string | null;
  readonly id?: string | null;
  readonly images: readonly SentImage[];
  readonly top?: number | null;
  readonly threshold?: number | null;
  readonly windows?: boolean | null;
  readonly draw?: boolean | null;
}

const formats = { RGB: "rgb", I420: "i420", NV12: "nv12" } as const;

/** @throws REQUEST_INVALID */
export function readPredictRequest(asked: PredictArguments): PredictRequest {
  if (asked.images.length === 0)
    throw serveErrors.error("REQUEST_INVALID", "There is no image in the request.");
  assertWithin("top", asked.top, 1, Number.POSITIVE_INFINITY);
  assertWithin("threshold", asked.threshold, 0, 1);
  return {
    model: asked.model,
    version: asked.version ?? undefined,
    id: asked.id ?? undefined,
    images: asked.images.map(readImage),
    top: asked.top ?? undefined,
    threshold: asked.threshold ?? undefined,
    windows: asked.windows ?? undefined,
    draw: asked.draw ?? undefined,
  };
}

function assertWithin(name: string, value: number | null | undefined, least: number, most: number): void {
  if (value === null || value === undefined || (value >= least && value <= most)) return;
  throw serveErrors.error("REQUEST_INVALID", `The argument "${name}" is ${value}, which it cannot be.`);
}

const largestSide = 65_535;

function readImage({ base64, upload, format, width, height }: SentImage, index: number): ImageInput {
  if ((base64 ?? null) === null ? !upload : upload) throw invalid(index, "has either base64 or an upload");
  const bytes = base64 ?? upload!.bytes;
  if (!format) return { kind: "encoded", bytes };
  if (isSide(width) && isSide(height)) return { kind: formats[format], bytes, width, height };
  throw invalid(index, `of bare pixels has its width and height, 1 to ${largestSide}`);
}

function isSide(side: number | null | undefined): side is number {
  return typeof side === "number" && side >= 1 && side <= largestSide;
}

function invalid(index: number, what: string): Error {
  return serveErrors.error("REQUEST_INVALID", `The image ${index} ${what}.`, { details: { image: index } });
}

/** The same answer. @throws NOT_ACCEPTABLE where a number of it is none that JSON carries */
export function finiteAnswer(answer: ImageAnswer): ImageAnswer {
  const { classes = [], boxes = [], mask, text, values = [] } = answer;
  const numbers = [
    ...classes.map(({ score }) => score),
    ...boxes.flatMap(({ score, left, top, right, bottom }) => [score, left, top, right, bottom]),
    ...(mask?.classes.map(({ score }) => score) ?? []),
    ...(text ? [text.score] : []),
  ];
  if (numbers.every(Number.isFinite) && values.every(Number.isFinite)) return answer;
  throw serveErrors.error(
    "NOT_ACCEPTABLE",
    "The answer has a number that JSON does not carry, such as NaN. Ask the model for its tensors, as base64.",
  );
}
