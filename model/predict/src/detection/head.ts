/**
 * The head of a detector: in which form its outputs give boxes. A head is a row of the table in
 * `detector-heads.ts`: it recognises the shapes of the outputs, and reads one image's boxes.
 */
import type { Model } from "@cupel/onnx";
import type { TensorData, ValueInfo } from "@cupel/runtime";
import type { Size } from "@cupel/vision";
import type { UltralyticsMetadata } from "../file/ultralytics-metadata.ts";
import type { Box } from "./box.ts";
import type { Candidate } from "./suppress.ts";

/** What is known of a model whose head is looked for. */
export interface HeadModel {
  readonly outputs: readonly ValueInfo[];
  /** How many classes are named or counted; null where nobody does. */
  readonly classes: number | null;
  /** Of the input, where it is fixed or the metadata says it; else null. */
  readonly tensor: Size | null;
  readonly model: Model | null;
  readonly ultralytics: UltralyticsMetadata | null;
}

export interface HeadReader {
  /** What was recognised, as a person reads it, after "its outputs are". */
  readonly sentence: string;
  readonly fetches: readonly string[];
  /** Classes told apart; null where the outputs do not say. */
  readonly classes: number | null;
  /** Whether overlapping boxes are in what it gives, so that `suppress` is due. */
  readonly overlaps: boolean;
  /** Set where boxes of several images could not be told apart. */
  readonly imagesPerRun?: 1 | undefined;
  /** Of the `image`-th of the run, in pixels of the tensor. @param tensors as `fetches` names them, in that order. */
  read(tensors: readonly TensorData[], image: number, tensor: Size): Candidate[];
}

export interface Head {
  readonly name: string;
  /** Null where the outputs are not of this form. */
  recognise(model: HeadModel): HeadReader | null;
}

/** Boxes that score less are not looked at: as YOLO's tools measure, where mean average precision wants weak boxes too. */
export const leastScore = 0.001;

/** How four numbers are a box. */
export const boxForms = {
  /** x and y of the middle, width, height. */
  centre: (x: number, y: number, width: number, height: number): Box => ({
    left: x - width / 2,
    top: y - height / 2,
    right: x + width / 2,
    bottom: y + height / 2,
  }),
  /** x and y of two corners, which ONNX's NonMaxSuppression allows to be any two. */
  corners: (x1: number, y1: number, x2: number, y2: number): Box => ({
    left: Math.min(x1, x2),
    top: Math.min(y1, y2),
    right: Math.max(x1, x2),
    bottom: Math.max(y1, y2),
  }),
  /** The same, y before x. */
  cornersRowFirst: (y1: number, x1: number, y2: number, x2: number): Box => boxForms.corners(x1, y1, x2, y2),
} as const;

export type BoxForm = keyof typeof boxForms;

/** Coordinates up to here are shares of the sides; in pixels, all boxes of an image would lie in its first corner. */
const largestShare = 2;

/** What coordinates are multiplied with: the sides where they are shares of them, else 1. */
export function unitOf(coordinates: Iterable<number>, tensor: Size): Size {
  let largest = 0;
  for (const each of coordinates) largest = Math.max(largest, Math.abs(each));
  return largest <= largestShare ? tensor : { width: 1, height: 1 };
}

export function scaled({ left, top, right, bottom }: Box, { width, height }: Size): Box {
  return { left: left * width, top: top * height, right: right * width, bottom: bottom * height };
}
