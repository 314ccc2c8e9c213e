/** Boxes drawn into an image: lines where the box is, the rest as it was. */
import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { drawBoxes } from "../src/index.ts";
import { raw } from "./fixtures.ts";

test("a frame lies on the edges of its box, text above it; all else stays, and nothing leaves the image", async () => {
  const [width, height] = [120, 80];
  const grey = raw(
    width,
    height,
    1,
    Array.from({ length: width * height }, () => 77),
  );
  const boxes = [
    { left: 40, top: 30, right: 90, bottom: 60, text: "", group: 0 },
    { left: -20, top: 70, right: 10, bottom: 300, text: "", group: 1 },
  ];
  const png = await drawBoxes(grey, boxes, "grey");
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height, info.channels], [width, height, 3]);
  const changed = (x: number, y: number) => data[(y * width + x) * 3] !== 77;
  for (const [x, y, expected] of [
    [40, 45, true],
    [89, 45, true],
    [60, 30, true],
    [60, 59, true],
    [60, 45, false],
    [39, 45, false],
    [90, 45, false],
    [9, 75, true],
    [5, 70, true],
    [0, 75, false],
  ] as const) {
    assert.equal(changed(x, y), expected, `${x}, ${y}`);
  }
  const told = await drawBoxes(grey, [{ ...boxes[0]!, text: "<b> & 1" }], "grey");
  const labelled = await sharp(told).raw().toBuffer();
  // Where the line of text stands: above the frame, from its left edge, light letters on its colour.
  assert.notEqual(labelled[(28 * width + 41) * 3], 77);
});

test("of a name of a million letters its beginning is drawn", async () => {
  const image = raw(60, 40, 1, new Array(2400).fill(9));
  const drawn = (text: string) =>
    drawBoxes(image, [{ left: 5, top: 20, right: 50, bottom: 35, text, group: 0 }], "grey");
  const begun = Buffer.from(await drawn(`${"a".repeat(79)}…`));
  assert.ok(begun.equals(await drawn("a".repeat(1_000_000))));
  assert.ok(begun.equals(await drawn("a".repeat(81))));
  assert.ok(!Buffer.from(await drawn("b".repeat(80))).equals(begun));
});
