/**
 * The forms in which models take images. A batch of tensors is `[N, C, H, W]` or `[N, H, W, C]`; an input may leave out
 * the batch, or the only channel, and then takes the same numbers under a shorter shape. Nobody else decides what a
 * dimension of an input means.
 */
import type { Layout, TensorDims } from "../preprocessing/preprocessing.ts";

/** A size: anything but a positive number is open. */
export type InputSize = number | string | bigint | null;

export interface ImageShape {
  readonly layout: Layout;
  /** Null where the input leaves it open. */
  readonly channels: number | null;
  readonly height: number | null;
  readonly width: number | null;
}

/** The usual numbers of channels first, so that [N, 4, H, 3] has three. */
const likelyChannels: readonly (readonly number[])[] = [[1, 3], [4]];

/**
 * What a shape alone says, with 1, 3 or 4 channels: of rank 4 [N, C, H, W] or [N, H, W, C]; of rank 3 [C, H, W] or
 * [H, W, C], else grey [N, H, W]. Null for anything else.
 */
export function imageShapeOf(inputShape: readonly InputSize[]): ImageShape | null {
  const dims = inputShape.map((dim) => (typeof dim === "number" && dim > 0 ? dim : null));
  if (dims.length !== 3 && dims.length !== 4) return null;
  const [a, b, c] = dims.slice(-3) as [number | null, number | null, number | null];
  for (const likely of likelyChannels) {
    if (a !== null && likely.includes(a)) return { layout: "NCHW", channels: a, height: b, width: c };
    if (c !== null && likely.includes(c)) return { layout: "NHWC", channels: c, height: a, width: b };
  }
  const isGrey = dims.length === 3 && b !== null && c !== null;
  return isGrey ? { layout: "NCHW", channels: 1, height: b, width: c } : null;
}

/** Which axes of a batch an input of a rank has, in the order in which they are tried. */
const axesByRank: Readonly<Record<number, readonly (readonly number[])[]>> = {
  4: [[0, 1, 2, 3]],
  // Without the channels, first or last; without the batch.
  3: [
    [0, 2, 3],
    [0, 1, 2],
    [1, 2, 3],
  ],
};

/**
 * The axes of a batch that an input has; null where it does not take such images.
 * @param dims of a batch of any number of images.
 */
export function fedAxes(inputShape: readonly InputSize[], dims: TensorDims): readonly number[] | null {
  const fits = (axes: readonly number[]) =>
    dims.every((size, axis) => {
      if (axis === 0) return true;
      const at = axes.indexOf(axis);
      if (at < 0) return size === 1;
      const wanted = inputShape[at];
      return typeof wanted !== "number" || wanted <= 0 || wanted === size;
    });
  return axesByRank[inputShape.length]?.find(fits) ?? null;
}
