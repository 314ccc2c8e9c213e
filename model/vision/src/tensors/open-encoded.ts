/**
 * An encoded image as a sharp pipeline of upright 8-bit RGB or grey. What libvips would read otherwise than
 * Pillow, or not at all, is read here or refused with its own reason.
 */

import { stat } from "node:fs/promises";
import { openRegular } from "@cupel/base";
import sharp, { type Metadata, type Sharp } from "sharp";
import type { EncodedImage, ImageFile, RawImage } from "../image.ts";
import { DECODED_KINDS, KIND_BYTES, kindByContent, kindOf, notDecoded } from "../sources/image-kinds.ts";
import { readBmpHeader } from "./bmp.ts";
import { assertMemory, assertPixels, heldBytes, MEMORY_PER_IMAGE, mostPixels } from "./image-memory.ts";
import { pixelWork } from "./pixel-thread.ts";
import { PHOTOMETRIC, type ReadAt, readTiffHeader, TIFF_JPEG, type TiffHeader } from "./tiff-header.ts";

/** Logos and drawings are made for a white page; black would swallow their outlines. */
const BEHIND_ALPHA = "white";

export interface OpenedImage {
  readonly pipeline: Sharp;
  /** Upright. */
  readonly width: number;
  readonly height: number;
  /** Bytes that are held while its pixels come out, these not counted. */
  readonly held: number;
}

