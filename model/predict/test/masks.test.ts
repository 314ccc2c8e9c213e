/** Maps against masks: where a pixel of the image lies in the map, and how the overlap is counted. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { encodeModel } from "@cupel/onnx";
import { classesOfImage, openPredictor, segmentation } from "@cupel/predict";
import type { ImageSource, Preprocessing, RawImage } from "@cupel/vision";
import sharp from "sharp";
import { noiseImages, plain, side } from "./support/images.ts";
import { modelOf, node } from "./support/models.ts";

let root = "";
before(async () => {
  root = await mkdtemp(join(tmpdir(), "cupel-maps-"));
  await mkdir(join(root, "deep"));
});
after(() => rm(root, { recursive: true }));

/** The class of a pixel is its strongest channel: the image is its own scores. */
const model = encodeModel(modelOf((graph, x) => node(graph, "Identity", "y", x)));
/** One map of probabilities: whether the strongest channel is at least one half. */
const foreground = encodeModel(
  modelOf((graph, x) => {
    const [max] = graph.graph.append({
      opType: "ReduceMax",
      name: "max",
      inputs: [x],
      outputs: ["max"],
      attributes: { axes: { kind: "ints", value: [1] } },
    }).outputs;
    return node(graph, "Sigmoid", "y", max!);
  }),
);
const nearest: Preprocessing = { ...plain, interpolation: "nearest" };

type ClassAt = (x: number, y: number) => number;

function drawn(width: number, height: number, classAt: ClassAt): RawImage {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) data[3 * i + classAt(i % width, Math.floor(i / width))] = 255;
  return { kind: "raw", width, height, channels: 3, data };
}

