import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { suite, test } from "node:test";
import sharp from "sharp";
import { createImageReader, type EncodedImage, type ImageFile, openImages, thumbnail } from "../src/index.ts";
import { asDecoded, refused, scratch } from "./fixtures.ts";

const [width, height] = [3, 2];
const decoded = createImageReader(asDecoded({ width, height, layout: "NHWC" }));
const encoded = (bytes: Uint8Array): EncodedImage => ({ kind: "encoded", bytes });

async function levels(bytes: Uint8Array): Promise<number[]> {
  return [...(await decoded.read(encoded(bytes))).data];
}

const little16 = (value: number): number[] => [value & 255, (value >> 8) & 255];
const little32 = (value: number): number[] => [...little16(value), ...little16(value >>> 16)];

interface Bitmap {
  readonly bits: number;
  readonly rows: readonly (readonly number[])[];
  readonly compression?: number;
  /** Masks or palette, between header and rows. */
  readonly between?: readonly number[];
  readonly signedHeight?: number;
  readonly width?: number;
}

/** A Windows bitmap with the 40-byte header. `rows` as stored: the lowest first, each padded to four bytes. */
function bitmap({
  bits,
  rows,
  compression = 0,
  between = [],
  signedHeight = height,
  ...of
}: Bitmap): Uint8Array {
  const at = 54 + between.length;
  const pixels = rows.flat();
  const header = [
    ...little32(40),
    ...little32(of.width ?? width),
    ...little32(signedHeight),
    ...little16(1),
    ...little16(bits),
  ];
  const sizes = [compression, pixels.length, 0, 0, 0, 0].flatMap(little32);
  const file = [0x42, 0x4d, ...little32(at + pixels.length), ...little32(0), ...little32(at)];
  return Uint8Array.from([...file, ...header, ...sizes, ...between, ...pixels]);
}

suite("a bitmap (expected values are Pillow's)", () => {
  const [red, green, blue, grey] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [10, 20, 30],
  ] as const;
  const bgr = (...pixels: readonly (readonly number[])[]) => [
    ...pixels.flatMap((p) => p.toReversed()),
    0,
    0,
    0,
  ];

  test("of 24 bits is stored from below, or from above where its height is negative", async () => {
    const rows = [bgr(grey, grey, blue), bgr(red, green, blue)];
    assert.deepEqual(await levels(bitmap({ bits: 24, rows })), [red, green, blue, grey, grey, blue].flat());
    const turned = bitmap({ bits: 24, rows, signedHeight: -2 });
    assert.deepEqual(await levels(turned), [grey, grey, blue, red, green, blue].flat());
  });

  test("of 1, 4 and 8 bits has a palette, black where it is short", async () => {
    const entries = [
      [0, 0, 255, 0],
      [30, 20, 10, 0],
    ].flat();
    const expected = [red, grey, red, grey, grey, red].flat();
    const palette = (bits: number) => [...entries, ...new Array<number>((4 << bits) - 8).fill(0)];
    const of = (bits: number, rows: readonly number[][]) =>
      levels(bitmap({ bits, rows, between: palette(bits) }));
    assert.deepEqual(
      await of(1, [
        [0b11000000, 0, 0, 0],
        [0b01000000, 0, 0, 0],
      ]),
      expected,
    );
    assert.deepEqual(
      await of(4, [
        [0x11, 0x00, 0, 0],
        [0x01, 0x00, 0, 0],
      ]),
      expected,
    );
    assert.deepEqual(
      await of(8, [
        [1, 1, 0, 0],
        [0, 1, 0, 0],
      ]),
      expected,
    );
    const short = bitmap({
      bits: 8,
      rows: [
        [2, 200, 0, 0],
        [0, 1, 0, 0],
      ],
      between: entries,
    });
    assert.deepEqual(await levels(short), [red, grey, red, [0, 0, 0], [0, 0, 0], red].flat());
  });

  test("of 16 and 32 bits has masks, five bits stretched to 255", async () => {
    // 0x7fff and 0x0421 in 5-5-5: all at 31 and at 1; 1 * 255 / 31 = 8.2.
    const row = [0xff, 0x7f, 0x21, 0x04, 0x00, 0x7c, 0, 0];
    const white = [255, 255, 255, 8, 8, 8, 255, 0, 0];
    assert.deepEqual(await levels(bitmap({ bits: 16, rows: [row, row] })), [...white, ...white]);
    // 5-6-5: 0x0020 is green at 1 of 63: 4.05.
    const six = [0x20, 0x00, 0x00, 0xf8, 0x1f, 0x00, 0, 0];
    const masks = [0xf800, 0x7e0, 0x1f].flatMap(little32);
    const of565 = bitmap({ bits: 16, rows: [six, six], compression: 3, between: masks });
    assert.deepEqual((await levels(of565)).slice(0, 9), [0, 4, 0, 255, 0, 0, 0, 0, 255]);
    // The fourth byte is no alpha.
    const wide = [3, 2, 1, 0, 6, 5, 4, 255, 9, 8, 7, 128];
    assert.deepEqual(
      (await levels(bitmap({ bits: 32, rows: [wide, wide] }))).slice(0, 9),
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
  });

  test("gives the tensor of a PNG of the same pixels, resized and as a thumbnail", async () => {
    await using folder = await scratch();
    const rows = [bgr(grey, red, blue), bgr(red, green, blue)];
    const png = await sharp(Uint8Array.from([red, green, blue, grey, red, blue].flat()), {
      raw: { width, height, channels: 3 },
    })
      .png()
      .toBuffer();
    await folder.write({
      "0.bmp": bitmap({ bits: 24, rows }),
      "1.png": png,
      "2.png": bitmap({ bits: 24, rows }),
    });
    const source = await openImages(folder.path);
    const reader = createImageReader(asDecoded({ width: 2, height: 2, resize: { kind: "stretch" } }));
    const tensors = await Promise.all(
      [0, 1, 2].map(async (i) => [...(await reader.read(await source.image(i))).data]),
    );
    assert.deepEqual(tensors[0], tensors[1]);
    assert.deepEqual(tensors[2], tensors[1]);
    assert.equal(await thumbnail(source, 0), await thumbnail(source, 1));
  });

  test("that is cut, compressed or absurd is refused with the reason", async () => {
    const rows = [bgr(red, red, red), bgr(red, red, red)];
    const whole = bitmap({ bits: 24, rows });
    for (const [bytes, saying] of [
      [whole.subarray(0, 70), /ends 5 bytes too early/],
      [whole.subarray(0, 30), /header is cut/],
      [bitmap({ bits: 8, rows, compression: 1 }), /run-length encoding \(RLE8\)/],
      [bitmap({ bits: 4, rows, compression: 2 }), /RLE4/],
      [bitmap({ bits: 24, rows, compression: 5 }), /a PNG inside/],
      [bitmap({ bits: 2, rows }), /2 bits/],
      [bitmap({ bits: 24, rows, width: 0 }), /0 x 2/],
      [
        bitmap({ bits: 24, rows, width: 100_000, signedHeight: 50_000 }),
        /100000 x 50000.*5000 million.*128 million/,
      ],
    ] as const) {
      await refused(() => levels(bytes), "IMAGES_UNREADABLE", saying);
    }
  });
});

