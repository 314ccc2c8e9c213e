/** Classes laid over an image: half their colour where they are, the image elsewhere, their names in the corner. */
import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { drawClasses } from "../src/index.ts";
import { raw } from "./fixtures.ts";

test("pixels of a drawn class have half its colour, the others stay, and a name stands in the first corner", async () => {
  const [width, height] = [90, 60];
  const pixels = Array.from({ length: width * height }, () => 77);
  const grey = raw(width, height, 1, pixels);
  const classOf = Int32Array.from(pixels, (_, i) =>
    i % width < 45 ? (i < width * 30 ? 0 : -1) : i < width * 30 ? 1 : 2,
  );
  const read = async (png: Uint8Array) => await sharp(png).raw().toBuffer();
  const plain = await read(
    await drawClasses(
      grey,
      classOf,
      [1, 2].map((classIndex) => ({ classIndex, text: "" })),
      "grey",
    ),
  );
  const at = (data: Buffer, x: number, y: number) =>
    Array.from(data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3));
  assert.deepEqual(at(plain, 10, 10), [77, 77, 77], "a class that is not drawn");
  assert.deepEqual(at(plain, 10, 50), [77, 77, 77], "no class");
  assert.deepEqual(at(plain, 44, 29), [77, 77, 77]);
  const [first, second] = [at(plain, 45, 29), at(plain, 45, 30)];
  assert.notDeepEqual(first, second);
  // Half of 77 and half of the colour, which is one of full values.
  for (const value of [...first, ...second]) assert.ok(value >= 38 && value <= 39 + 128, `${value}`);
  assert.notDeepEqual(first, [77, 77, 77]);
  const named = await read(await drawClasses(grey, classOf, [{ classIndex: 1, text: "<sky>" }], "grey"));
  const corner = Array.from({ length: 30 * 12 }, (_, i) => at(named, i % 30, Math.floor(i / 30)));
  assert.ok(
    corner.some(([r, g, b]) => r! > 200 && g! > 200 && b! > 200),
    "light letters",
  );
  assert.deepEqual(at(named, 50, 50), [77, 77, 77], "class 2 is not drawn now");
  await assert.rejects(drawClasses(grey, new Int32Array(5), [], "grey"), { code: "SELECTION_INVALID" });
});
