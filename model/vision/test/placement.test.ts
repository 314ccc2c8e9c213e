/** The forms that detection and text reading need, and the way back from the tensor to the image. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  batches,
  createImageReader,
  openLoader,
  parsePreprocessing,
  placementOf,
  preprocessingText,
  readPreprocessing,
  toImage,
  toTensor,
} from "../src/index.ts";
import { asDecoded, raw, refused, sourceOf } from "./fixtures.ts";

const plain = asDecoded({ width: 640, height: 640 });
const letterBox = parsePreprocessing("resize=letter-box,pad=114", plain);

/** What `ultralytics.data.augment.LetterBox` 8.3 makes of these sizes: new width and height, left and top. */
for (const [from, tensor, expected] of [
  [[810, 1080], "640", [480, 640, 80, 0]],
  [[1280, 720], "640", [640, 360, 0, 140]],
  [[1001, 667], "640", [640, 426, 0, 107]],
  [[500, 333], "640", [640, 426, 0, 107]],
  [[333, 500], "640", [426, 640, 107, 0]],
  [[100, 77], "640", [640, 493, 0, 73]],
  [[50, 300], "320x240", [40, 240, 140, 0]],
] as const) {
  test(`letter-box of ${from.join(" x ")} in ${tensor} is that of YOLO's own tools`, () => {
    const [width, height] = from;
    const placed = placementOf(parsePreprocessing(`crop=${tensor}`, letterBox), { width, height });
    const [newWidth, newHeight, left, top] = expected;
    assert.deepEqual(
      [placed.scale.x * width, placed.scale.y * height, placed.offset.x, placed.offset.y].map((each) =>
        Number(each.toFixed(9)),
      ),
      [newWidth, newHeight, left, top],
    );
  });
}

suite("the sizes of the tensor", () => {
  for (const [spec, from, tensor] of [
    // PP-OCR: the height is 48, ceil(48 * 100 / 30) = 160 wide, and a longer line is narrowed to what there is.
    ["resize=fit-height,crop=320x48,pad=127.5:end", [100, 30], [320, 48]],
    ["resize=fit-height,crop=2000x48,multiple=8,pad=127.5:end", [100, 30], [160, 48]],
    ["resize=fit-height,crop=320x48,multiple=8", [3000, 30], [320, 48]],
    ["resize=long-side:960,crop=960,multiple=32", [1000, 600], [960, 576]],
    ["resize=long-side:960,crop=960,multiple=32", [1000, 601], [960, 576]],
    ["resize=long-side:960,crop=960,multiple=32", [1000, 602], [960, 608]],
    ["resize=none,crop=960,multiple=32", [33, 64], [64, 64]],
    ["resize=none,crop=50,multiple=32", [33, 64], [50, 50]],
  ] as const) {
    test(`${spec} of ${from.join(" x ")} is ${tensor.join(" x ")}`, () => {
      const [width, height] = from;
      const placed = placementOf(parsePreprocessing(spec, plain), { width, height });
      assert.deepEqual([placed.tensor.width, placed.tensor.height], tensor);
    });
  }
});

test("a point comes back from the tensor to the image, in every form", () => {
  for (const spec of [
    "resize=letter-box,pad=114",
    "resize=letter-box,pad=114:end",
    "resize=stretch",
    "resize=short-side:256,crop=224",
    "resize=fit-height,crop=320x48",
    "resize=long-side:960,crop=960,multiple=32",
  ]) {
    const placed = placementOf(parsePreprocessing(spec, plain), { width: 731, height: 407 });
    const there = toTensor(placed, { x: 365.5, y: 203.5 });
    const back = toImage(placed, there);
    assert.ok(Math.abs(back.x - 365.5) < 1e-9 && Math.abs(back.y - 203.5) < 1e-9, spec);
    // What is in the middle stays in the middle, unless everything is padded at the end.
    if (spec.includes("end") || spec.includes("multiple") || spec.includes("height")) continue;
    assert.ok(Math.abs(there.x - placed.tensor.width / 2) <= 0.5, `${spec}: ${there.x}`);
  }
});

test("the tensor holds the pixels where the placement says, and the padding elsewhere", async () => {
  const white = raw(
    4,
    2,
    1,
    Array.from({ length: 8 }, () => 255),
  );
  for (const [spec, box] of [
    ["pad=114", { left: 0, top: 2, right: 8, bottom: 6 }],
    ["pad=114:end", { left: 0, top: 0, right: 8, bottom: 4 }],
  ] as const) {
    const grey = asDecoded({ width: 8, height: 8, colour: "grey" });
    const preprocessing = parsePreprocessing(`resize=letter-box,scale=1/255,mean=0.5,${spec}`, grey);
    const { data } = await createImageReader(preprocessing).read(white);
    for (const [at, value] of data.entries()) {
      const [x, y] = [at % 8, Math.floor(at / 8)];
      const inside = x >= box.left && x < box.right && y >= box.top && y < box.bottom;
      assert.ok(Math.abs(value - (inside ? 0.5 : 114 / 255 - 0.5)) < 1e-6, `${spec} at ${x}, ${y}: ${value}`);
    }
  }
});

