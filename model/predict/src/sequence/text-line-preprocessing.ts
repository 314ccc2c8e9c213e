/**
 * How PaddleOCR feeds its readers of text lines (`tools/infer/predict_rec.py` there): BGR in -1..1, the height fixed and
 * the width with it, grey to the right up to a width of 320 at least. Exports of them say nothing of that, so that it is
 * a guess for any reader of text in colour.
 */
import type { Model } from "@cupel/onnx";
import { normalisationOf, type Preprocessing } from "@cupel/vision";
import { imageDimsOf, inputsOf, likelyImageInput } from "../input/image-input.ts";
import { readsText } from "./reads-text.ts";

/** Of PP-OCR from version 3 on; earlier ones declare 32. */
const usualHeight = 48;
/** Widths go up in steps of this, so that few forms of tensor are made, to lines of 20 times their height. */
const widthStep = 320;
const mostWidth = 960;

/** Null for a model that does not read text, or is not fed float32 `[N, 3, H, W]`. */
export function textLinePreprocessing(model: Model): Preprocessing | null {
  const [output] = model.graph.outputs;
  const type = output?.type?.kind === "tensor" ? output.type.elementType : null;
  if (type === null || likelyImageInput(inputsOf(model.graph))?.type !== "float32") return null;
  if (!readsText({ dims: output?.shape ?? [], type }, model)) return null;
  const [, channels, height, width] = imageDimsOf(model);
  const values = normalisationOf("tf", "bgr");
  if (channels !== 3 || values === null) return null;
  const isOpen = !isSide(width);
  return {
    width: isOpen ? mostWidth : width,
    height: isSide(height) ? height : usualHeight,
    colour: "bgr",
    resize: { kind: "fit-height" },
    pad: { value: 127.5, side: "end" },
    ...(isOpen ? { multiple: widthStep } : {}),
    interpolation: "linear",
    layout: "NCHW",
    ...values,
  };
}

/** Whether a preprocessing that was guessed is this guess: no other one fits the height. */
export function isTextLine({ resize }: Preprocessing): boolean {
  return resize.kind === "fit-height";
}

const isSide = (size: unknown): size is number => typeof size === "number" && size > 0;
