/** Images that anyone can tell apart: 8 x 8, grey, stripes across, stripes down or a chequered field, in noise. */
import { createRandom } from "@cupel/base";
import { type ImageSource, type Preprocessing, preprocessingFor } from "@cupel/vision";

export const side = 8;
const classes = ["across", "down", "chequered"] as const;
const isLight: readonly ((x: number, y: number) => boolean)[] = [
  (_x, y) => y % 2 === 0,
  (x) => x % 2 === 0,
  (x, y) => (x + y) % 2 === 0,
];

export const preprocessing: Preprocessing = preprocessingFor([null, 1, side, side]);

/** @param noise 0 for none, 1 for so much that stripes are hard to see. */
export function stripes(count: number, { seed = 1, noise = 0.3 } = {}): ImageSource {
  const random = createRandom(seed);
  const images = Array.from({ length: count }, (_, index) => {
    const rule = isLight[index % classes.length]!;
    return Uint8Array.from({ length: side * side }, (_, at) => {
      const value = rule(at % side, Math.floor(at / side)) ? 200 : 55;
      return Math.min(255, Math.max(0, value + 120 * noise * random.normal()));
    });
  });
  return {
    kind: "synthetic",
    location: "stripes",
    length: count,
    classes,
    labelled: true,
    id: (index) => `stripes#${index}`,
    label: (index) => index % classes.length,
    image: async (index) => ({
      kind: "raw",
      width: side,
      height: side,
      channels: 1,
      data: images[index]!,
    }),
  };
}
