/** What one image may cost: memory told by its header, work that grows with what is wanted of it, and an end when nobody waits. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Worker } from "node:worker_threads";
import { createRandom } from "@cupel/base";
import sharp from "sharp";
import { createImageReader, type Interpolation, openLoader } from "../src/index.ts";
import { createBatchFiller } from "../src/loader/fill-batch.ts";
import { decodeImage } from "../src/tensors/decode.ts";
import { pixelWork } from "../src/tensors/pixel-thread.ts";
import type { PixelTask } from "../src/tensors/pixel-work.ts";
import { costOf, resample } from "../src/tensors/resample.ts";
import { asDecoded, level, png, raw, refused, sourceOf } from "./fixtures.ts";

const interpolations: readonly Interpolation[] = ["nearest", "linear", "bilinear", "bicubic", "lanczos"];
const noise = (width: number, height: number, channels: 1 | 3, seed: number) => {
  const random = createRandom(seed);
  return raw(
    width,
    height,
    channels,
    Array.from({ length: width * height * channels }, () => random.integer(256)),
  );
};
const encoded = (bytes: Uint8Array) => ({ kind: "encoded" as const, bytes });

// First: it counts threads, and those of other tests wait for a while.
suite("long work on pixels", () => {
  const to = { width: 40, height: 30 };
  const window = { left: 3, top: 2, width: 20, height: 20 };
  const resampling = { to, interpolation: "bicubic" as const, window };
  const small: PixelTask = { kind: "resample", image: noise(9, 7, 3, 1), resampling };
  const bitmap = (bytes: Uint8Array): PixelTask => ({ kind: "bmp", bytes, pixels: 1 });

  test("is done in another thread with the same result, which ends when no more comes", async () => {
    const threads: Promise<unknown>[] = [];
    const count = (worker: Worker) => threads.push(new Promise((ended) => worker.once("exit", ended)));
    process.on("worker", count);
    const here = await pixelWork(small, undefined);
    assert.equal(threads.length, 0);
    assert.deepEqual(await pixelWork(small, undefined, 0), here);
    assert.deepEqual(await pixelWork(small, undefined, 0), here);
    await assert.rejects(pixelWork(bitmap(Buffer.from("BM")), undefined, 0), /BMP header is cut/);
    assert.equal(threads.length, 1, "one after the other in one thread");
    const inks = { kind: "raw" as const, width: 1, height: 1, data: Uint8Array.of(0, 255, 0, 0) };
    const magenta = await pixelWork({ kind: "cmyk", image: inks }, undefined, 0);
    assert.deepEqual([...magenta.data], [255, 0, 255]);
    process.off("worker", count);
    await Promise.all(threads);
  });

  test("hears a cancellation at once, before and during", async () => {
    await assert.rejects(pixelWork(small, AbortSignal.abort()), { code: "CANCELLED" });
    const far = 2 ** 26;
    const long: PixelTask = {
      kind: "resample",
      image: level(1),
      resampling: {
        to: { width: 1, height: far },
        interpolation: "nearest",
        window: { left: 0, top: far - 1, width: 1, height: 1 },
      },
    };
    const abort = new AbortController();
    let isDone = false;
    const work = pixelWork(long, abort.signal);
    const turns = (async () => {
      await new Promise((later) => setTimeout(later, 5));
      assert.equal(isDone, false, "this thread turns while the other works");
      abort.abort();
    })();
    await assert.rejects(
      work.finally(() => {
        isDone = true;
      }),
      { code: "CANCELLED" },
    );
    await turns;
  });
});

suite("a window of a resized image", () => {
  for (const interpolation of interpolations) {
    test(`has the pixels that the whole has there: ${interpolation}`, () => {
      const random = createRandom(7);
      for (let i = 0; i < 40; i++) {
        const channels = random.integer(2) === 0 ? 1 : 3;
        const image = noise(1 + random.integer(12), 1 + random.integer(40), channels, i);
        const side = (same: number) => (random.integer(4) === 0 ? same : 1 + random.integer(30));
        const to = { width: side(image.width), height: side(image.height) };
        const [left, top] = [random.integer(to.width), random.integer(to.height)];
        const width = 1 + random.integer(to.width - left);
        const height = 1 + random.integer(to.height - top);
        const whole = resample(image, { to, interpolation, window: { left: 0, top: 0, ...to } });
        const expected = Array.from({ length: height }, (_, row) => {
          const from = ((top + row) * to.width + left) * channels;
          return [...whole.data.subarray(from, from + width * channels)];
        }).flat();
        const part = resample(image, { to, interpolation, window: { left, top, width, height } });
        assert.deepEqual(
          { ...part, data: [...part.data] },
          { ...raw(width, height, channels, []), data: expected },
        );
      }
    });
  }

  test("costs what the window costs, whatever it is cut from", () => {
    const window = (to: { readonly width: number; readonly height: number }) => ({
      left: 16,
      top: Math.floor(to.height / 2) - 112,
      width: 224,
      height: 224,
    });
    const image = { ...level(0), height: 65_535 };
    for (const interpolation of interpolations.filter((each) => each !== "nearest")) {
      const to = { width: 256, height: 65_535 * 256 };
      const near = { width: 256, height: 256 };
      const thin = costOf(image, { to, interpolation, window: window(to) });
      const square = costOf(level(0), { to: near, interpolation, window: window(near) });
      assert.ok(
        thin.bytes < 2 * square.bytes + 10_000 && thin.work < 2 * square.work + 10_000,
        interpolation,
      );
    }
  });
});

suite("one column of 65,535 pixels, its short side to 256, its middle wanted", async () => {
  const values = Array.from({ length: 65_535 }, (_, y) => (y * 37) % 251);
  const column = raw(1, 65_535, 1, values);
  const thin = await png(column);
  const middle = asDecoded({ width: 224, height: 224, resize: { kind: "short-side", size: 256 } });
  for (const interpolation of interpolations) {
    test(`is 224 x 224 pixels of what stands there: ${interpolation}`, async () => {
      const { data, dims } = await createImageReader({ ...middle, interpolation }).read(encoded(thin));
      assert.deepEqual(dims, [1, 3, 224, 224]);
      // What lies there is made of the rows around the 32,768th only: these enlarged as often are the same.
      const around = raw(1, 9, 1, values.slice(32_763, 32_772));
      const expected = resample(around, {
        to: { width: 256, height: 9 * 256 },
        interpolation,
        window: { left: 16, top: 1040, width: 224, height: 224 },
      });
      assert.deepEqual([...data.subarray(0, 224 * 224)], [...expected.data]);
    });
  }

  test("is refused where all of it is wanted, or a side beyond reason", async () => {
    const whole = () => decodeImage(encoded(thin), middle, "thin.png", { extent: "whole" });
    await refused(
      whole,
      "IMAGES_UNREADABLE",
      /^thin.png.*resizing it to 256 x 16776960 pixels takes .* GB.*512 MB/,
    );
    const wide = { ...middle, resize: { kind: "short-side" as const, size: 16_384 } };
    await refused(
      () => createImageReader(wide).read(encoded(thin)),
      "IMAGES_UNREADABLE",
      /would have 16384 x 1073725440 pixels/,
    );
  });

  test("is left out of a training with augmentation, which takes all of it", async () => {
    const options = { batchSize: 1, workers: 0, augmentation: [{ kind: "flip" as const, probability: 0.5 }] };
    await using loader = openLoader(
      sourceOf([encoded(thin), level(9)]),
      { ...middle, resize: { kind: "short-side", size: 256 } },
      options,
    );
    for await (const { indices } of loader.epoch(0)) assert.deepEqual(indices, [1]);
    assert.match(loader.unreadable[0]!.reason, /512 MB/);
  });
});

suite("an image that would take more than 512 MB is refused by its header", () => {
  /** RIFF with a lossless image that has a header and no pixels. */
  const lossless = (width: number, height: number): Uint8Array => {
    const bytes = Buffer.alloc(38);
    bytes.write("RIFF");
    bytes.writeUInt32LE(30, 4);
    bytes.write("WEBPVP8L", 8);
    bytes.writeUInt32LE(18, 16);
    bytes[20] = 0x2f;
    bytes.writeUInt32LE((width - 1) | ((height - 1) << 14), 21);
    return bytes;
  };
  const square = asDecoded({ width: 2, height: 2, resize: { kind: "stretch" } });

  test("a WebP of 49 million pixels passes to the decoder, one of 64 million does not", async () => {
    const read = (side: number) => () => createImageReader(square).read(encoded(lossless(side, side)));
    await refused(
      read(8000),
      "IMAGES_UNREADABLE",
      /decoding its 8000 x 8000 pixels \(webp\) takes 640 MB.*512 MB/,
    );
    await refused(read(7000), "IMAGES_UNREADABLE", /^(?!.*512 MB)/);
  });

  test("one with a side of more than a million pixels is refused, whatever the other", async () => {
    const header = Buffer.alloc(54);
    header.write("BM");
    header.writeUInt32LE(54, 10);
    header.writeUInt32LE(40, 14);
    header.writeInt32LE(1, 18);
    header.writeInt32LE(1_000_001, 22);
    header.writeUInt16LE(24, 28);
    await refused(
      () => createImageReader(square).read(encoded(header)),
      "IMAGES_UNREADABLE",
      /it has 1 x 1000001 pixels, and at most 1000000 on a side/,
    );
  });

  const flat = () => sharp({ create: { width: 64, height: 64, channels: 4, background: "red" } });
  for (const [what, make, most] of [
    ["an interlaced PNG of 16 bits", () => flat().toColourspace("rgb16").png({ progressive: true }), 10],
    ["a progressive JPEG", () => flat().jpeg({ progressive: true }), 6],
    ["a WebP", () => flat().webp(), 10],
    ["an AVIF", () => flat().avif({ effort: 0 }), 20],
    ["a GIF", () => flat().gif(), 6],
  ] as const) {
    test(`${what} of 64 x 64 pixels takes ${most} bytes a pixel and those that come out`, async () => {
      const bytes = await make().toBuffer();
      const needed = 64 * 64 * most + 3 * 2 * 2;
      const read = (memoryPerImage: number) =>
        createImageReader(square, { memoryPerImage }).read(encoded(bytes));
      assert.deepEqual((await read(needed)).dims, [1, 3, 2, 2]);
      await refused(
        () => read(needed - 1),
        "IMAGES_UNREADABLE",
        /decoding .* takes .* are used for an image/,
      );
    });
  }
});