export interface OpenOptions {
  /** Bytes that the image may take while it is read. Default 512 MB. */
  readonly memory?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The same, settled. */
export interface Bounds {
  readonly memory: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws Error with the reason, for a sentence that names the image. */
export async function openEncoded(
  image: ImageFile | EncodedImage,
  { memory = MEMORY_PER_IMAGE, signal }: OpenOptions = {},
): Promise<OpenedImage> {
  const bounds: Bounds = { memory, signal };
  // A pipe would hold whoever opens it.
  if (image.kind === "file" && !(await stat(image.path)).isFile())
    throw new Error("it is not a regular file");
  let found: Metadata;
  try {
    found = await sharp(source(image), { limitInputPixels: false }).metadata();
  } catch (thrown) {
    return await openWithoutLibvips(image, thrown, bounds);
  }
  const { width, height } = found;
  assertPixels(width, height, memory);
  assertMemory(heldBytes(found), memory, `decoding its ${width} x ${height} pixels (${found.format})`);
  switch (found.format) {
    case "heif":
      if (found.compression !== "av1") throw await reasonNotDecoded(image, found.compression ?? "HEIF");
      break;
    case "tiff":
      return await openTiff(image, found, bounds);
  }
  return found.space === "cmyk" ? await cmyk(image, found, bounds) : upright(image, found, memory);
}

async function openTiff(
  image: ImageFile | EncodedImage,
  found: Metadata,
  bounds: Bounds,
): Promise<OpenedImage> {
  await using bytes = await bytesOf(image);
  const kind = kindIn(image, await bytes.read(0, KIND_BYTES));
  if (kind !== null && !kind.isDecoded) throw new Error(notDecoded(kind));
  const reading = tiffReading(await readTiffHeader(bytes.read));
  if (reading === "rgb") return upright(image, found, bounds.memory);
  return reading === "cmyk" ? await cmyk(image, found, bounds) : await ycbcr(image, found, bounds);
}

/** @param thrown what libvips said, where the image is of a kind that it decodes. */
async function openWithoutLibvips(
  image: ImageFile | EncodedImage,
  thrown: unknown,
  { memory, signal }: Bounds,
): Promise<OpenedImage> {
  await using bytes = await bytesOf(image);
  const head = await bytes.read(0, KIND_BYTES);
  const kind = kindIn(image, head);
  if (kind === null) {
    throw new Error(
      head.length === 0 ? "it is empty" : `its format is unsupported: none of ${DECODED_KINDS}`,
    );
  }
  if (!kind.isDecoded) throw new Error(notDecoded(kind));
  // libvips refuses the headers of some that have a better reason here.
  if (kind.name === "TIFF") tiffReading(await readTiffHeader(bytes.read));
  if (kind.name !== "BMP") throw thrown;
  const { width, height } = readBmpHeader(await bytes.read(0, BMP_HEADERS));
  const pixels = width * height;
  assertPixels(width, height, memory);
  // The file, once more as it moves to a thread, and its pixels.
  assertMemory(
    2 * (await bytes.size()) + 3 * pixels,
    memory,
    `decoding its ${width} x ${height} pixels (bmp)`,
  );
  return openedPixels(await pixelWork({ kind: "bmp", bytes: await bytes.all(), pixels }, signal));
}

/** The longest headers and palette of a bitmap, and some. */
const BMP_HEADERS = 2048;

async function reasonNotDecoded(image: ImageFile | EncodedImage, codec: string): Promise<Error> {
  await using bytes = await bytesOf(image);
  const kind = kindIn(image, await bytes.read(0, KIND_BYTES));
  return new Error(
    kind === null || kind.isDecoded ? `its codec, ${codec}, is not decoded` : notDecoded(kind),
  );
}

const kindIn = (image: ImageFile | EncodedImage, head: Uint8Array) =>
  image.kind === "file" ? kindOf(image.path, head) : kindByContent(head);

interface Bytes extends AsyncDisposable {
  readonly read: ReadAt;
  all(): Promise<Uint8Array>;
  size(): Promise<number>;
}

async function bytesOf(image: ImageFile | EncodedImage): Promise<Bytes> {
  if (image.kind === "encoded") {
    const { bytes } = image;
    return {
      read: async (offset, length) => bytes.subarray(offset, offset + length),
      all: async () => bytes,
      size: async () => bytes.length,
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const file = await openRegular(image.path);
  return {
    read: async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
    all: () => file.readFile(),
    size: async () => (await file.stat()).size,
    [Symbol.asyncDispose]: () => file.close(),
  };
}

const source = (image: ImageFile | EncodedImage): string | Uint8Array =>
  image.kind === "file" ? image.path : image.bytes;

/** Raw pixels as the beginning of a pipeline. */
export function sharpOf({ width, height, channels, data }: RawImage): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

function oriented(image: ImageFile | EncodedImage, memory: number): Sharp {
  return sharp(source(image), {
    autoOrient: true,
    ignoreIcc: true,
    failOn: "error",
    limitInputPixels: mostPixels(memory),
  });
}

function upright(image: ImageFile | EncodedImage, found: Metadata, memory: number): OpenedImage {
  const pipeline = oriented(image, memory).flatten({ background: BEHIND_ALPHA }).toColourspace("srgb");
  const { width, height } = found.autoOrient;
  return { pipeline, width, height, held: heldBytes(found) };
}

/** Pixels that are here already. */
function openedPixels(pixels: RawImage): OpenedImage {
  const { width, height, data } = pixels;
  return { pipeline: sharpOf(pixels), width, height, held: data.length };
}

async function cmyk(
  image: ImageFile | EncodedImage,
  found: Metadata,
  { memory, signal }: Bounds,
): Promise<OpenedImage> {
  assertConverted(found, memory);
  const inks = oriented(image, memory).pipelineColourspace("cmyk").toColourspace("cmyk");
  const { data, info } = await inks.raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== 4) throw new Error(`it has ${info.channels} inks: only CMYK is read`);
  const { width, height } = info;
  return openedPixels(await pixelWork({ kind: "cmyk", image: { kind: "raw", width, height, data } }, signal));
}

/** libvips hands out the three numbers as they are and calls them RGB. */
async function ycbcr(
  image: ImageFile | EncodedImage,
  found: Metadata,
  { memory, signal }: Bounds,
): Promise<OpenedImage> {
  assertConverted(found, memory);
  const { data, info } = await oriented(image, memory)
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) {
    throw new Error(`it is a YCbCr TIFF of ${info.channels} channels, which is not read`);
  }
  const { width, height } = info;
  return openedPixels(
    await pixelWork({ kind: "ycbcr", image: { kind: "raw", width, height, data } }, signal),
  );
}

/** What is converted here is held as it came, as it moves to a thread, and converted. */
function assertConverted(found: Metadata, memory: number): void {
  const { width, height, channels } = found;
  const held = heldBytes(found) + width * height * (2 * channels + 3);
  assertMemory(held, memory, `converting its ${width} x ${height} pixels to RGB`);
}

/** How the samples become RGB. @throws Error for those that Pillow does not take for 8-bit colours either. */
function tiffReading(header: TiffHeader): "rgb" | "cmyk" | "ycbcr" {
  const { photometric, compression, bitsPerSample, sampleFormat, samplesPerPixel, subsampling } = header;
  const refuse = (what: string) =>
    new Error(`it is a TIFF ${what}, which is not read: convert it to 8-bit RGB`);
  if (sampleFormat.includes(3)) throw refuse("of floating-point numbers, whose range it does not say");
  if (sampleFormat.some((format) => format !== 1 && format !== 4))
    throw refuse("of signed or complex numbers");
  const bits = Math.max(...bitsPerSample);
  if (bits > 16) throw refuse(`of ${bits} bits a sample`);
  switch (photometric) {
    case PHOTOMETRIC.separated:
      if (samplesPerPixel !== 4 || bits !== 8) throw refuse(`of ${samplesPerPixel} inks of ${bits} bits`);
      return "cmyk";
    case PHOTOMETRIC.ycbcr:
      if (compression === TIFF_JPEG) return "rgb";
      if (subsampling.some((step) => step !== 1)) throw refuse("in YCbCr with fewer colours than pixels");
      if (bits !== 8) throw refuse(`in YCbCr of ${bits} bits`);
      return "ycbcr";
    case PHOTOMETRIC.cielab:
    case PHOTOMETRIC.icclab:
    case PHOTOMETRIC.itulab:
      throw refuse("in L*a*b*");
    default:
      if (photometric > PHOTOMETRIC.itulab)
        throw refuse(`of a camera's or another kind (photometric ${photometric})`);
      return "rgb";
  }
}
