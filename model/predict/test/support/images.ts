/** Images made of seeded noise, and how they become tensors. */
import { createRandom } from "@cupel/base";
import type { ImageSource, Preprocessing, RawImage } from "@cupel/vision";

/** 8 x 8 pixels in red, green and blue. */
export const side = 8;

export function noiseImages(count: number, overrides: Partial<ImageSource> = {}): ImageSource {
  return {
    kind: "synthetic",
    location: "noise",
    length: count,
    classes: null,
    labelled: overrides.label !== undefined,
    id: (index) => `noise ${index}`,
    label: () => null,
    image: async (index) => noise(index),
    ...overrides,
  };
}

export function noise(index: number): RawImage {
  const random = createRandom(100_003 + index);
  const data = Uint8Array.from({ length: side * side * 3 }, () => random.integer(256));
  return { kind: "raw", width: side, height: side, channels: 3, data };
}

/** Pixels to about -1.7..1.7. */
export const plain: Preprocessing = {
  width: side,
  height: side,
  colour: "rgb",
  resize: { kind: "none" },
  interpolation: "bilinear",
  layout: "NCHW",
  scale: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.29, 0.29, 0.29],
};

/** What the mean of each channel is under `plain`, red first; computed here, not by the code under test. */
export function channelMeans(index: number): number[] {
  const { data } = noise(index);
  return [0, 1, 2].map((channel) => {
    let sum = 0;
    for (let i = channel; i < data.length; i += 3) sum += (data[i]! / 255 - 0.5) / 0.29;
    return sum / (side * side);
  });
}

export const strongest = (values: readonly number[]): number => values.indexOf(Math.max(...values));
