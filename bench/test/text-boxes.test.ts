import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOf } from "../src/text/text-boxes.ts";

/** A map of zeros with rectangles [left, top, right, bottom, level]. */
function mapOf(width: number, height: number, rectangles: readonly (readonly number[])[]) {
  const values = new Float32Array(width * height);
  for (const [left = 0, top = 0, right = 0, bottom = 0, level = 0] of rectangles) {
    for (let y = top; y < bottom; y++) values.fill(level, y * width + left, y * width + right);
  }
  return { width, height, at: (pixel: number) => values[pixel]! };
}

test("a region of likely pixels is a line, widened by one and a half of its area to its perimeter", () => {
  // 40 x 10: 1.5 * 400 / 100 = 6 on every side.
  assert.deepEqual(linesOf(mapOf(100, 60, [[20, 20, 60, 30, 0.75]])), [
    { left: 14, top: 14, right: 66, bottom: 36, score: 0.75 },
  ]);
});

test("regions that touch at a corner are one, the likelier line comes first, and boxes end at the edge", () => {
  const lines = linesOf(
    mapOf(60, 60, [
      [0, 0, 20, 4, 0.75],
      [20, 4, 40, 8, 0.75],
      [10, 40, 30, 44, 1],
    ]),
  );
  assert.deepEqual(
    lines.map(({ left, top, score }) => [left, top, score]),
    [
      [7.5, 37.5, 1],
      [0, 0, 0.75],
    ],
  );
});

test("what is faint on the whole, or thin, is no line", () => {
  const faint = [10, 10, 40, 20, 0.5];
  const thin = [10, 30, 40, 32, 1];
  const unlikely = [10, 40, 40, 50, 0.3];
  assert.deepEqual(linesOf(mapOf(60, 60, [faint, thin, unlikely])), []);
});
