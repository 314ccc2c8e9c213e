import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mostCells, relativeMap, spatialGrid } from "../src/measure/spatial-map.ts";

test("a small map keeps its cells; channels are averaged", () => {
  // Two channels of 1 x 2: errors [1, 0] and [3, 2].
  const grid = spatialGrid(Float32Array.of(0, 0, 0, 0), Float32Array.of(1, 0, -3, 2), [1, 2, 1, 2], 0);
  assert.deepEqual([grid.width, grid.height, [...grid.cells]], [2, 1, [2, 1]]);
  assert.deepEqual(relativeMap(grid, 4), [0.5, 0.25]);
});

test("the image asked for is mapped, not the first of the batch", () => {
  const grid = spatialGrid(Float32Array.of(0, 0), Float32Array.of(5, 7), [2, 1, 1, 1], 1);
  assert.deepEqual([...grid.cells], [7]);
});

test("a large map is averaged in blocks that cover every element once", () => {
  const side = 64;
  const b = new Float32Array(side * side);
  b[0] = 4;
  b[side * side - 1] = 8;
  const { width, height, cells } = spatialGrid(new Float32Array(side * side), b, [1, 1, side, side], 0);
  assert.deepEqual([width, height], [mostCells, mostCells]);
  // Blocks of 2 x 2.
  assert.deepEqual([cells[0], cells.at(-1), cells[1]], [1, 2, 0]);
});

test("a constant error gives a constant map, whatever its sides", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 3 }),
      (rows, columns, channels) => {
        const size = rows * columns * channels;
        const grid = spatialGrid(
          new Float32Array(size),
          new Float32Array(size).fill(2),
          [1, channels, rows, columns],
          0,
        );
        assert.equal(grid.cells.length, Math.min(rows, mostCells) * Math.min(columns, mostCells));
        assert.ok(grid.cells.every((cell) => cell === 2));
      },
    ),
  );
});

test("a layer without error has a map of zeros even when it is silent", () => {
  const grid = spatialGrid(new Float32Array(4), new Float32Array(4), [1, 1, 2, 2], 0);
  assert.deepEqual(relativeMap(grid, 0), [0, 0, 0, 0]);
});
