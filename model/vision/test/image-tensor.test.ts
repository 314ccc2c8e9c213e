/** What an image becomes, against published formulas and Pillow's recorded output. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import sharp from "sharp";
import { createImageReader, type Image, type Preprocessing } from "../src/index.ts";
import { resample } from "../src/tensors/resample.ts";
import { asDecoded, png, raw, refused } from "./fixtures.ts";

async function valuesOf(image: Image, preprocessing: Preprocessing): Promise<number[]> {
  return [...(await createImageReader(preprocessing).read(image)).data];
}

const encoded = (bytes: Uint8Array): Image => ({ kind: "encoded", bytes });

const twoPixels = raw(2, 1, 3, [10, 20, 30, 40, 50, 60]);

suite("channels and layout", () => {
  for (const [colour, layout, expected] of [
    ["rgb", "NCHW", [10, 40, 20, 50, 30, 60]],
    ["rgb", "NHWC", [10, 20, 30, 40, 50, 60]],
    ["bgr", "NCHW", [30, 60, 20, 50, 10, 40]],
    ["bgr", "NHWC", [30, 20, 10, 60, 50, 40]],
  ] as const) {
    test(`${colour} ${layout}, raw and encoded alike`, async () => {
      const preprocessing = asDecoded({ width: 2, height: 1, colour, layout });
      assert.deepEqual(await valuesOf(twoPixels, preprocessing), expected);
      assert.deepEqual(await valuesOf(encoded(await png(twoPixels)), preprocessing), expected);
    });
  }

  test("grey is the luma that Pillow computes", async () => {
    // Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0)), Pillow 13.0
    const grey = asDecoded({ colour: "grey", width: 5, height: 1 });
    const colours = raw(5, 1, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255, 12, 200, 99, 77, 77, 77]);
    assert.deepEqual(await valuesOf(colours, grey), [76, 150, 29, 132, 77]);
  });

  test("a grey image has its level in every channel, and back", async () => {
    const grey = raw(2, 1, 1, [0, 200]);
    const jpeg = await sharp(Buffer.alloc(64, 77), { raw: { width: 8, height: 8, channels: 1 } })
      .toColourspace("b-w")
      .jpeg()
      .toBuffer();
    assert.equal((await sharp(jpeg).metadata()).channels, 1);
    assert.deepEqual(await valuesOf(grey, asDecoded({ width: 2, height: 1 })), [0, 200, 0, 200, 0, 200]);
    assert.deepEqual(await valuesOf(encoded(jpeg), asDecoded()), [77, 77, 77]);
    assert.deepEqual(await valuesOf(encoded(jpeg), asDecoded({ colour: "grey" })), [77]);
  });
});

suite("normalisation", () => {
  test("is (x * scale - mean) / std for each channel", async () => {
    const mean = [0.485, 0.456, 0.406];
    const std = [0.229, 0.224, 0.225];
    const values = await valuesOf(raw(1, 1, 3, [0, 128, 255]), asDecoded({ scale: 1 / 255, mean, std }));
    // (0/255 - 0.485) / 0.229, (128/255 - 0.456) / 0.224, (255/255 - 0.406) / 0.225
    [-2.1179039, 0.2051821, 2.64].forEach((expected, c) => {
      assert.ok(Math.abs(values[c]! - expected) < 1e-6, `${values[c]} is not ${expected}`);
    });
  });

  test("x / 127.5 - 1 reaches -1 and 1", async () => {
    const tf = asDecoded({ colour: "grey", width: 2, scale: 1 / 127.5, mean: [1], std: [1] });
    assert.deepEqual(await valuesOf(raw(2, 1, 1, [0, 255]), tf), [-1, 1]);
  });
});

suite("the centre crop", () => {
  const column = (height: number) =>
    raw(
      1,
      height,
      1,
      Array.from({ length: height }, (_, i) => i),
    );

  // int(round((h - 2) / 2)) in Python, which rounds halves to even.
  for (const [height, first] of [
    [2, 0],
    [3, 0],
    [4, 1],
    [5, 2],
    [7, 2],
    [9, 4],
  ] as const) {
    test(`takes 2 of ${height} rows from row ${first}, as torchvision does`, async () => {
      const values = await valuesOf(column(height), asDecoded({ colour: "grey", height: 2 }));
      assert.deepEqual(values, [first, first + 1]);
    });
  }

  test("pads what is smaller with black, the odd row below", async () => {
    const normalised = { scale: 1, mean: [50], std: [2] };
    const padded = asDecoded({ colour: "grey", width: 3, height: 4, ...normalised });
    assert.deepEqual(await valuesOf(raw(1, 1, 1, [52]), padded), [
      ...[-25, -25, -25],
      ...[-25, 1, -25],
      ...[-25, -25, -25],
      ...[-25, -25, -25],
    ]);
  });

  test("pads one side and cuts the other", async () => {
    const wide = raw(4, 1, 1, [1, 2, 3, 4]);
    assert.deepEqual(await valuesOf(wide, asDecoded({ colour: "grey", width: 2, height: 2 })), [2, 3, 0, 0]);
  });
});

suite("resizing", () => {
  const image = raw(4, 3, 1, [0, 50, 100, 250, 10, 60, 110, 240, 20, 70, 255, 0]);

  // Image.fromarray(image).resize((width, height), filter), Pillow 13.0
  for (const [interpolation, width, height, expected] of [
    [
      "bilinear",
      6,
      5,
      [
        0, 25, 58, 92, 175, 250, 4, 29, 62, 96, 175, 246, 10, 35, 68, 102, 175, 240, 16, 41, 88, 175, 147, 96,
        20, 45, 101, 224, 128, 0,
      ],
    ],
    ["bilinear", 2, 2, [40, 158, 64, 134]],
    [
      "bicubic",
      6,
      5,
      [
        0, 20, 56, 85, 182, 255, 2, 24, 59, 83, 184, 255, 7, 31, 67, 97, 182, 249, 14, 33, 88, 196, 149, 87,
        18, 33, 100, 255, 127, 0,
      ],
    ],
    ["bicubic", 2, 2, [28, 169, 60, 140]],
    [
      "lanczos",
      6,
      5,
      [
        0, 20, 55, 84, 184, 247, 1, 25, 54, 67, 191, 255, 7, 30, 66, 92, 185, 251, 17, 23, 97, 203, 149, 82,
        22, 16, 114, 255, 126, 0,
      ],
    ],
    ["lanczos", 2, 2, [20, 173, 63, 142]],
    [
      "nearest",
      6,
      5,
      [
        0, 50, 50, 100, 100, 250, 0, 50, 50, 100, 100, 250, 10, 60, 60, 110, 110, 240, 20, 70, 70, 255, 255,
        0, 20, 70, 70, 255, 255, 0,
      ],
    ],
    ["nearest", 2, 2, [50, 250, 70, 0]],
  ] as const) {
    test(`${interpolation} to ${width} x ${height} is Pillow's`, () => {
      const to = { width, height };
      const resampling = { to, interpolation, window: { left: 0, top: 0, ...to } };
      assert.deepEqual([...resample(image, resampling).data], expected);
    });
  }

  test("an encoded image is enlarged the same way", async () => {
    const stretch = asDecoded({ colour: "grey", width: 6, height: 5, resize: { kind: "stretch" } });
    assert.deepEqual(await valuesOf(encoded(await png(image)), stretch), await valuesOf(image, stretch));
  });

  test("the short side fits and the long one is cut; the long side fits and the short one is padded", async () => {
    // Every column has its own number: nearest takes 1, 3, 5, 7 for four of eight, and 2, 6 for two.
    const wide = raw(
      8,
      4,
      1,
      Array.from({ length: 32 }, (_, i) => i % 8),
    );
    const to = (kind: "short-side" | "long-side") =>
      asDecoded({ colour: "grey", width: 2, height: 2, resize: { kind, size: 2 }, interpolation: "nearest" });
    assert.deepEqual(await valuesOf(wide, to("short-side")), [3, 5, 3, 5]);
    assert.deepEqual(await valuesOf(wide, to("long-side")), [2, 6, 0, 0]);
  });

  test("a photograph shrinks to within a level of the mean of the pixels it covers", async () => {
    const smooth = raw(
      64,
      64,
      1,
      Array.from({ length: 4096 }, (_, i) => (i % 64) * 2 + Math.floor(i / 64)),
    );
    const half = asDecoded({ colour: "grey", width: 32, height: 32, resize: { kind: "stretch" } });
    const values = await valuesOf(encoded(await png(smooth)), half);
    // A plane 2x + y: the middle of the four pixels under (x, y) is 4x + 1 + 2y + 0.5.
    for (let y = 2; y < 30; y++) {
      for (let x = 2; x < 30; x++) {
        assert.ok(Math.abs(values[y * 32 + x]! - (4 * x + 2 * y + 1.5)) <= 1, `at ${x}, ${y}`);
      }
    }
  });
});

suite("files as they come", () => {
  const pixel = (background: string) => sharp({ create: { width: 8, height: 8, channels: 3, background } });

  test("EXIF orientation is applied before anything else", async () => {
    const upright = raw(2, 1, 3, [255, 0, 0, 0, 0, 255]);
    const bytes = await sharp(await png(upright))
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    // Orientation 6: the first row is the right-hand side, so the first pixel ends up on top.
    const turned = asDecoded({ width: 1, height: 2, layout: "NHWC" });
    assert.deepEqual(await valuesOf(encoded(bytes), turned), [255, 0, 0, 0, 0, 255]);
    const resized: Preprocessing = { ...turned, resize: { kind: "long-side", size: 2 } };
    assert.deepEqual(await valuesOf(encoded(bytes), resized), [255, 0, 0, 0, 0, 255]);
  });

  test("alpha is flattened on white", async () => {
    const rgba = Uint8Array.from([10, 10, 10, 0, 10, 10, 10, 128, 10, 10, 10, 255]);
    const bytes = await sharp(rgba, { raw: { width: 3, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    // 10 * 128/255 + 255 * 127/255 = 132.02
    assert.deepEqual(await valuesOf(encoded(bytes), asDecoded({ colour: "grey", width: 3 })), [255, 132, 10]);
  });

  test("16 bits keep their upper eight", async () => {
    const deep = Uint16Array.from([0, 0x80ff, 0xffff]);
    const bytes = await sharp(deep, { raw: { width: 1, height: 1, channels: 3 } })
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    assert.equal((await sharp(bytes).metadata()).depth, "ushort");
    assert.deepEqual(await valuesOf(encoded(bytes), asDecoded()), [0, 128, 255]);
  });

  test("CMYK becomes RGB of about the same colour", async () => {
    const bytes = await pixel("#e02020").toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer();
    assert.equal((await sharp(bytes).metadata()).space, "cmyk");
    const [red = 0, green = 0, blue = 0] = await valuesOf(encoded(bytes), asDecoded());
    assert.ok(red > 180 && green < 80 && blue < 80, `${red} ${green} ${blue}`);
  });

  for (const format of ["webp", "tiff", "gif", "avif"] as const) {
    test(`${format} is decoded`, async () => {
      const bytes = await pixel("#ff0000").toFormat(format).toBuffer();
      const [red = 0, green = 0, blue = 0] = await valuesOf(encoded(bytes), asDecoded());
      assert.ok(red > 250 && green < 5 && blue < 5, `${red} ${green} ${blue}`);
    });
  }

  test("what is no image, is cut short or is SVG is refused by name", async () => {
    const noise = raw(
      64,
      64,
      3,
      Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251),
    );
    const whole = await sharp(await png(noise))
      .jpeg()
      .toBuffer();
    const svg = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4"/></svg>',
    );
    for (const bytes of [Buffer.from("hello"), Buffer.alloc(0), whole.subarray(0, whole.length / 2), svg]) {
      const read = () => createImageReader(asDecoded()).read(encoded(bytes), "upload.jpg");
      await refused(read, "IMAGES_UNREADABLE", /^upload.jpg cannot be read as an image: ./);
    }
  });
});
