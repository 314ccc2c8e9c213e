/**
 * A ZIP archive of weights, written piece by piece (APPNOTE 6.3.10): stored, or deflated by the fastest level, as what is
 * unpacked takes the same time at any. The weights are normal float32 numbers of float16's precision, so that deflating
 * them pays: random bytes would be stored by any packer.
 */
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { promisify } from "node:util";
import { crc32, deflateRaw } from "node:zlib";
import { createRandom } from "@cupel/base";

export interface WeightsArchive {
  readonly path: string;
  readonly entries: number;
  /** Bytes of each, a multiple of 4. */
  readonly entryBytes: number;
  readonly method: "stored" | "deflated";
}

const pack = promisify(deflateRaw);
/** Packed at a time: zlib has four threads. */
const together = 4;

/** @returns bytes of the archive */
export async function writeWeightsArchive(archive: WeightsArchive, signal: AbortSignal): Promise<number> {
  const { path, entries, entryBytes, method } = archive;
  const weights = drawWeights(entryBytes / 4);
  const file = createWriteStream(path);
  const directory: Buffer[] = [];
  let position = 0;
  const put = async (...parts: readonly Buffer[]) => {
    for (const part of parts) {
      position += part.length;
      if (!file.write(part)) await new Promise((done) => file.once("drain", done));
    }
  };
  for (let first = 0; first < entries; first += together) {
    signal.throwIfAborted();
    const numbers = Array.from({ length: Math.min(together, entries - first) }, (_, i) => first + i);
    const packed = await Promise.all(numbers.map((number) => entryOf(weights, number, method)));
    for (const { name, facts, data } of packed) {
      const placed = Buffer.concat([u32(0x02014b50), u16(0x0314), facts, u16(0), u16(0), u16(0)]);
      directory.push(Buffer.concat([placed, u32(0o100644 * 2 ** 16), u32(position), name]));
      await put(u32(0x04034b50), facts, name, data);
    }
  }
  const start = position;
  await put(...directory);
  const count = u16(entries);
  await put(u32(0x06054b50), u32(0), count, count, u32(position - start), u32(start), u16(0));
  file.end();
  await finished(file);
  return position;
}

/** Each has the same weights from another place on, so that no two are alike. */
async function entryOf(weights: Buffer, number: number, method: WeightsArchive["method"]) {
  const turn = 4 * ((number * 9973) % (weights.length / 4));
  const content = Buffer.concat([weights.subarray(turn), weights.subarray(0, turn)]);
  const data = method === "stored" ? content : await pack(content, { level: 1 });
  const name = Buffer.from(`layer-${String(number).padStart(3, "0")}.weights`);
  // Version to read it, no flags, method, a time of none, 1980-01-01.
  const head = [u16(20), u16(0), u16(method === "stored" ? 0 : 8), u16(0), u16(0x21)];
  const sizes = [u32(crc32(content)), u32(data.length), u32(content.length), u16(name.length), u16(0)];
  return { name, data, facts: Buffer.concat([...head, ...sizes]) };
}

function drawWeights(count: number): Buffer {
  const random = createRandom(17);
  const values = Float32Array.from({ length: count }, () => 0.02 * random.normal());
  // Float16 has 10 bits of fraction where float32 has 23.
  const bits = new Uint32Array(values.buffer).map((each) => each & ~0x1fff);
  return Buffer.from(bits.buffer);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
