/** Pixels of cameras, against the colours that ITU-R BT.601 gives for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readYuv, type YuvImage, yuvBytes } from "../src/index.ts";

/** Y, Cb and Cr of the colour bars of 100 % in limited range, and the colours they stand for. */
const bars = [
  [235, 128, 128, 255, 255, 255],
  [210, 16, 146, 255, 255, 0],
  [170, 166, 16, 0, 255, 255],
  [145, 54, 34, 0, 255, 0],
  [106, 202, 222, 255, 0, 255],
  [81, 90, 240, 255, 0, 0],
  [41, 240, 110, 0, 0, 255],
  [16, 128, 128, 0, 0, 0],
] as const;

/** Rounded to 8 bits, Y is off by 1/2 of 219 levels and a difference by 1/2 of 224, which are 2 levels of 255 at most. */
const rounding = 2;

for (const layout of ["i420", "nv12"] as const) {
  test(`${layout} gives the colours of BT.601 in limited range`, async () => {
    const width = 2 * bars.length;
    const y = bars.flatMap(([level]) => [level, level]);
    const cb = bars.map((bar) => bar[1]);
    const cr = bars.map((bar) => bar[2]);
    const chroma = layout === "i420" ? [...cb, ...cr] : bars.flatMap((bar) => [bar[1], bar[2]]);
    const image: YuvImage = { layout, width, height: 2, data: Uint8Array.from([...y, ...y, ...chroma]) };
    const { data, channels } = await readYuv(image, "bars");
    assert.equal(channels, 3);
    for (let row = 0; row < 2; row++) {
      for (let x = 0; x < width; x++) {
        const expected = bars[x >> 1]!.slice(3);
        const got = data.subarray(3 * (row * width + x), 3 * (row * width + x) + 3);
        assert.ok(
          expected.every((value, c) => Math.abs(value - got[c]!) <= rounding),
          `column ${x}: ${got}, expected ${expected}`,
        );
      }
    }
  });

  test(`${layout} of odd sides has a colour for the half squares at the end`, async () => {
    const [width, height] = [3, 3];
    assert.equal(yuvBytes(width, height), 9 + 2 * 4);
    const grey = new Uint8Array(9).fill(81);
    // Red in the last square, grey in the other three.
    const chroma =
      layout === "i420" ? [128, 128, 128, 90, 128, 128, 128, 240] : [128, 128, 128, 128, 128, 128, 90, 240];
    const image = { layout, width, height, data: Uint8Array.from([...grey, ...chroma]) };
    const { data } = await readYuv(image, "odd");
    assert.deepEqual([...data.subarray(0, 3)], [76, 76, 76]);
    assert.deepEqual([...data.subarray(3 * 5, 3 * 5 + 3)], [76, 76, 76]);
    const last = data.subarray(3 * 8);
    assert.ok(last[0]! >= 253 && last[1]! <= 2 && last[2]! <= 2, `${last}`);
  });
}

test("other bytes than the size makes are refused", async () => {
  const image = { layout: "nv12", width: 4, height: 4, data: new Uint8Array(23) } as const;
  await assert.rejects(readYuv(image, "image 2"), {
    code: "IMAGES_UNREADABLE",
    message: "image 2 cannot be read as an image: nv12 pixels of 4 x 4 are 24 bytes, and it has 23.",
  });
});
