/** Masks are read as the numbers that stand in them: sharp writes them here, and zlib what sharp does not write. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import { readMask } from "@cupel/vision";
import sharp from "sharp";

let root = "";
before(async () => {
  root = await mkdtemp(join(tmpdir(), "cupel-masks-"));
});
after(() => rm(root, { recursive: true }));

async function read(bytes: Uint8Array) {
  const path = join(root, "mask.png");
  await writeFile(path, bytes);
  return await readMask(path);
}

const [width, height] = [13, 11];
const values = Uint8Array.from({ length: width * height }, (_, i) => (i * i * 7) % 21);
const raw = (channels: 1 | 3, data: Uint8Array = values) => sharp(data, { raw: { width, height, channels } });

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Rows without a filter. */
function png(depth: number, colour: number, rows: readonly (readonly number[])[], columns: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(columns, 0);
  header.writeUInt32BE(rows.length, 4);
  header.set([depth, colour, 0, 0, 0], 8);
  const palette = Uint8Array.from({ length: 3 * 256 }, (_, i) => 255 - (i % 200));
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", header),
    ...(colour === 3 ? [chunk("PLTE", palette.subarray(0, 3 * Math.min(256, 2 ** depth)))] : []),
    chunk("IDAT", deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row])))),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

test("grey is its values, whatever the filter of the rows and interlaced or not", async () => {
  for (const progressive of [false, true]) {
    for (const adaptiveFiltering of [false, true]) {
      const mask = await read(
        await raw(1).toColourspace("b-w").png({ progressive, adaptiveFiltering }).toBuffer(),
      );
      assert.deepEqual([mask.width, mask.height], [width, height]);
      assert.deepEqual(Array.from(mask.classes), Array.from(values), `${progressive} ${adaptiveFiltering}`);
    }
  }
});

test("grey that is written as a colour is its values; colours are refused", async () => {
  const spread = Uint8Array.from({ length: 3 * values.length }, (_, i) => values[Math.floor(i / 3)]!);
  const mask = await read(await raw(3, spread).png({ adaptiveFiltering: true }).toBuffer());
  assert.deepEqual(Array.from(mask.classes), Array.from(values));
  const coloured = spread.with(40, 200);
  await assert.rejects(read(await raw(3, coloured).png().toBuffer()), {
    code: "IMAGE_SOURCE_DAMAGED",
    message: /mask\.png is no mask: its pixels are colours/,
  });
});

test("of a palette the indices count, of few bits the bits, of sixteen both bytes", async () => {
  assert.deepEqual(Array.from((await read(png(8, 3, [[0, 7, 255]], 3))).classes), [0, 7, 255]);
  assert.deepEqual(Array.from((await read(png(4, 3, [[0x1f, 0x20]], 3))).classes), [1, 15, 2]);
  assert.deepEqual(
    Array.from((await read(png(2, 0, [[0b00_01_10_11, 0b01_000000]], 5))).classes),
    [0, 1, 2, 3, 1],
  );
  assert.deepEqual(
    Array.from((await read(png(1, 0, [[0b10100000], [0b01000000]], 3))).classes),
    [1, 0, 1, 0, 1, 0],
  );
  assert.deepEqual(Array.from((await read(png(16, 0, [[1, 2, 0, 9]], 2))).classes), [258, 9]);
});

test("what is no PNG, is cut off or larger than it says is refused with its path", async () => {
  const whole = png(8, 0, [[1, 2, 3]], 3);
  const refused = (bytes: Uint8Array, problem: RegExp) =>
    assert.rejects(read(bytes), { code: "IMAGE_SOURCE_DAMAGED", message: problem });
  await refused(await raw(1).jpeg().toBuffer(), /it is no PNG/);
  await refused(whole.subarray(0, whole.length - 20), /cut off/);
  await refused(png(8, 0, [[1, 2]], 3), /cut off/);
  await refused(png(8, 0, [[1, 2, 3, 4]], 3), /is no mask/);
  await assert.rejects(readMask(join(root, "missing.png")), { code: "LABEL_FILE_MISSING" });
});

test("a header that says more pixels than fit into the memory of an image is refused before they are unpacked", async () => {
  const claiming = (side: number) => {
    const bytes = png(8, 0, [[0]], 1);
    bytes.writeUInt32BE(side, 16);
    bytes.writeUInt32BE(side, 20);
    return bytes;
  };
  await assert.rejects(read(claiming(16_000)), {
    code: "IMAGE_SOURCE_DAMAGED",
    message: /reading its 16000 x 16000 pixels takes 1\.02 GB, and at most 512 MB/,
  });
  await assert.rejects(read(claiming(10_000)), { code: "IMAGE_SOURCE_DAMAGED", message: /cut off/ });
});
