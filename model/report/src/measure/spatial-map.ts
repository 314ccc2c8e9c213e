/** Where in an image a layer's error lies: |a - b| averaged over channels, on a grid an eye can take in. */

/** Most cells a side. */
export const mostCells = 32;

export interface SpatialGrid {
  readonly width: number;
  readonly height: number;
  /** Mean of |a - b| in each cell, row by row. */
  readonly cells: Float64Array;
}

/**
 * One image of a batch [N, C, H, W]. Sides beyond `mostCells` are averaged in blocks whose sizes differ
 * by at most one, so that every element counts in exactly one cell.
 * @param image index in the batch.
 */
export function spatialGrid(
  original: Float32Array,
  compressed: Float32Array,
  dims: readonly [number, number, number, number],
  image: number,
): SpatialGrid {
  const [, channels, rows, columns] = dims;
  const width = Math.min(mostCells, columns);
  const height = Math.min(mostCells, rows);
  const columnOf = Uint32Array.from({ length: columns }, (_, x) => Math.floor((x * width) / columns));
  const cells = new Float64Array(width * height);
  const elements = new Float64Array(width * height);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < rows; y++) {
      const start = ((image * channels + c) * rows + y) * columns;
      const cellRow = Math.floor((y * height) / rows) * width;
      for (let x = 0; x < columns; x++) {
        const cell = cellRow + columnOf[x]!;
        cells[cell]! += Math.abs(original[start + x]! - compressed[start + x]!);
        elements[cell]! += 1;
      }
    }
  }
  return { width, height, cells: cells.map((sum, cell) => sum / elements[cell]!) };
}

/** Digits kept: the values are only ever seen as colours, and there are many. */
const digits = 4;

/** @param rms of the layer's original activation. */
export function relativeMap(grid: SpatialGrid, rms: number): number[] {
  return Array.from(grid.cells, (value) => (value === 0 ? 0 : Number((value / rms).toPrecision(digits))));
}