test("an image that lies on its side is turned as a whole", async () => {
  const make = sharp({ create: { width: 64, height: 64, channels: 3, background: "red" } }).jpeg();
  const bytes = await make.withMetadata({ orientation: 6 }).toBuffer();
  const needed = 64 * 64 * (3 + 3);
  const read = (memoryPerImage: number) =>
    createImageReader(asDecoded({ width: 64, height: 64 }), { memoryPerImage }).read(encoded(bytes));
  assert.equal((await read(needed)).data.length, 3 * 64 * 64);
  await refused(() => read(needed - 1), "IMAGES_UNREADABLE", /24.6 kB/);
});

test("a batch in the making stops at its next image when nobody wants it any more", async () => {
  const preprocessing = asDecoded({ colour: "grey", mean: [0], std: [1] });
  const fill = createBatchFiller({ preprocessing, augmentation: [] });
  const slots = Array.from({ length: 4 }, (_, place) => ({
    place,
    image: level(place + 1),
    id: "",
    seed: 0,
  }));
  const data = new Float32Array(4);
  await assert.rejects(fill(slots, data, AbortSignal.abort()), { code: "CANCELLED" });
  assert.deepEqual([...data], [0, 0, 0, 0]);
  await fill(slots, data, undefined);
  assert.deepEqual([...data], [1, 2, 3, 4]);
});
