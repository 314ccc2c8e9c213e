/** Images for a model and what is told of them, without a wire format. */

/** Pixels of 8 bits without padding between their rows. */
export interface BarePixels {
  readonly kind: "rgb" | "i420" | "nv12";
  readonly bytes: Uint8Array;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

/** The bytes of a JPEG, PNG, WebP ... file, a Blob of them, or bare pixels. In Node.js also the path of a file, or its URL. */
export type ImageSource = Uint8Array | Blob | BarePixels | string | URL;

/** An image whose bytes are there. */
export type WireImage = { readonly kind: "encoded"; readonly bytes: Uint8Array } | BarePixels;

/** What to tell of the images. */
export interface PredictChoices {
  /** Classes told of each image. Default 5. */
  readonly top?: number | undefined;
  /** Least score of what is told, 0 to 1. Default: the task's own. */
  readonly threshold?: number | undefined;
  /** Look for what a classifier knows in windows of a big picture, and answer with boxes. Default false. */
  readonly windows?: boolean | undefined;
  /** Send the picture back with what was found drawn into it, as PNG. Default false. */
  readonly draw?: boolean | undefined;
}

interface Addressed {
  readonly model: string;
  /** Default: the version that the server makes the current one. */
  readonly version?: string | undefined;
  /** Echoed. */
  readonly id?: string | undefined;
}

export interface PredictRequest extends Addressed, PredictChoices {
  readonly images: readonly ImageSource[];
}

export interface WirePredictRequest extends Addressed, PredictChoices {
  readonly images: readonly WireImage[];
}

export interface ToldClass {
  readonly index: number;
  /** Null where nobody names the classes. */
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

/** What is told of an image. Which members say something depends on the task; the others are empty or null. */
export interface ImageAnswer {
  /** Of the upright image, in pixels. */
  readonly width: number;
  readonly height: number;
  /** The likeliest first. */
  readonly classes: readonly ToldClass[];
  readonly boxes: readonly ToldBox[];
  /** A class a pixel, as a PNG of one channel in the size of the image, with the share of each class found. */
  readonly mask: { readonly png: Uint8Array; readonly classes: readonly ToldClass[] } | null;
  /** Of a model that reads a line of text. */
  readonly text: { readonly text: string; readonly score: number } | null;
  /** Of a model of numbers or features. */
  readonly values: readonly number[];
  /** A PNG, where it was asked for. */
  readonly drawing: Uint8Array | null;
}

export interface PredictResponse {
  readonly model: string;
  readonly version: string;
  readonly id?: string;
  /** "classification", "detection" ... */
  readonly task: string;
  /** One an image, in their order. */
  readonly answers: readonly ImageAnswer[];
}
