/**
 * Coloured images from a seed, for measuring what images cost where their content does not matter:
 * a few slow waves, as photographs have, and noise on top. Made when asked for, so that a source of any
 * length takes no memory.
 */
import { createRandom } from "@cupel/base";
import type { ImageSource } from "@cupel/vision";

export interface SyntheticImagesOptions {
  readonly count: number;
  /** Height and width in pixels. Default 224. */
  readonly side?: number;
  /** Default 1. */
  readonly seed?: number;
}

const wavesPerChannel = 3;
const noise = 16;

export function syntheticImages(options: SyntheticImagesOptions): ImageSource {
  const { count, side = 224, seed = 1 } = options;
  return {
    kind: "synthetic",
    location: `${count} synthetic images, seed ${seed}`,
    length: count,
    classes: null,
    labelled: false,
    id: (index) => `synthetic-${seed}-${index}`,
    label: () => null,
    image: async (index) => ({
      kind: "raw",
      width: side,
      height: side,
      channels: 3,
      data: draw(side, seed * 2 ** 20 + index),
    }),
  };
}

function draw(side: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  const channels = Array.from({ length: 3 }, () => ({
    mean: 64 + 128 * random.uniform(),
    waves: Array.from({ length: wavesPerChannel }, () => ({
      across: (8 * (random.uniform() - 0.5)) / side,
      down: (8 * (random.uniform() - 0.5)) / side,
      phase: random.uniform(),
      height: 40 * random.uniform(),
    })),
  }));
  const data = new Uint8ClampedArray(side * side * 3);
  for (let y = 0, at = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (const { mean, waves } of channels) {
        let level = mean + noise * (random.uniform() - 0.5);
        for (const { across, down, phase, height } of waves) {
          level += height * Math.cos(2 * Math.PI * (across * x + down * y + phase));
        }
        data[at++] = level;
      }
    }
  }
  return new Uint8Array(data.buffer);
}
