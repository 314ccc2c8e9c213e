/**
 * Brightness, contrast and saturation as Pillow's ImageEnhance changes them, bit for bit: a blend with black,
 * with the mean grey, and with the image in grey (src/PIL/ImageEnhance.py, src/libImaging/Blend.c). Its
 * arithmetic is in single precision and cuts fractions off.
 */
import type { RawImage } from "../image.ts";
import { lumaOf } from "../tensors/normalise.ts";

export interface ColourFactors {
  /** 1 changes nothing, 0 is black. */
  readonly brightness: number;
  /** 0 is the mean grey everywhere. */
  readonly contrast: number;
  /** 0 is grey. One channel has none. */
  readonly saturation: number;
}

export function changeColour(image: RawImage, factors: ColourFactors): RawImage {
  const { channels } = image;
  const data = image.data.slice();
  lookUp(data, blendTable(0, factors.brightness));
  lookUp(data, blendTable(meanLevel(data, channels), factors.contrast));
  if (channels === 3) saturate(data, Math.fround(factors.saturation));
  return { ...image, data };
}

function saturate(data: Uint8Array, factor: number): void {
  for (let i = 0; i < data.length; i += 3) {
    const grey = lumaOf(data, i);
    data[i] = blend(grey, data[i]!, factor);
    data[i + 1] = blend(grey, data[i + 1]!, factor);
    data[i + 2] = blend(grey, data[i + 2]!, factor);
  }
}

function blend(from: number, to: number, factor: number): number {
  const level = Math.fround(from + Math.fround(factor * (to - from)));
  return level <= 0 ? 0 : level >= 255 ? 255 : level | 0;
}

function lookUp(data: Uint8Array, table: Uint8Array): void {
  for (let i = 0; i < data.length; i++) data[i] = table[data[i]!]!;
}

function blendTable(from: number, factor: number): Uint8Array {
  const single = Math.fround(factor);
  return Uint8Array.from({ length: 256 }, (_, level) => blend(from, level, single));
}

/** Of the image in grey, rounded. */
function meanLevel(data: Uint8Array, channels: number): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += channels) sum += channels === 1 ? data[i]! : lumaOf(data, i);
  return Math.floor(sum / (data.length / channels) + 0.5);
}
