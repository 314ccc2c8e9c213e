/** Moving pixels: each function gives a new image and leaves the given one as it is. */
import type { RawImage } from "../image.ts";
import type { ShiftFill } from "./augmentation.ts";

export function flipHorizontal(image: RawImage): RawImage {
  const { width, height, channels, data } = image;
  const row = width * channels;
  const flipped = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    let to = y * row;
    for (let from = to + row - channels; from >= y * row; from -= channels) {
      for (let c = 0; c < channels; c++) flipped[to++] = data[from + c]!;
    }
  }
  return { ...image, data: flipped };
}

export function flipVertical(image: RawImage): RawImage {
  const { height, data } = image;
  const row = image.width * image.channels;
  const flipped = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    flipped.set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
  }
  return { ...image, data: flipped };
}

/** A quarter clockwise: the left column, read upwards, becomes the first row. */
export function turn(image: RawImage): RawImage {
  const { width: height, height: width, channels, data } = image;
  const turned = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = ((width - 1 - x) * height + y) * channels;
      for (let c = 0; c < channels; c++) turned[to++] = data[from + c]!;
    }
  }
  return { ...image, width, height, data: turned };
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What lies in the box; where it reaches beyond the image, `fill`. */
export function windowOf(image: RawImage, box: Box, fill: ShiftFill): RawImage {
  const { channels, data, width, height } = image;
  const row = box.width * channels;
  const out = new Uint8Array(row * box.height);
  // Columns of the box that the image has: [first, last).
  const first = clamp(-box.left, 0, box.width);
  const last = clamp(width - box.left, first, box.width);
  for (let y = 0; y < box.height; y++) {
    const inside = box.top + y >= 0 && box.top + y < height;
    if (!inside && fill === "black") continue;
    const from = clamp(box.top + y, 0, height - 1) * width;
    const to = y * row;
    const start = (from + box.left + first) * channels;
    out.set(data.subarray(start, start + (last - first) * channels), to + first * channels);
    if (fill === "edge") {
      for (let c = 0; c < channels; c++) {
        const left = data[from * channels + c]!;
        const right = data[(from + width - 1) * channels + c]!;
        for (let x = 0; x < first; x++) out[to + x * channels + c] = left;
        for (let x = last; x < box.width; x++) out[to + x * channels + c] = right;
      }
    }
  }
  return { ...image, width: box.width, height: box.height, data: out };
}

/** The part of the box that lies within the image takes these levels, one a channel. */
export function fillBox(image: RawImage, box: Box, levels: readonly number[]): RawImage {
  const { width, height, channels } = image;
  const data = image.data.slice();
  const left = clamp(box.left, 0, width);
  const right = clamp(box.left + box.width, 0, width);
  const bottom = clamp(box.top + box.height, 0, height);
  for (let y = clamp(box.top, 0, height); y < bottom; y++) {
    for (let x = left, at = (y * width + left) * channels; x < right; x++) {
      for (let c = 0; c < channels; c++) data[at++] = levels[c]!;
    }
  }
  return { ...image, data };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
