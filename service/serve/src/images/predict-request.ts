/** Images in, answers out: the question and the answer that no tensor protocol has, without a wire format. */
import type { WindowOptions } from "@cupel/predict";

/**
 * Encoded: JPEG, PNG, WebP, TIFF, GIF (first frame), BMP or AVIF, told by its content. The others are bare pixels of 8 bits
 * without padding between their rows, and need their size: `rgb` interleaved; `i420` (planes of Y, Cb, Cr) and `nv12` (Y,
 * then Cb and Cr in pairs) after ITU-R BT.601 in limited range, with ceil(side / 2) differences along an odd side.
 */
export type ImageInput =
  | { readonly kind: "encoded"; readonly bytes: Uint8Array }
  | {
      readonly kind: "rgb" | "i420" | "nv12";
      readonly bytes: Uint8Array;
      /** In pixels. */
      readonly width: number;
      readonly height: number;
    };

export interface PredictRequest {
  readonly model: string;
  readonly version?: string | undefined;
  readonly id?: string | undefined;
  readonly images: readonly ImageInput[];
  /** Classes told of each image. Default 5. */
  readonly top?: number | undefined;
  /** Least score of a class or a box that is told, 0 to 1. Default: the task's own: 0, of several labels and in windows 0.5, of boxes 0.25. */
  readonly threshold?: number | undefined;
  /** Look for what a classifier knows in windows of a big picture, and answer with boxes. Default false. */
  readonly windows?: boolean | WindowOptions | undefined;
  /** Send the picture back with what was found drawn into it, as PNG. Default false. */
  readonly draw?: boolean | undefined;
}

export interface ToldClass {
  readonly index: number;
  /** Null when nobody names the classes. */
  readonly name: string | null;
  /** 0 to 1. */
  readonly score: number;
}

/** Edges in pixels of the upright image. */
export interface ToldBox extends ToldClass {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface ImageAnswer {
  /** Of the upright image, in pixels. */
  readonly width: number;
  readonly height: number;
  /** The likeliest first: of a classifier, or every label of a multi-label model above its threshold. */
  readonly classes?: readonly ToldClass[] | undefined;
  readonly boxes?: readonly ToldBox[] | undefined;
  /** A class a pixel, as a PNG of one channel in the size of the image, with the share of each class found. */
  readonly mask?: { readonly png: Uint8Array; readonly classes: readonly ToldClass[] } | undefined;
  /** Of a model that reads a line of text. */
  readonly text?: { readonly text: string; readonly score: number } | undefined;
  /** Of a model of numbers or features, in the order of its first output. */
  readonly values?: readonly number[] | undefined;
  /** A PNG, where it was asked for. */
  readonly drawing?: Uint8Array | undefined;
}

export interface PredictResponse {
  readonly model: string;
  readonly version: string;
  /** SHA-256 of the version that answered, in hex; the service fills it in. Not for the wire. */
  readonly digest?: string | undefined;
  readonly id?: string | undefined;
  /** "classification", "detection" ... as in the model's metadata. */
  readonly task: string;
  /** One an image, in their order. */
  readonly answers: readonly ImageAnswer[];
}
