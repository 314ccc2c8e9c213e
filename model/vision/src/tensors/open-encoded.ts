/**
 * An encoded image as a sharp pipeline of upright 8-bit RGB or grey. What libvips would read otherwise than
 * Pillow, or not at all, is read here or refused with its own reason.
 */
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import type { EncodedImage, ImageFile, RawImage } from "../image.ts";
import { DECODED_KINDS, KIND_BYTES, kindByContent, kindOf, notDecoded } from "../sources/image-kinds.ts";
import { decodeBmp, readBmpHeader } from "./bmp.ts";
import { rgbOfCmyk, rgbOfYcbcr } from "./colour-spaces.ts";
import { PHOTOMETRIC, type ReadAt, readTiffHeader, TIFF_JPEG, type TiffHeader } from "./tiff-header.ts";

/** 134 million pixels, 400 MB decoded: above any camera's single shot, below what exhausts a server. */
export const MAX_PIXELS = 2 ** 27;

/** Logos and drawings are made for a white page; black would swallow their outlines. */
const BEHIND_ALPHA = "white";

interface Bytes {
  readonly read: ReadAt;
  all(): Promise<Uint8Array>;
}

/** @throws Error with the reason, for a sentence that names the image. */
export async function openEncoded(image: ImageFile | EncodedImage): Promise<Sharp> {
  if (image.kind === "encoded") {
    const { bytes } = image;
    const read: ReadAt = async (offset, length) => bytes.subarray(offset, offset + length);
    return await open8bit(image, { read, all: async () => bytes });
  }
  await using file = await openRegular(image.path);
  const read: ReadAt = async (offset, length) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  };
  return await open8bit(image, { read, all: () => file.readFile() });
}

/** A pipe would hold whoever opens it: it is looked at first, and never waited for. */
async function openRegular(path: string): Promise<FileHandle> {
  const refuse = () => new Error("it is not a regular file");
  if (!(await stat(path)).isFile()) throw refuse();
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw refuse();
}

async function open8bit(image: ImageFile | EncodedImage, bytes: Bytes): Promise<Sharp> {
  const head = await bytes.read(0, KIND_BYTES);
  const kind = image.kind === "file" ? kindOf(image.path, head) : kindByContent(head);
  if (kind === null) {
    throw new Error(
      head.length === 0 ? "it is empty" : `its format is unsupported: none of ${DECODED_KINDS}`,
    );
  }
  if (!kind.isDecoded) throw new Error(notDecoded(kind));
  switch (kind.name) {
    case "BMP": {
      const { width, height } = readBmpHeader(await bytes.read(0, 2048));
      assertPixels(width, height);
      return sharpOf(decodeBmp(await bytes.all()));
    }
    case "JPEG": {
      return (await assertWithinLimit(image)) === "cmyk" ? await cmyk(image) : upright(image);
    }
    case "TIFF": {
      const reading = tiffReading(await readTiffHeader(bytes.read));
      await assertWithinLimit(image);
      if (reading === "rgb") return upright(image);
      return reading === "cmyk" ? await cmyk(image) : await ycbcr(image);
    }
    default:
      await assertWithinLimit(image);
      return upright(image);
  }
}

const source = (image: ImageFile | EncodedImage): string | Uint8Array =>
  image.kind === "file" ? image.path : image.bytes;

/** Raw pixels as the beginning of a pipeline. */
export function sharpOf({ width, height, channels, data }: RawImage): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

function oriented(image: ImageFile | EncodedImage): Sharp {
  return sharp(source(image), {
    autoOrient: true,
    ignoreIcc: true,
    failOn: "error",
    limitInputPixels: MAX_PIXELS,
  });
}

function upright(image: ImageFile | EncodedImage): Sharp {
  return oriented(image).flatten({ background: BEHIND_ALPHA }).toColourspace("srgb");
}

async function cmyk(image: ImageFile | EncodedImage): Promise<Sharp> {
  const inks = oriented(image).pipelineColourspace("cmyk").toColourspace("cmyk");
  const { data, info } = await inks.raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== 4) throw new Error(`it has ${info.channels} inks: only CMYK is read`);
  return sharpOf({ kind: "raw", ...sizeOf(info), channels: 3, data: rgbOfCmyk(data) });
}

/** libvips hands out the three numbers as they are and calls them RGB. */
async function ycbcr(image: ImageFile | EncodedImage): Promise<Sharp> {
  const { data, info } = await oriented(image)
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3)
    throw new Error(`it is a YCbCr TIFF of ${info.channels} channels, which is not read`);
  return sharpOf({ kind: "raw", ...sizeOf(info), channels: 3, data: rgbOfYcbcr(data) });
}

const sizeOf = ({ width, height }: { width: number; height: number }) => ({ width, height });

/** What libvips would say of it names neither size nor limit. Gives the colour space. */
async function assertWithinLimit(image: ImageFile | EncodedImage): Promise<string> {
  const { width, height, space } = await sharp(source(image), { limitInputPixels: false }).metadata();
  assertPixels(width, height);
  return space;
}

function assertPixels(width: number, height: number): void {
  if (width * height <= MAX_PIXELS) return;
  const millions = (pixels: number): string => (pixels / 1e6).toFixed(0);
  throw new Error(
    `it has ${width} x ${height} pixels, ${millions(width * height)} million, and at most ${millions(MAX_PIXELS)} million are decoded`,
  );
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