suite("images whose tensors have several sizes", () => {
  const images = [
    [33, 20],
    [40, 20],
    [64, 33],
    [30, 20],
  ].map(([width = 0, height = 0]) =>
    raw(
      width,
      height,
      1,
      Array.from({ length: width * height }, () => 7),
    ),
  );
  const preprocessing = parsePreprocessing(
    "resize=none,multiple=32",
    asDecoded({ width: 96, height: 96, colour: "grey" }),
  );

  test("stand in batches of one size, in their order, and say how large they were", async () => {
    const found = [];
    for await (const batch of batches(sourceOf(images), preprocessing, { batchSize: 4 })) found.push(batch);
    assert.deepEqual(
      found.map(({ dims, indices, data }) => [dims, indices, data.length]),
      [
        [[2, 1, 32, 64], [0, 1], 4096],
        [[1, 1, 64, 64], [2], 4096],
        [[1, 1, 32, 32], [3], 1024],
      ],
    );
    assert.deepEqual(found[0]!.sizes, [
      { width: 33, height: 20 },
      { width: 40, height: 20 },
    ]);
    const sums = found.map(({ data }) => data.reduce((sum, each) => sum + each, 0));
    assert.deepEqual(
      sums,
      [33 * 20 + 40 * 20, 64 * 33, 30 * 20].map((pixels) => pixels * 7),
    );
  });

  test("are refused where they are to be learned from", async () => {
    await refused(
      () => openLoader(sourceOf(images), preprocessing, { batchSize: 1 }),
      "PREPROCESSING_INVALID",
      /one size.*Leave out the multiple/,
    );
  });
});

suite("in words and as JSON", () => {
  test("the forms are read as they are told", () => {
    for (const spec of [
      "resize=letter-box,pad=114",
      "resize=fit-height,crop=320x48,pad=127.5:end",
      "resize=long-side:960,crop=960,multiple=32",
    ]) {
      const preprocessing = parsePreprocessing(spec, plain);
      const text = preprocessingText(preprocessing);
      assert.ok(
        spec.split(",").every((pair) => text.includes(pair)),
        `${spec}: ${text}`,
      );
      assert.deepEqual(parsePreprocessing(text, plain), preprocessing);
      assert.deepEqual(readPreprocessing(JSON.parse(JSON.stringify(preprocessing))), preprocessing);
    }
  });

  for (const [spec, saying] of [
    ["pad=256", /"pad" must be a number in 0\.\.255/],
    ["pad=114:left", /"pad" must be/],
    ["pad=", /"pad" must be/],
    ["multiple=0", /"multiple" must be/],
    ["multiple=1.5", /"multiple" must be/],
    ["resize=letter-box:640", /"resize" must be/],
  ] as const) {
    test(`${JSON.stringify(spec)} is refused`, async () => {
      await refused(() => parsePreprocessing(spec, plain), "PREPROCESSING_INVALID", saying);
    });
  }

  test("a wrong one is named, and one that is absent is not missed", async () => {
    await refused(
      () => readPreprocessing({ ...plain, multiple: -1 }),
      "PREPROCESSING_INVALID",
      /"multiple" of the preprocessing must be/,
    );
    await refused(
      () => readPreprocessing({ ...plain, std: "1" }),
      "PREPROCESSING_INVALID",
      /"std" of the preprocessing must be/,
    );
  });
});

suite("linear interpolation", () => {
  const image = raw(
    9,
    7,
    1,
    Array.from({ length: 63 }, (_, at) => {
      const [x, y] = [at % 9, Math.floor(at / 9)];
      return (x * 37 + y * 91 + x * y * 13) % 256;
    }),
  );
  for (const [width, height, expected] of [
    [4, 3, [89, 192, 124, 141, 65, 236, 151, 66, 104, 193, 155, 160]],
    [
      11,
      5,
      [
        18, 47, 79, 112, 135, 125, 158, 190, 129, 50, 79, 145, 187, 151, 128, 157, 121, 168, 117, 109, 156,
        198, 17, 72, 134, 197, 212, 65, 127, 189, 135, 58, 113, 144, 138, 104, 111, 169, 163, 114, 98, 138,
        173, 130, 67, 111, 78, 77, 159, 209, 134, 156, 136, 116, 198,
      ],
    ],
  ] as const) {
    test(`to ${width} x ${height} is OpenCV 5.0's INTER_LINEAR, to a level`, async () => {
      const preprocessing = parsePreprocessing(
        "resize=stretch,interpolation=linear",
        asDecoded({ width, height, colour: "grey" }),
      );
      const { data } = await createImageReader(preprocessing).read(image);
      const furthest = Math.max(...expected.map((each, i) => Math.abs(each - data[i]!)));
      assert.ok(furthest <= 1, `${[...data]}`);
    });
  }
});
