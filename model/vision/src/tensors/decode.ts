/**
 * An image becomes 8-bit pixels, resized by the preprocessing, before its crop.
 *
 * The aim is what Pillow gives, since models are trained through it: embedded colour profiles are ignored,
 * grey spreads to three channels, 16 bits keep their upper eight. Beyond Pillow: EXIF orientation is applied,
 * and alpha is flattened on white.
 */
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import { CupelError, reasonOf } from "@cupel/base";
import sharp, { type Sharp } from "sharp";
import { visionErrors } from "../errors.ts";
import type { Image, RawImage } from "../image.ts";
import { cropAlong, resizedSize, type Size, tensorSize } from "../preprocessing/placement.ts";
import type { Interpolation, Preprocessing } from "../preprocessing/preprocessing.ts";
import { assertMemory, assertResized, MEMORY_PER_IMAGE } from "./image-memory.ts";
import { type Bounds, type OpenedImage, type OpenOptions, openEncoded, sharpOf } from "./open-encoded.ts";
import { pixelWork } from "./pixel-thread.ts";
import { costOf, type Resampling, type Window } from "./resample.ts";

/** Parallelism comes from several images at once; threads inside one image only add switching. */
sharp.concurrency(1);
/** Every image is read once: libvips' cache of operations would keep memory and never hit. */
sharp.cache(false);
/**
 * Only these decoders read what may come from a stranger: no SVG, PDF or ImageMagick. It holds for the whole
 * process and takes two steps, between which no image can be decoded: a thread whose starter has done it MUST
 * NOT do it again while others decode. Threads inherit environment data.
 */
const decodersKey = "cupel.decoders";
if (getEnvironmentData(decodersKey) !== true) {
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({
    operation: ["Jpeg", "Png", "Webp", "Tiff", "Nsgif", "Heif"].map((format) => `VipsForeignLoad${format}`),
  });
  setEnvironmentData(decodersKey, true);
}

const KERNELS = {
  bilinear: "linear",
  bicubic: "cubic",
  lanczos: "lanczos3",
} as const satisfies Readonly<Record<Exclude<Interpolation, "nearest" | "linear">, string>>;

/** An image after its resize, and the size that it had before. */
export interface ResizedImage extends RawImage {
  readonly original: Size;
}

/**
 * An image in any form as a sharp pipeline of upright 8-bit RGB or grey.
 * @throws Error with the reason, which `unreadable` turns into one that names the image.
 */
export async function openPixels(image: Image): Promise<Sharp> {
  return image.kind === "raw" ? sharpOf(image) : (await openEncoded(image)).pipeline;
}

/**
 * The same, for who takes all of its pixels at once, in red, green and blue, and makes an image of as many of them.
 * @throws Error likewise
 */
export async function openWhole(image: Image): Promise<Sharp> {
  if (image.kind === "raw") return sharpOf(image);
  const { pipeline, width, height, held } = await openEncoded(image);
  assertMemory(held + 6 * width * height, MEMORY_PER_IMAGE, `drawing into its ${width} x ${height} pixels`);
  return pipeline;
}

/** How much of a resized image is wanted: what the centre crop leaves, or all of it. */
export type Extent = "centre" | "whole";

export interface DecodeOptions extends OpenOptions {
  /** With "centre", the default, nothing is computed that the centre crop would cut off. */
  readonly extent?: Extent | undefined;
}

/**
 * @param id names the image in the message.
 * @throws IMAGES_UNREADABLE, also for one that would take more memory than it may; CANCELLED, DEADLINE_EXCEEDED
 */
export async function decodeImage(
  image: Image,
  preprocessing: Preprocessing,
  id: string,
  { extent = "centre", memory = MEMORY_PER_IMAGE, signal }: DecodeOptions = {},
): Promise<ResizedImage> {
  const bounds: Bounds = { memory, signal };
  try {
    if (image.kind === "raw") {
      const original = sizeOf(image);
      const resampling = resamplingOf(original, preprocessing, extent);
      return { ...(await resampled(image, resampling, 0, bounds)), original };
    }
    const opened = await openEncoded(image, bounds);
    const original = sizeOf(opened);
    const resampling = resamplingOf(original, preprocessing, extent);
    return { ...(await decodeEncoded(opened, resampling, bounds)), original };
  } catch (thrown) {
    throw unreadable(id, thrown);
  }
}

