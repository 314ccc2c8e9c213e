/**
 * Where windows stand in a picture: their middles a step apart, from the first edge to the last. What a window at the edge
 * sees outside of the picture is the reader's to fill. Pure arithmetic.
 */
import type { Corner, Size } from "@cupel/vision";

export interface WindowGrid {
  /** First pixel of each column and of each row of windows; less than 0 at the first edge. */
  readonly columns: readonly number[];
  readonly rows: readonly number[];
  /** Of the window, in pixels. */
  readonly window: Size;
}

export function windowGrid(picture: Size, { width, height }: Size, stride: number): WindowGrid {
  return {
    columns: firstPixels(picture.width, width, stride),
    rows: firstPixels(picture.height, height, stride),
    window: { width, height },
  };
}

/** The last middle is at the edge, and less than a step from the one before it where the step does not fit. */
function firstPixels(picture: number, window: number, stride: number): number[] {
  const half = Math.floor(window / 2);
  const steps = Math.ceil(picture / stride);
  return Array.from({ length: steps + 1 }, (_, i) => Math.min(picture, i * stride) - half);
}

/** Row by row. */
export function cornersOf({ columns, rows }: WindowGrid): Corner[] {
  return rows.flatMap((top) => columns.map((left) => ({ left, top })));
}
