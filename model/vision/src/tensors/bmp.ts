/**
 * Windows bitmaps, which libvips' own decoders leave out: uncompressed, 1 to 32 bits a pixel, with a palette
 * or with masks. https://learn.microsoft.com/windows/win32/gdi/bitmap-storage
 *
 * A fourth byte is no alpha but padding, as Pillow reads it. Run-length encoding is refused by name. No I/O.
 */
import type { RawImage } from "../image.ts";

const FILE_HEADER = 14;
/** OS/2's first header: 16-bit sizes and palette entries of three bytes. */
const CORE_HEADER = 12;

/** Values of `biCompression`. */
const UNCOMPRESSED = 0;
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;
const REFUSED: Readonly<Record<number, string>> = {
  1: "run-length encoding (RLE8)",
  2: "run-length encoding (RLE4)",
  4: "a JPEG inside",
  5: "a PNG inside",
};

/** Red, green, blue where a 16- or 32-bit bitmap names no masks. */
const DEFAULT_MASKS: Readonly<Record<number, readonly number[]>> = {
  16: [0x7c00, 0x3e0, 0x1f],
  32: [0xff0000, 0xff00, 0xff],
};

export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly isTopDown: boolean;
  readonly bits: number;
  readonly pixelsAt: number;
  readonly palette: Uint8Array;
  readonly masks: readonly number[];
}

/** @throws Error with what is wrong or not read. */
export function readBmpHeader(bytes: Uint8Array): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length >= 18 ? view.getUint32(FILE_HEADER, true) : 0;
  const isCore = size === CORE_HEADER;
  if ((!isCore && size < 40) || bytes.length < FILE_HEADER + size)
    throw new Error("its BMP header is cut or unknown");
  const signedHeight = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const bits = view.getUint16(isCore ? 24 : 28, true);
  const compression = isCore ? UNCOMPRESSED : view.getUint32(30, true);
  const masked = compression === BITFIELDS || compression === ALPHA_BITFIELDS;
  if (compression !== UNCOMPRESSED && !masked) {
    throw new Error(
      `it is a BMP with ${REFUSED[compression] ?? `compression ${compression}`}, which is not read`,
    );
  }
  if (![1, 4, 8, 16, 24, 32].includes(bits) || (masked && bits !== 16 && bits !== 32)) {
    throw new Error(`it is a BMP of ${bits} bits a pixel${masked ? " with masks" : ""}, which is not read`);
  }
  const height = Math.abs(signedHeight);
  if (width <= 0 || height === 0) throw new Error(`its BMP header says ${width} x ${signedHeight} pixels`);

  // Masks follow the first 40 bytes, inside a longer header or behind a short one.
  if (masked && bytes.length < 66) throw new Error("its BMP header is cut");
  const masks = masked ? [54, 58, 62].map((at) => view.getUint32(at, true)) : (DEFAULT_MASKS[bits] ?? []);
  const pixelsAt = view.getUint32(10, true);
  return {
    width,
    height,
    isTopDown: signedHeight < 0,
    bits,
    pixelsAt,
    palette: bits <= 8 ? paletteOf(bytes, view, size, bits, pixelsAt) : new Uint8Array(),
    masks,
  };
}

/** Red, green, blue of every index; what the file does not list is black. */
function paletteOf(
  bytes: Uint8Array,
  view: DataView,
  size: number,
  bits: number,
  pixelsAt: number,
): Uint8Array {
  const entryBytes = size === CORE_HEADER ? 3 : 4;
  const from = FILE_HEADER + size;
  const said = size === CORE_HEADER ? 0 : view.getUint32(46, true);
  const end = Math.min(bytes.length, pixelsAt);
  const room = Math.max(0, Math.floor((end - from) / entryBytes));
  const count = Math.min(said === 0 ? 1 << bits : said, 1 << bits, room);
  const palette = new Uint8Array(3 << bits);
  for (let i = 0; i < count; i++) {
    const at = from + i * entryBytes;
    palette.set([bytes[at + 2]!, bytes[at + 1]!, bytes[at]!], i * 3);
  }
  return palette;
}

/** @throws Error with what is wrong or not read. */
export function decodeBmp(bytes: Uint8Array): RawImage {
  const header = readBmpHeader(bytes);
  const { width, height, bits, pixelsAt, isTopDown } = header;
  // Rows end on a boundary of four bytes.
  const stride = Math.ceil((width * bits) / 32) * 4;
  const missing = pixelsAt + (height - 1) * stride + Math.ceil((width * bits) / 8) - bytes.length;
  if (missing > 0) throw new Error(`it is a BMP that ends ${missing} bytes too early`);
  const data = new Uint8Array(width * height * 3);
  const writeRow = bits <= 8 ? indexedRow(header) : bits === 24 ? directRow : maskedRow(header);
  for (let y = 0; y < height; y++) {
    const from = pixelsAt + (isTopDown ? y : height - 1 - y) * stride;
    writeRow(bytes, from, data, y * width * 3, width);
  }
  return { kind: "raw", width, height, channels: 3, data };
}

type WriteRow = (bytes: Uint8Array, from: number, data: Uint8Array, to: number, width: number) => void;

/** Blue, green, red. */
const directRow: WriteRow = (bytes, from, data, to, width) => {
  for (let x = 0; x < width * 3; x += 3) {
    data[to + x] = bytes[from + x + 2]!;
    data[to + x + 1] = bytes[from + x + 1]!;
    data[to + x + 2] = bytes[from + x]!;
  }
};

/** Indices into the palette, the first pixel in the highest bits of a byte. */
function indexedRow({ bits, palette }: BmpHeader): WriteRow {
  const perByte = 8 / bits;
  const most = (1 << bits) - 1;
  return (bytes, from, data, to, width) => {
    for (let x = 0; x < width; x++) {
      const shift = 8 - bits * ((x % perByte) + 1);
      const index = (bytes[from + Math.floor(x / perByte)]! >> shift) & most;
      for (let channel = 0; channel < 3; channel++)
        data[to + x * 3 + channel] = palette[index * 3 + channel]!;
    }
  };
}

/** A little-endian number a pixel, of which each mask takes a channel, stretched to 0..255 and cut as Pillow does. */
function maskedRow({ bits, masks }: BmpHeader): WriteRow {
  const pixelBytes = bits / 8;
  const channels = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, most: mask >>> shift || 1 };
  });
  return (bytes, from, data, to, width) => {
    for (let x = 0; x < width; x++) {
      let pixel = 0;
      for (let i = pixelBytes - 1; i >= 0; i--) pixel = pixel * 256 + bytes[from + x * pixelBytes + i]!;
      channels.forEach(({ mask, shift, most }, channel) => {
        data[to + x * 3 + channel] = Math.floor((((pixel & mask) >>> shift) * 255) / most);
      });
    }
  };
}
