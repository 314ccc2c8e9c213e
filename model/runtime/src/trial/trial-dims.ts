/** Sizes for the dimensions that a model leaves open, so that it can be tried without an image. Pure. */
import type { ValueInfo } from "../session/tensor-data.ts";

/** Of an image whose number of channels is open too. */
const usualChannels = 3;

/**
 * One image a run. Of a value of rank 4 the open sizes beside the channels are `side`: [N, C, H, W], or
 * [N, H, W, C] where only the last is fixed. Any other open size is 1.
 */
export function trialDims({ dims }: Pick<ValueInfo, "dims">, side: number): number[] {
  const isImage = dims.length === 4;
  const channels = isImage && typeof dims[1] !== "number" && typeof dims[3] === "number" ? 3 : 1;
  return dims.map((dim, axis) => {
    if (typeof dim === "number") return dim;
    if (axis === 0 || !isImage) return 1;
    return axis === channels ? usualChannels : side;
  });
}

/** Whether another side would make other feeds. */
export function isSideOpen(inputs: readonly Pick<ValueInfo, "dims">[]): boolean {
  return inputs.some(
    ({ dims }) => dims.length === 4 && dims.some((dim, axis) => axis > 0 && typeof dim !== "number"),
  );
}
