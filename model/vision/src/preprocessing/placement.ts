/**
 * Where an image stands in its tensor: its size after the resize, the size of the tensor, and what the crop
 * cuts or the padding adds. Pure arithmetic, so that what a model says in pixels of the tensor (boxes, masks)
 * can be said in pixels of the image.
 */
import type { Preprocessing, Resize } from "./preprocessing.ts";

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A point or a side in pixels; x to the right, y down, from the outer edge of the first pixel. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Placement {
  /** Upright, as it was decoded. */
  readonly image: Size;
  readonly tensor: Size;
  /** Pixels of the tensor to one of the image. */
  readonly scale: Point;
  /** Of the image's first corner in the tensor; negative where the crop cuts it off. */
  readonly offset: Point;
}

/** torchvision truncates the other side: int(size * long / short). */
function proportional(from: Size, size: number, reference: number): Size {
  const side = (length: number): number => Math.max(1, Math.floor((size * length) / reference));
  return { width: side(from.width), height: side(from.height) };
}

/** Half to even, as Python's `round`: letter-box as YOLO's tools do it. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest === 0.5 ? below + (below % 2) : Math.round(value);
}

function fitInside(from: Size, tensor: Size): Size {
  const ratio = Math.min(tensor.width / from.width, tensor.height / from.height);
  const side = (length: number, most: number) => Math.min(most, Math.max(1, roundHalfEven(length * ratio)));
  return { width: side(from.width, tensor.width), height: side(from.height, tensor.height) };
}

function fitHeight(from: Size, tensor: Size): Size {
  const width = Math.ceil((tensor.height * from.width) / from.height);
  return { width: Math.min(tensor.width, width), height: tensor.height };
}

/** Of the image after the resize, before the crop. @param tensor the preprocessing's width and height. */
export function resizedSize(resize: Resize, from: Size, tensor: Size): Size {
  switch (resize.kind) {
    case "none":
      return from;
    case "stretch":
      return { width: tensor.width, height: tensor.height };
    case "short-side":
      return proportional(from, resize.size, Math.min(from.width, from.height));
    case "long-side":
      return proportional(from, resize.size, Math.max(from.width, from.height));
    case "letter-box":
      return fitInside(from, tensor);
    case "fit-height":
      return fitHeight(from, tensor);
  }
}

/** Of the tensor for a resized image: the same for all of them, unless the preprocessing has a `multiple`. */
export function tensorSize({ width, height, multiple }: Preprocessing, resized: Size): Size {
  if (multiple === undefined) return { width, height };
  const side = (length: number, most: number) => Math.min(most, Math.ceil(length / multiple) * multiple);
  return { width: side(resized.width, width), height: side(resized.height, height) };
}

export interface Crop {
  /** First pixel taken. */
  readonly from: number;
  /** Where it lands. */
  readonly to: number;
  readonly length: number;
}

export type PadSide = NonNullable<Preprocessing["pad"]>["side"];

/**
 * Along one axis, with the rounding of torchvision's center_crop: halves to even, padding rounded down. With
 * the side "end" all padding is behind the image.
 */
export function cropAlong(size: number, wanted: number, side: PadSide = "both"): Crop {
  if (size < wanted) {
    return { from: 0, to: side === "end" ? 0 : Math.floor((wanted - size) / 2), length: size };
  }
  const margin = size - wanted;
  const half = margin % 4 === 3 ? (margin + 1) / 2 : Math.floor(margin / 2);
  return { from: half, to: 0, length: wanted };
}

/** @param image its upright size, as it was decoded. */
export function placementOf(preprocessing: Preprocessing, image: Size): Placement {
  const resized = resizedSize(preprocessing.resize, image, preprocessing);
  const tensor = tensorSize(preprocessing, resized);
  const across = cropAlong(resized.width, tensor.width, preprocessing.pad?.side);
  const down = cropAlong(resized.height, tensor.height, preprocessing.pad?.side);
  return {
    image: { width: image.width, height: image.height },
    tensor,
    scale: { x: resized.width / image.width, y: resized.height / image.height },
    offset: { x: across.to - across.from, y: down.to - down.from },
  };
}

/** A point of the tensor in pixels of the image; outside of it where the tensor is padded there. */
export function toImage({ scale, offset }: Placement, { x, y }: Point): Point {
  return { x: (x - offset.x) / scale.x, y: (y - offset.y) / scale.y };
}

/** A point of the image in pixels of the tensor; outside of it where the crop cuts it off. */
export function toTensor({ scale, offset }: Placement, { x, y }: Point): Point {
  return { x: x * scale.x + offset.x, y: y * scale.y + offset.y };
}
