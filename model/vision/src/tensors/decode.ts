/**
 * An image becomes 8-bit pixels, resized by the preprocessing, before its crop.
 *
 * The aim is what Pillow gives, since models are trained through it: embedded colour profiles are ignored,
 * grey spreads to three channels, 16 bits keep their upper eight. Beyond Pillow: EXIF orientation is applied,
 * and alpha is flattened on white.
 */
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import { reasonOf } from "@cupel/base";
import sharp, { type Sharp } from "sharp";
import { visionErrors } from "../errors.ts";
import type { Image, RawImage } from "../image.ts";
import { cropAlong, resizedSize, type Size, tensorSize } from "../preprocessing/placement.ts";
import type { Interpolation, Preprocessing } from "../preprocessing/preprocessing.ts";
import { type OpenedImage, openEncoded, sharpOf } from "./open-encoded.ts";
import { resample } from "./resample.ts";

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

/** How much of a resized image is wanted: what the centre crop leaves at least, or all of it. */
export type Extent = "centre" | "whole";

/**
 * @param id names the image in the message.
 * @param extent with "centre", libvips does not compute what the centre crop would cut off.
 * @throws IMAGES_UNREADABLE
 */
export async function decodeImage(
  image: Image,
  preprocessing: Preprocessing,
  id: string,
  extent: Extent = "centre",
): Promise<ResizedImage> {
  if (image.kind === "raw") {
    const { width, height } = image;
    const to = resizedSize(preprocessing.resize, image, preprocessing);
    return { ...resampleIfNeeded(image, to, preprocessing), original: { width, height } };
  }
  try {
    const { pipeline, width, height } = await openEncoded(image);
    const original = { width, height };
    return { ...(await decodeEncoded({ pipeline, ...original }, preprocessing, extent)), original };
  } catch (thrown) {
    throw unreadable(id, thrown);
  }
}

/** The error for an image that could not be opened or decoded. */
export function unreadable(id: string, thrown: unknown) {
  return visionErrors.error("IMAGES_UNREADABLE", `${id} cannot be read as an image: ${reasonOf(thrown)}.`, {
    cause: thrown,
    details: { image: id },
  });
}

async function decodeEncoded(
  { pipeline, ...from }: OpenedImage,
  preprocessing: Preprocessing,
  extent: Extent,
): Promise<RawImage> {
  const { resize, interpolation } = preprocessing;
  if (resize.kind === "none") return await pixelsOf(pipeline);

  const to = resizedSize(resize, from, preprocessing);
  const isOurs = interpolation === "nearest" || interpolation === "linear";
  if (isOurs || to.width > from.width || to.height > from.height) {
    return resampleIfNeeded(await pixelsOf(pipeline), to, preprocessing);
  }
  // fastShrinkOnLoad lets the JPEG decoder shrink up to the target itself: visibly unlike Pillow.
  pipeline.resize({ ...to, fit: "fill", kernel: KERNELS[interpolation], fastShrinkOnLoad: false });
  if (extent === "centre") {
    const tensor = tensorSize(preprocessing, to);
    const across = cropAlong(to.width, tensor.width);
    const down = cropAlong(to.height, tensor.height);
    pipeline.extract({ left: across.from, top: down.from, width: across.length, height: down.length });
  }
  return await pixelsOf(pipeline);
}

async function pixelsOf(pipeline: Sharp): Promise<RawImage> {
  const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true });
  return { kind: "raw", width: info.width, height: info.height, channels: info.channels === 1 ? 1 : 3, data };
}

function resampleIfNeeded(image: RawImage, to: Size, { interpolation }: Preprocessing): RawImage {
  const same = to.width === image.width && to.height === image.height;
  return same ? image : resample(image, to, interpolation);
}
