/** Images made of seeded noise, and how they become tensors. */
import { createRandom } from "@cupel/base";
import type { ImageSource, Preprocessing } from "@cupel/vision";

export interface NoiseOptions {
  readonly size?: number;
  readonly seed?: number;
  readonly labels?: (index: number) => number;
  /** Called for each image read. */
  readonly onRead?: (index: number) => void;
}

export function noiseImages(count: number, options: NoiseOptions = {}): ImageSource {
  const { size = 8, seed = 1, labels, onRead } = options;
  return {
    kind: "synthetic",
    location: "noise",
    length: count,
    classes: null,
    labelled: labels !== undefined,
    id: (index) => `noise ${index}`,
    label: (index) => labels?.(index) ?? null,
    async image(index) {
      onRead?.(index);
      const random = createRandom(seed * 100_003 + index);
      const data = Uint8Array.from({ length: size * size * 3 }, () => random.integer(256));
      return { kind: "raw", width: size, height: size, channels: 3, data };
    },
  };
}

/** Pixels to about -1.7..1.7. */
export function plain(size = 8): Preprocessing {
  return {
    width: size,
    height: size,
    colour: "rgb",
    resize: { kind: "none" },
    interpolation: "bilinear",
    layout: "NCHW",
    scale: 1 / 255,
    mean: [0.5, 0.5, 0.5],
    std: [0.29, 0.29, 0.29],
  };
}