interface Tiff {
  readonly samples: number;
  readonly bits: number;
  readonly photometric: number;
  readonly data: Uint8Array;
  readonly format?: number;
  readonly subsampling?: readonly [number, number];
}

/** Uncompressed, one strip, little-endian: TIFF 6.0, section 2. */
function tiff({ samples, bits, photometric, data, format = 1, subsampling }: Tiff): Uint8Array {
  const entries: [tag: number, count: number, ...values: number[]][] = [
    [256, 1, width],
    [257, 1, height],
    [258, samples],
    [259, 1, 1],
    [262, 1, photometric],
    [273, 1],
    [277, 1, samples],
    [278, 1, height],
    [279, 1, data.length],
    [339, samples],
    ...(subsampling ? [[530, 2, ...subsampling] as [number, number, number, number]] : []),
  ];
  const end = 8 + 2 + entries.length * 12 + 4;
  const arrays: number[] = [];
  const array = (value: number, count: number): number[] => {
    if (count <= 2) return [...little16(value), ...(count === 2 ? little16(value) : [0, 0])];
    const at = end + arrays.length;
    for (let i = 0; i < count; i++) arrays.push(...little16(value));
    return little32(at);
  };
  const fields = entries.map(([tag, count, ...values]) => {
    if (tag === 258) return array(bits, count);
    if (tag === 339) return array(format, count);
    return tag === 273 ? null : [...little16(values[0] ?? 0), ...little16(values[1] ?? 0)];
  });
  const directory = entries.flatMap(([tag, count], i) => [
    ...little16(tag),
    ...little16(3),
    ...little32(count),
    ...(fields[i] ?? little32(end + arrays.length)),
  ]);
  const head = [0x49, 0x49, 42, 0, ...little32(8), ...little16(entries.length)];
  return Uint8Array.from([...head, ...directory, ...little32(0), ...arrays, ...data]);
}

const near = (found: readonly number[], expected: readonly number[], by: number): void => {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) <= by, `value ${i} is ${value}, not ${expected[i]}`);
  });
};

