/** Where windows stand in a picture: a step apart, the last flush with the edge. Pure arithmetic. */
import type { Corner, Size } from "@cupel/vision";

export interface WindowGrid {
  /** First pixel of each column and of each row of windows. */
  readonly columns: readonly number[];
  readonly rows: readonly number[];
  /** Of the window, in pixels; not beyond the picture. */
  readonly window: Size;
}

export function windowGrid(picture: Size, tensor: Size, stride: number): WindowGrid {
  return {
    columns: firstPixels(picture.width, tensor.width, stride),
    rows: firstPixels(picture.height, tensor.height, stride),
    window: {
      width: Math.min(tensor.width, picture.width),
      height: Math.min(tensor.height, picture.height),
    },
  };
}

function firstPixels(picture: number, window: number, stride: number): number[] {
  const last = Math.max(0, picture - window);
  const steps = Math.ceil(last / stride);
  return Array.from({ length: steps + 1 }, (_, i) => Math.min(last, i * stride));
}

/** Row by row. */
export function cornersOf({ columns, rows }: WindowGrid): Corner[] {
  return rows.flatMap((top) => columns.map((left) => ({ left, top })));
}
