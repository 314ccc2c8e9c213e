/**
 * IDX, the format of MNIST and its descendants: http://yann.lecun.com/exdb/mnist/
 * Two zero bytes, a type (0x08 = unsigned byte), the number of dimensions, each size as a big-endian
 * 32-bit integer, then the values. Images have three dimensions `[N, H, W]`, or four with channels
 * last or first; labels have one.
 */
import { access } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { reasonOf } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { ImageSource, RawImage } from "../image.ts";
import { checkLabels, classNamesBeside } from "./class-names.ts";
import { readLabelFile } from "./label-file.ts";
import { headIn, readPacked, tooLarge, unpacked } from "./packed-file.ts";

export interface IdxOptions {
  /** An idx1 file. Default: found by the usual naming, `train-images-idx3-ubyte` -> `train-labels-idx1-ubyte`. */
  readonly labels?: string | undefined;
  readonly classes?: readonly string[] | string | undefined;
}

export interface IdxArray {
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

export function isIdxHead(head: Uint8Array): boolean {
  return head[0] === 0 && head[1] === 0 && head[2] === 0x08 && (head[3] === 3 || head[3] === 4);
}

interface IdxHeader {
  readonly dims: readonly number[];
  /** Bytes of the header. */
  readonly start: number;
  /** Bytes of the whole, as the header says. */
  readonly length: number;
}

function headerOf(bytes: Uint8Array, where: string): IdxHeader {
  const rank = bytes[3] ?? 0;
  const start = 4 + 4 * rank;
  if (bytes.length < start || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 0x08 || rank === 0) {
    throw damaged(where, "it does not begin with the IDX header of unsigned bytes (00 00 08 n)");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  return { dims, start, length: start + dims.reduce((product, size) => product * size, 1) };
}

/**
 * @param check is given the dimensions before anything is unpacked, and throws where they are not those wanted.
 * @param most see `unpacked`
 * @throws IMAGE_SOURCE_DAMAGED when the header is not IDX of bytes, or the length is not what it says;
 * IMAGE_SOURCE_TOO_LARGE
 */
export async function readIdx(
  bytes: Uint8Array,
  where: string,
  check: (dims: readonly number[]) => void,
  most?: number,
): Promise<IdxArray> {
  let head: Uint8Array;
  try {
    head = headIn(bytes);
  } catch (thrown) {
    throw damaged(where, reasonOf(thrown));
  }
  const { dims, start, length } = headerOf(head, where);
  check(dims);
  const content = await unpacked(bytes, where, { length, most });
  if (content.length !== length) {
    throw damaged(
      where,
      `its header says ${dims.join(" x ")} = ${length - start} bytes, it has ${content.length - start}`,
    );
  }
  return { dims, data: content.subarray(start) };
}

/** More images than any set in this format has: what is made of each, its place in an order, fits into memory. */
const MOST_IMAGES = 10_000_000;

/** @throws IMAGE_SOURCE_DAMAGED, IMAGE_SOURCE_TOO_LARGE, IMAGES_NONE, LABEL_FILE_MISSING, LABELS_MISMATCH */
export async function openIdx(path: string, options: IdxOptions): Promise<ImageSource> {
  const { dims, data } = await readIdx(await readPacked(path), path, (found) => checkShape(found, path));
  const shape = shapeOf(dims, path);
  const labels = await readLabels(path, options.labels, shape.count);
  const classes = await classNamesBeside(options.classes, path);
  if (labels !== null) checkLabels(labels, classes, path);

  const name = basename(path);
  const size = shape.width * shape.height * shape.channels;
  return {
    kind: "idx",
    location: path,
    length: shape.count,
    classes,
    labelled: labels !== null,
    id: (index) => `${name}#${index}`,
    label: (index) => labels?.[index] ?? null,
    image: async (index): Promise<RawImage> => {
      const pixels = data.subarray(index * size, (index + 1) * size);
      const { width, height, channels } = shape;
      return {
        kind: "raw",
        width,
        height,
        channels,
        data: shape.planar ? interleave(pixels, channels) : pixels,
      };
    },
  };
}

interface IdxShape {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly planar: boolean;
}

function shapeOf(dims: readonly number[], where: string): IdxShape {
  const [count = 0, a = 0, b = 0, c = 1] = dims;
  if (dims.length === 3) return { count, height: a, width: b, channels: 1, planar: false };
  if (dims.length === 4 && (c === 1 || c === 3)) {
    return { count, height: a, width: b, channels: c, planar: false };
  }
  if (dims.length === 4 && (a === 1 || a === 3)) {
    return { count, height: b, width: c, channels: a, planar: true };
  }
  throw damaged(
    where,
    `its dimensions ${dims.join(" x ")} are not images: expected [N, H, W], [N, H, W, 1 or 3] or [N, 1 or 3, H, W]`,
  );
}

function checkShape(dims: readonly number[], path: string): void {
  const { count, width, height } = shapeOf(dims, path);
  if (count === 0) throw visionErrors.error("IMAGES_NONE", `${path} holds no image.`);
  if (width === 0 || height === 0) {
    throw damaged(path, `its header says ${count} images of ${width} x ${height} pixels`);
  }
  if (count > MOST_IMAGES) {
    throw tooLarge(path, `holds ${count} images, more than the ${MOST_IMAGES} that are read. Split it`);
  }
}

/** Planes one after the other become pixels one after the other. */
export function interleave(planes: Uint8Array, channels: number): Uint8Array {
  const plane = planes.length / channels;
  const pixels = new Uint8Array(planes.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < plane; i++) pixels[i * channels + channel] = planes[channel * plane + i]!;
  }
  return pixels;
}

async function readLabels(path: string, given: string | undefined, count: number) {
  const file = given ?? (await labelsBeside(path));
  if (file === null) return null;
  const { data } = await readIdx(await readLabelFile(file, "labels"), file, (dims) => {
    if (dims.length === 1 && dims[0] === count) return;
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `${file} has ${dims.join(" x ")} labels, ${path} has ${count} images. Check that they belong together.`,
      { details: { path: file, images: count, labels: dims } },
    );
  });
  return data;
}

/** `x-images-idx3-ubyte[.gz]` -> `x-labels-idx1-ubyte[.gz]`, gzip or not whichever exists. */
async function labelsBeside(path: string): Promise<string | null> {
  const name = basename(path);
  const labels = name.replace(/images([-.])idx\d/, "labels$1idx1").replace(/\.gz$/, "");
  if (labels === name.replace(/\.gz$/, "")) return null;
  for (const candidate of [labels, `${labels}.gz`]) {
    const file = join(dirname(path), candidate);
    const exists = await access(file).then(
      () => true,
      () => false,
    );
    if (exists) return file;
  }
  return null;
}

function damaged(where: string, problem: string) {
  return visionErrors.error("IMAGE_SOURCE_DAMAGED", `${where} cannot be read as IDX: ${problem}.`, {
    details: { path: where },
  });
}