suite("colours as Pillow's convert(RGB) gives them", () => {
  /** Of one pixel six times. */
  const times6 = (pixel: readonly number[]) => new Array<readonly number[]>(6).fill(pixel).flat();

  test("CMYK is (255 - ink)(255 - black) / 255, in JPEG and TIFF", async () => {
    const inks = Uint8Array.from(times6([5, 238, 234, 40]));
    // (255 - 5) * 215 / 255 = 210.8, 17 * 215 / 255 = 14.3, 21 * 215 / 255 = 17.7.
    const expected = times6([211, 14, 18]);
    assert.deepEqual(await levels(tiff({ samples: 4, bits: 8, photometric: 5, data: inks })), expected);
    const jpeg = await sharp(tiff({ samples: 4, bits: 8, photometric: 5, data: inks }))
      .pipelineColourspace("cmyk")
      .toColourspace("cmyk")
      .jpeg({ quality: 100, chromaSubsampling: "4:4:4" })
      .toBuffer();
    assert.equal((await sharp(jpeg).metadata()).space, "cmyk");
    near(await levels(jpeg), expected, 2);
  });

  test("YCbCr in a TIFF is converted after JFIF", async () => {
    const data = Uint8Array.from(times6([88, 89, 243]));
    // Pillow 13: [249, 19, 18].
    near(
      await levels(tiff({ samples: 3, bits: 8, photometric: 6, data, subsampling: [1, 1] })),
      times6([249, 19, 18]),
      1,
    );
  });

  test("numbers whose range or colours are not known are refused with the reason", async () => {
    const data = new Uint8Array(6 * 4 * 4);
    for (const [what, saying] of [
      [{ samples: 1, bits: 32, photometric: 1, data, format: 3 }, /floating-point/],
      [{ samples: 1, bits: 16, photometric: 1, data, format: 3 }, /floating-point/],
      [{ samples: 1, bits: 32, photometric: 1, data, format: 1 }, /32 bits/],
      [{ samples: 1, bits: 16, photometric: 1, data, format: 2 }, /signed/],
      [{ samples: 3, bits: 8, photometric: 8, data }, /L\*a\*b\*/],
      [{ samples: 3, bits: 8, photometric: 6, data, subsampling: [2, 2] }, /fewer colours than pixels/],
      [{ samples: 4, bits: 16, photometric: 5, data }, /4 inks of 16 bits/],
      [{ samples: 1, bits: 16, photometric: 32803, data }, /photometric 32803/],
    ] satisfies readonly (readonly [Tiff, RegExp])[]) {
      await refused(() => levels(tiff(what)), "IMAGES_UNREADABLE", saying);
    }
  });

  test("grey, RGB and palette TIFF stay as they were", async () => {
    const data = Uint8Array.from([1, 2, 3, 4, 5, 6]);
    assert.deepEqual(
      await levels(tiff({ samples: 1, bits: 8, photometric: 1, data })),
      [...data].flatMap((v) => [v, v, v]),
    );
    const rgb = Uint8Array.from({ length: 18 }, (_, i) => i * 10);
    assert.deepEqual(await levels(tiff({ samples: 3, bits: 8, photometric: 2, data: rgb })), [...rgb]);
  });

  const cases = resolve(import.meta.dirname, "../../../../shared/cases/images");
  test("the three files at hand", { skip: !existsSync(cases) && "no ../shared/cases/images" }, async () => {
    const reader = createImageReader(asDecoded({ width: 24, height: 16, layout: "NHWC" }));
    const at = (name: string): ImageFile => ({ kind: "file", path: resolve(cases, name) });
    // First pixels of Pillow 13's convert("RGB").
    near(
      [...(await reader.read(at("cmyk.jpg"))).data.subarray(0, 9)],
      [250, 17, 21, 249, 22, 20, 250, 20, 19],
      2,
    );
    near([...(await reader.read(at("ycc.tif"))).data.subarray(0, 3)], [249, 19, 18], 1);
    await refused(() => reader.read(at("f32_01.tif")), "IMAGES_UNREADABLE", /floating-point/);
  });
});

test("an image over the limit of pixels says its size and the limit", async () => {
  const png = await sharp({
    create: { width: 20_000, height: 10_000, channels: 3, background: "red" },
    limitInputPixels: false,
  })
    .png({ compressionLevel: 1 })
    .toBuffer();
  await refused(() => levels(png), "IMAGES_UNREADABLE", /20000 x 10000 pixels, 200 million.*128 million/);
});

test("a file that is empty, no image or of another format says so", async () => {
  for (const [bytes, saying] of [
    [new Uint8Array(), /it is empty/],
    [Buffer.from("<html>"), /unsupported: none of JPEG, PNG/],
    [Buffer.from("00000018667479706865696300000000", "hex"), /HEIC, is not decoded: convert it/],
    [Buffer.from("ff0a", "hex"), /JPEG XL/],
    [Buffer.from("P6 3 2 255\n"), /Netpbm/],
    [Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"), /SVG/],
  ] as const) {
    await refused(() => levels(bytes), "IMAGES_UNREADABLE", saying);
  }
});
