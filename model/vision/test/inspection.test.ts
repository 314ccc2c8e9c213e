import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import sharp from "sharp";
import {
  exportImages,
  type ImageSource,
  INSPECTION_CLASSES,
  openImages,
  syntheticInspection,
  thumbnail,
} from "../src/index.ts";
import { level, refused, scratch, sourceOf } from "./fixtures.ts";

async function pixelsOf(source: ImageSource, index: number): Promise<Uint8Array> {
  const image = await source.image(index);
  assert.ok(image.kind === "raw");
  return image.data;
}

suite("the synthetic inspection set", () => {
  test("has seven balanced classes of 64 x 64 grey images, sound ones first", async () => {
    const source = syntheticInspection({ count: 21, seed: 5 });
    assert.deepEqual(INSPECTION_CLASSES, [
      "ok",
      "open",
      "short",
      "mousebite",
      "spur",
      "spurious-copper",
      "pin-hole",
    ]);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < source.length; i++) counts[source.label(i) ?? -1]!++;
    assert.deepEqual(counts, [3, 3, 3, 3, 3, 3, 3]);
    assert.equal((await pixelsOf(source, 0)).length, 64 * 64);
  });

  test("draws an image from the seed and its index alone", async () => {
    const few = syntheticInspection({ count: 10, seed: 5 });
    const many = syntheticInspection({ count: 100, seed: 5 });
    await pixelsOf(many, 99);
    assert.deepEqual(await pixelsOf(many, 9), await pixelsOf(few, 9));
    assert.notDeepEqual(
      await pixelsOf(syntheticInspection({ count: 10, seed: 6 }), 9),
      await pixelsOf(few, 9),
    );
    assert.notDeepEqual(await pixelsOf(few, 2), await pixelsOf(few, 9));
  });

  test("does not tell its classes by brightness or contrast", async () => {
    const source = syntheticInspection({ count: 700, seed: 1 });
    const means = INSPECTION_CLASSES.map(() => ({ mean: 0, deviation: 0 }));
    for (let i = 0; i < source.length; i++) {
      const pixels = await pixelsOf(source, i);
      const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
      const variance = pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / pixels.length;
      means[i % 7]!.mean += mean / 100;
      means[i % 7]!.deviation += Math.sqrt(variance) / 100;
    }
    // Images of one class differ by tens of levels; their averages over 100 must not.
    for (const key of ["mean", "deviation"] as const) {
      const values = means.map((entry) => entry[key]);
      assert.ok(Math.max(...values) - Math.min(...values) < 12, `${key}: ${values.map((v) => v.toFixed(1))}`);
    }
  });

  test("refuses a count that is none", async () => {
    await refused(() => syntheticInspection({ count: 0 }), "SELECTION_INVALID", /count.*not 0/);
  });
});

suite("an export", () => {
  test("opens again with the same images, labels and class names", async () => {
    await using folder = await scratch();
    const source = syntheticInspection({ count: 12, seed: 3 });
    const target = join(folder.path, "export");
    await exportImages(source, target);
    const again = await openImages(target);
    assert.deepEqual(again.classes, source.classes);
    assert.equal(again.id(10), "3-mousebite/10.png");
    for (let i = 0; i < source.length; i++) {
      assert.equal(again.label(i), source.label(i));
      const { data, info } = await sharp(join(target, again.id(i)))
        .toColourspace("b-w")
        .raw()
        .toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.width, info.height, info.channels], [64, 64, 1]);
      assert.deepEqual(Uint8Array.from(data), await pixelsOf(source, i));
    }
  });

  test("keeps class names that no folder may have", async () => {
    await using folder = await scratch();
    const target = join(folder.path, "export");
    await exportImages(sourceOf([level(1)], { labels: [0], classes: ["T-shirt/top"] }), target);
    const again = await openImages(target);
    assert.deepEqual([again.id(0), again.classes], ["0-T-shirt_top/0.png", ["T-shirt/top"]]);
  });

  test("of unlabelled images is a flat folder", async () => {
    await using folder = await scratch();
    const target = join(folder.path, "export");
    await exportImages(sourceOf([level(1), level(2)]), target);
    assert.equal((await openImages(target)).labelled, false);
  });

  test("leaves nothing behind when cancelled, unreadable or refused", async () => {
    await using folder = await scratch();
    const target = join(folder.path, "export");
    const signal = AbortSignal.abort();
    await refused(
      () => exportImages(sourceOf([level(1)]), target, { signal }),
      "CANCELLED",
      /Writing images/,
    );
    const unreadable = sourceOf([level(1), { kind: "encoded", bytes: Buffer.from("no") }]);
    await refused(() => exportImages(unreadable, target), "IMAGES_UNREADABLE", /image 1/);
    await refused(() => openImages(folder.path), "IMAGES_NONE", /holds no image/);
    await folder.write({ "export/mine.txt": "keep" });
    await refused(() => exportImages(sourceOf([level(1)]), target), "WRITE_FAILED", /not empty/);
  });
});

suite("a thumbnail", () => {
  const decode = async (uri: string) => {
    const [head, body = ""] = uri.split(",");
    assert.equal(head, "data:image/png;base64");
    return await sharp(Buffer.from(body, "base64"))
      .toColourspace("b-w")
      .raw()
      .toBuffer({ resolveWithObject: true });
  };

  test("fits into its square in proportion", async () => {
    const wide = sourceOf([
      { kind: "raw", width: 200, height: 100, channels: 3, data: new Uint8Array(60000).fill(9) },
    ]);
    const { info, data } = await decode(await thumbnail(wide, 0));
    assert.deepEqual([info.width, info.height, data[0]], [96, 48, 9]);
  });

  test("enlarges small images pixel by pixel", async () => {
    const two = sourceOf([
      { kind: "raw", width: 2, height: 1, channels: 1, data: Uint8Array.from([0, 250]) },
    ]);
    const { data, info } = await decode(await thumbnail(two, 0, 4));
    assert.deepEqual([info.width, info.height], [4, 2]);
    assert.deepEqual([...data], [0, 0, 250, 250, 0, 0, 250, 250]);
  });

  test("of what is no image is refused by name", async () => {
    const source = sourceOf([{ kind: "encoded", bytes: Buffer.from("no") }]);
    await refused(() => thumbnail(source, 0), "IMAGES_UNREADABLE", /image 0/);
  });
});
