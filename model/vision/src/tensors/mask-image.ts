/**
 * A mask: an image whose values are the numbers of classes, as PNG (https://www.w3.org/TR/png-3). What a decoder of
 * pictures does to it must not happen: a palette is not looked up, since its entries are colours and the indices are
 * the classes, 1 bit does not become 0 and 255, and no transparency is flattened. So it is read here.
 */

import { promisify } from "node:util";
import { inflate } from "node:zlib";
import { createTurns, readRegular, reasonOf } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import { assertMemory, MEMORY_PER_IMAGE } from "./image-memory.ts";

export interface Mask {
  readonly width: number;
  readonly height: number;
  /** The class of each pixel, row by row. */
  readonly classes: Uint16Array;
}

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
/** Samples of a pixel, by the colour type: grey, RGB, palette, grey and alpha, RGB and alpha. */
const samplesOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  readonly colour: number;
  readonly samples: number;
  readonly isInterlaced: boolean;
}

/** @throws LABEL_FILE_MISSING, IMAGE_SOURCE_DAMAGED for what is no PNG, is cut off, or holds colours */
export async function readMask(path: string): Promise<Mask> {
  let bytes: Buffer;
  try {
    bytes = await readRegular(path);
  } catch (thrown) {
    throw visionErrors.error("LABEL_FILE_MISSING", `${path} cannot be read: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { path },
    });
  }
  try {
    return await decodeMask(bytes);
  } catch (thrown) {
    throw visionErrors.error(
      "IMAGE_SOURCE_DAMAGED",
      `${path} is no mask: ${reasonOf(thrown)}. Expected a PNG whose values, or indices of its palette, are class numbers.`,
      { cause: thrown, details: { path } },
    );
  }
}

async function decodeMask(bytes: Buffer): Promise<Mask> {
  if (!bytes.subarray(0, 8).equals(signature)) throw new Error("it is no PNG");
  let header: Header | null = null;
  const data: Buffer[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (content.length < length) throw new Error("the file is cut off");
    if (type === "IHDR") header = headerOf(content);
    if (type === "IDAT") data.push(content);
    at += 12 + length;
  }
  if (header === null || data.length === 0) throw new Error("the file is cut off");
  const passes = passesOf(header);
  const expected = passes.reduce((sum, { rows, columns }) => sum + rows * (1 + rowBytes(header, columns)), 0);
  const { width, height } = header;
  // What comes out of zlib is there twice when it is put together.
  const needed = 2 * expected + Uint16Array.BYTES_PER_ELEMENT * width * height;
  assertMemory(needed, MEMORY_PER_IMAGE, `reading its ${width} x ${height} pixels`);
  const inflated: Buffer = await promisify(inflate)(Buffer.concat(data), { maxOutputLength: expected });
  if (inflated.length < expected) throw new Error("the file is cut off");
  const classes = new Uint16Array(width * height);
  const turn = createTurns();
  let offset = 0;
  for (const pass of passes) {
    const length = rowBytes(header, pass.columns);
    let before: Uint8Array = new Uint8Array(length);
    for (let row = 0; row < pass.rows; row++) {
      await turn();
      const filter = inflated[offset]!;
      const line = inflated.subarray(offset + 1, offset + 1 + length);
      unfilter(filter, line, before, Math.max(1, (header.samples * header.depth) >> 3));
      const to = (pass.top + row * pass.down) * width + pass.left;
      for (let column = 0; column < pass.columns; column++) {
        classes[to + column * pass.across] = valueAt(line, column, header);
      }
      before = line;
      offset += 1 + length;
    }
  }
  return { width, height, classes };
}

function headerOf(content: Buffer): Header {
  if (content.length < 13) throw new Error("the file is cut off");
  const [width, height] = [content.readUInt32BE(0), content.readUInt32BE(4)];
  const [depth = 0, colour = 0, , , interlace = 0] = content.subarray(8);
  const samples = samplesOf[colour];
  if (samples === undefined || ![1, 2, 4, 8, 16].includes(depth)) throw new Error("its header is damaged");
  if (width === 0 || height === 0) throw new Error(`it is ${width}x${height} pixels`);
  return { width, height, depth, colour, samples, isInterlaced: interlace === 1 };
}

/** Rows and columns of a part of the image that is written on its own. */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly across: number;
  readonly down: number;
  readonly columns: number;
  readonly rows: number;
}

/** Adam7: first column and row, and the steps between them. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function passesOf({ width, height, isInterlaced }: Header): Pass[] {
  const all = isInterlaced ? adam7 : ([[0, 0, 1, 1]] as const);
  return all
    .map(([left, top, across, down]) => {
      const columns = Math.max(0, Math.ceil((width - left) / across));
      const rows = Math.max(0, Math.ceil((height - top) / down));
      return { left, top, across, down, columns, rows };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

function rowBytes({ samples, depth }: Header, columns: number): number {
  return Math.ceil((columns * samples * depth) / 8);
}

/** In place. @param step bytes to the pixel on the left. */
function unfilter(filter: number, line: Uint8Array, before: Uint8Array, step: number): void {
  if (filter > 4) throw new Error(`a row has the filter ${filter}, which there is not`);
  if (filter === 0) return;
  for (let i = 0; i < line.length; i++) {
    const left = i >= step ? line[i - step]! : 0;
    const above = before[i]!;
    const corner = i >= step ? before[i - step]! : 0;
    line[i] = line[i]! + predictionOf(filter, left, above, corner);
  }
}

function predictionOf(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  return filter === 3 ? (left + above) >> 1 : paeth(left, above, corner);
}

function paeth(left: number, above: number, corner: number): number {
  const estimate = left + above - corner;
  const a = Math.abs(estimate - left);
  const b = Math.abs(estimate - above);
  const c = Math.abs(estimate - corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/** Of grey that is written as a colour, the grey. Transparency says nothing of classes. */
function valueAt(line: Uint8Array, column: number, { colour, samples, depth }: Header): number {
  const sample = (index: number): number => {
    const at = column * samples + index;
    if (depth === 16) return line[2 * at]! * 256 + line[2 * at + 1]!;
    const perByte = 8 / depth;
    const shift = 8 - depth * ((at % perByte) + 1);
    return (line[Math.floor(at / perByte)]! >> shift) & ((1 << depth) - 1);
  };
  const value = sample(0);
  if ((colour === 2 || colour === 6) && (sample(1) !== value || sample(2) !== value)) {
    throw new Error("its pixels are colours, which name no class by themselves");
  }
  return value;
}