const sizeOf = ({ width, height }: Size): Size => ({ width, height });

function resamplingOf(original: Size, preprocessing: Preprocessing, extent: Extent): Resampling {
  const to = resizedSize(preprocessing.resize, original, preprocessing);
  assertResized(to);
  const window = extent === "whole" ? { left: 0, top: 0, ...sizeOf(to) } : centreOf(to, preprocessing);
  return { to, interpolation: preprocessing.interpolation, window };
}

async function decodeEncoded(opened: OpenedImage, resampling: Resampling, bounds: Bounds): Promise<RawImage> {
  if (shrinksInLibvips(opened, resampling)) {
    const { width, height } = resampling.window;
    const bytes = opened.held + 3 * width * height;
    assertMemory(bytes, bounds.memory, `decoding it to ${width} x ${height} pixels`);
    return await pixelsOf(inLibvips(opened, resampling));
  }
  const pixels = 3 * opened.width * opened.height;
  assertResampling({ ...sizeOf(opened), channels: 3 }, resampling, opened.held + pixels, bounds);
  return await resampled(await pixelsOf(opened.pipeline), resampling, opened.held + pixels, bounds);
}

/** The error for an image that could not be opened or decoded; what is not the image's fault stays as it is. */
export function unreadable(id: string, thrown: unknown) {
  if (thrown instanceof CupelError && thrown.code !== "INTERNAL") return thrown;
  return visionErrors.error("IMAGES_UNREADABLE", `${id} cannot be read as an image: ${reasonOf(thrown)}.`, {
    cause: thrown,
    details: { image: id },
  });
}

function centreOf(resized: Size, preprocessing: Preprocessing): Window {
  const tensor = tensorSize(preprocessing, resized);
  const across = cropAlong(resized.width, tensor.width);
  const down = cropAlong(resized.height, tensor.height);
  return { left: across.from, top: down.from, width: across.length, height: down.length };
}

/** Whether libvips gives the pixels that Pillow gives: where nothing changes, or it only shrinks and smooths. */
function shrinksInLibvips(from: Size, { to, interpolation }: Resampling): boolean {
  if (isSame(from, to)) return true;
  return kernelOf(interpolation) !== null && to.width <= from.width && to.height <= from.height;
}

function inLibvips({ pipeline, ...from }: OpenedImage, { to, interpolation, window }: Resampling): Sharp {
  const kernel = kernelOf(interpolation);
  if (!isSame(from, to) && kernel !== null) {
    // fastShrinkOnLoad lets the JPEG decoder shrink up to the target itself: visibly unlike Pillow.
    return pipeline.resize({ ...to, fit: "fill", kernel, fastShrinkOnLoad: false }).extract(window);
  }
  return isSame(window, to) ? pipeline : pipeline.extract(window);
}

const isSame = (one: Size, other: Size): boolean => one.width === other.width && one.height === other.height;

/** Null for what libvips does otherwise. */
function kernelOf(interpolation: Interpolation) {
  return interpolation === "nearest" || interpolation === "linear" ? null : KERNELS[interpolation];
}

async function pixelsOf(pipeline: Sharp): Promise<RawImage> {
  const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true });
  return { kind: "raw", width: info.width, height: info.height, channels: info.channels === 1 ? 1 : 3, data };
}

/** @param held bytes that are held besides, the image's own among them where it was decoded for this. */
async function resampled(
  image: RawImage,
  resampling: Resampling,
  held: number,
  bounds: Bounds,
): Promise<RawImage> {
  if (isSame(image, resampling.to) && isSame(image, resampling.window)) return image;
  assertResampling(image, resampling, held, bounds);
  return await pixelWork({ kind: "resample", image, resampling }, bounds.signal);
}

/** With one copy of the image, where it moves to a thread. */
function assertResampling(
  image: Pick<RawImage, "width" | "height" | "channels">,
  resampling: Resampling,
  held: number,
  { memory }: Bounds,
): void {
  const { to } = resampling;
  const needed = held + image.width * image.height * image.channels + costOf(image, resampling).bytes;
  assertMemory(needed, memory, `resizing it to ${to.width} x ${to.height} pixels`);
}