async function writeMask(name: string, width: number, height: number, classAt: ClassAt): Promise<void> {
  const data = Uint8Array.from({ length: width * height }, (_, i) =>
    classAt(i % width, Math.floor(i / width)),
  );
  await sharp(data, { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toFile(join(root, name));
}

function imagesOf(images: Readonly<Record<string, RawImage>>): ImageSource {
  const ids = Object.keys(images);
  return noiseImages(ids.length, { id: (i) => ids[i]!, image: async (i) => images[ids[i]!]! });
}

async function evaluated(
  images: ImageSource,
  preprocessing: Preprocessing,
  bytes = model,
  classes?: string[],
) {
  await using predictor = await openPredictor(bytes, {
    threads: 1,
    taskName: "segmentation",
    preprocessing,
    classes,
  });
  return await predictor.evaluate(images, { labels: root });
}

/** Blocks of two pixels each way, which halving keeps. */
const blocks: ClassAt = (x, y) => ((x >> 1) * 2 + (y >> 1)) % 3;

test("masks are in pixels of the image: what letter-box and padding move is moved back", async () => {
  await writeMask("wide.png", 16, 8, blocks);
  await writeMask("tall.jpg.png", 8, 16, blocks);
  await writeMask("deep/small_mask.png", 4, 4, blocks);
  const images = imagesOf({
    "wide.jpg": drawn(16, 8, blocks),
    "tall.jpg": drawn(8, 16, blocks),
    "deep/small.jpg": drawn(4, 4, blocks),
  });
  for (const pad of [
    { value: 0, side: "both" },
    { value: 0, side: "end" },
  ] as const) {
    const { overlap } = await evaluated(images, { ...nearest, resize: { kind: "letter-box" }, pad });
    assert.deepEqual(
      [overlap!.meanIou, overlap!.pixelAccuracy, overlap!.cutOff, overlap!.images],
      [1, 1, 0, 3],
    );
  }
});

test("what the crop cuts off is not measured, and its share is said", async () => {
  await writeMask("wide.png", 10, 8, (x, y) => (x === 0 || x === 9 ? 2 : blocks(x, y)));
  const images = imagesOf({ "wide.jpg": drawn(10, 8, blocks) });
  const result = await evaluated(images, nearest);
  assert.equal(result.overlap!.meanIou, 1);
  assert.equal(result.overlap!.cutOff, 0.2);
  assert.match(
    segmentation.figures(result)[0]!.of,
    /without the 20\.0 % of the pixels that the crop cuts off/,
  );
});

test("IoU of a class is over all images, 255 does not count, classes that nobody has are not in the mean", async () => {
  // Of 64 pixels each: the first image is all of class 0, the second half 0 and half 1.
  const half: ClassAt = (_x, y) => Number(y >= 4);
  const images = imagesOf({ "a.png": drawn(side, side, () => 0), "b.png": drawn(side, side, half) });
  // The mask of the first has 16 pixels of class 1 and 8 that do not count; that of the second is right.
  await writeMask("a.png", side, side, (_x, y) => (y < 2 ? 1 : y === 2 ? 255 : 0));
  await writeMask("b.png", side, side, half);
  const first = await evaluated(images, nearest, model, ["road", "tree", "sky"]);
  // Class 0: both 40 + 32, either 56 + 32. Class 1: both 32, either 16 + 32.
  const ious = [72 / 88, 32 / 48];
  assert.deepEqual(
    first.overlap!.classes.map(({ className, iou, pixels }) => [className, iou, pixels]),
    [
      ["road", ious[0], 72],
      ["tree", ious[1], 48],
    ],
  );
  assert.equal(first.overlap!.meanIou, (ious[0]! + ious[1]!) / 2);
  assert.equal(first.overlap!.pixelAccuracy, (72 + 32) / 120);
  assert.deepEqual(
    segmentation.figures(first).map(({ name }) => name),
    ["mean IoU", "pixel accuracy", "IoU of road", "IoU of tree"],
  );
  // Red for green and back: of the first image nothing is right but what was wrong.
  const green = await evaluated(images, { ...nearest, colour: "bgr" });
  assert.equal(segmentation.compare(first, first).difference!.value, 0);
  const { difference } = segmentation.compare(first, green);
  assert.equal(difference!.value, green.overlap!.meanIou - first.overlap!.meanIou);
  assert.ok(difference!.low <= difference!.value && difference!.value <= difference!.high);
});

test("masks of 0 and 255 are of two classes where the model tells two apart", async () => {
  const dark: ClassAt = () => 0;
  const image = drawn(side, side, dark);
  image.data.fill(0, 0, 3 * side * 4);
  const images = imagesOf({ "a.png": image });
  await writeMask("a.png", side, side, (_x, y) => (y >= 3 ? 255 : 0));
  const { overlap } = await evaluated(images, nearest, foreground);
  // The lower four rows are foreground to the model, the lower five in the mask.
  assert.deepEqual(
    overlap!.classes.map(({ iou }) => iou),
    [24 / 32, 32 / 40],
  );
  await writeMask("a.png", side, side, (_x, y) => (y === 3 ? 255 : Number(y > 3)));
  const bordered = await evaluated(images, nearest, foreground);
  assert.equal(bordered.overlap!.meanIou, 1, "255 beside 1 is a pixel that does not count");
});

test("masks that do not belong to the images are refused before all are predicted; a part of them is said", async () => {
  const images = imagesOf({ "a.png": drawn(side, side, blocks), "none.png": drawn(side, side, blocks) });
  await writeMask("a.png", side, side, blocks);
  const part = await evaluated(images, nearest);
  assert.match(segmentation.figures(part)[0]!.of, /1 of 2 images, the others have no mask/);
  const refused = (message: RegExp, ids = images) =>
    assert.rejects(evaluated(ids, nearest), { code: "LABELS_MISMATCH", message });
  await writeMask("a.png", side, side, () => 3);
  await refused(/the class 3, but the model tells 3 apart/);
  await writeMask("a.png", side, 2 * side, blocks);
  await refused(/8x16 pixels, and its image a\.png 8x8/);
  await refused(
    /no mask for any of the 1 images.*other\.png/,
    imagesOf({ "other.jpg": drawn(side, side, blocks) }),
  );
});

test("a map is laid over its image pixel by pixel; what the crop cuts off has no class", () => {
  const map = {
    width: 2,
    height: 2,
    classes: Int32Array.from([1, 2, 3, 4]),
    classCount: 5,
    image: { width: 10, height: 8 },
  };
  const classes = classesOfImage(plain, map);
  // Columns 1 to 8 are left, four to a pixel of the map.
  const row = (left: number, right: number) => [-1, ...Array(4).fill(left), ...Array(4).fill(right), -1];
  assert.deepEqual(Array.from(classes.subarray(0, 10)), row(1, 2));
  assert.deepEqual(Array.from(classes.subarray(30, 50)), [...row(1, 2), ...row(3, 4)]);
});
