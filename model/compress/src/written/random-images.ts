/** Images of noise, for a check of a written file where nobody gave any: the same ones at every run with the same seed. */
import { createRandom } from "@cupel/base";
import type { ImageSource, Preprocessing } from "@cupel/vision";

/** Enough that a value which went wrong on one of them shows. */
const count = 16;

export function randomImages({ width, height }: Preprocessing, seed: number): ImageSource {
  return {
    kind: "synthetic",
    location: "random images",
    length: count,
    classes: null,
    labelled: false,
    id: (index) => `random image ${index}`,
    label: () => null,
    async image(index) {
      const random = createRandom(seed * 100_003 + index);
      const data = Uint8Array.from({ length: 3 * width * height }, () => random.integer(256));
      return { kind: "raw", width, height, channels: 3, data };
    },
  };
}
