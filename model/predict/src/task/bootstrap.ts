/**
 * The interval of a figure that is no mean over images, such as mean average precision or mean IoU, so that no
 * formula gives it: the images are drawn with replacement, and the figure is measured for each draw (Efron, 1979).
 */
import { createRandom } from "@cupel/base";

/** Enough for the two ends of a 95 % interval to within a tenth of its width. */
const draws = 200;

/**
 * The same draws for the same number of images.
 * @param measure how often each image was drawn, to the figure; null where that draw has none.
 */
export function bootstrap<Figure>(
  images: number,
  measure: (times: Uint32Array) => Figure | null,
): readonly Figure[] {
  const random = createRandom(1);
  return Array.from({ length: draws }, () => {
    const times = new Uint32Array(images);
    for (let i = 0; i < images; i++) times[random.integer(images)]! += 1;
    return measure(times);
  }).filter((each) => each !== null);
}

/** The 95 % interval of the draws; of none, `value` alone. */
export function bootstrapInterval(drawn: readonly number[], value: number): { low: number; high: number } {
  const sorted = drawn.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? value;
  return { low: at(0.025), high: at(0.975) };
}
