/**
 * How many boxes a detector of a size gives: one or three for each cell of its grids. The count tells a table of
 * boxes from any other table of numbers, such as the tokens of a transformer.
 */
import type { Size } from "@cupel/vision";

/** Of the grids that YOLO networks have, in pixels: the usual three, with a fourth, a finer one, the tiny ones. */
const strideSets = [
  [8, 16, 32],
  [8, 16, 32, 64],
  [4, 8, 16, 32],
  [16, 32],
] as const;

export interface Grid {
  readonly strides: readonly number[];
  /** Boxes of each cell: 3 with anchors, 1 without. */
  readonly anchors: 1 | 3;
}

/** Null where no grids of the size have so many cells. */
export function gridOf(boxes: number, { width, height }: Size): Grid | null {
  for (const strides of strideSets) {
    const cells = strides.reduce(
      (sum, stride) => sum + Math.ceil(width / stride) * Math.ceil(height / stride),
      0,
    );
    if (boxes === cells) return { strides, anchors: 1 };
    if (boxes === 3 * cells) return { strides, anchors: 3 };
  }
  return null;
}
