/**
 * A picture that is larger than a model's tensor, cut into windows of the tensor's size: the picture is decoded once, and
 * a window is made when it is asked for.
 */
import { createTurns } from "@cupel/base";
import type { Image, RawImage } from "../image.ts";
import type { Size } from "../preprocessing/placement.ts";
import { type Preprocessing, type TensorDims, tensorDims } from "../preprocessing/preprocessing.ts";
import { decodeImage } from "./decode.ts";
import { imageSize } from "./image-size.ts";
import { createNormaliser } from "./normalise.ts";

/** First pixel of a window, in pixels of the scaled picture; less than 0 where the window begins outside of it. */
export interface Corner {
  readonly left: number;
  readonly top: number;
}

export interface PictureWindows {
  /** Of the upright picture, and as it is scaled. */
  readonly size: Size;
  readonly scaled: Size;
  /**
   * Windows as wide and high as the tensor, without a resize. Outside of the picture its outermost pixels are repeated:
   * what is printed up to the edge goes on behind it.
   */
  tensors(
    corners: readonly Corner[],
  ): Promise<{ readonly data: Float32Array<ArrayBuffer>; readonly dims: TensorDims }>;
}

export interface PictureWindowsOptions {
  /** Of the picture, before it is cut: 0.5 makes things of twice the size fit a window. Default 1. */
  readonly scale?: number | undefined;
  /** Bytes that the picture may take while it is read. Default 512 MB. */
  readonly memory?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Between two looks at what else there is to do. */
const longestMs = 2;

/**
 * @param preprocessing its resize is left out.
 * @param id names the picture in a message.
 * @throws IMAGES_UNREADABLE, CANCELLED, DEADLINE_EXCEEDED
 */
export async function openWindows(
  image: Image,
  preprocessing: Preprocessing,
  id: string,
  { scale = 1, memory, signal }: PictureWindowsOptions = {},
): Promise<PictureWindows> {
  const { multiple: _, ...fixed } = preprocessing;
  const asCut: Preprocessing = { ...fixed, resize: { kind: "none" } };
  const picture = await decodeImage(
    image,
    scale === 1 ? asCut : await scaledBy(image, asCut, scale, id),
    id,
    { extent: "whole", memory, signal },
  );
  const normaliser = createNormaliser(asCut);
  const { width, height } = picture;
  return {
    size: picture.original,
    scaled: { width, height },
    async tensors(corners) {
      const turn = createTurns(longestMs);
      const data = new Float32Array(normaliser.valuesPerImage * corners.length);
      for (const [i, corner] of corners.entries()) {
        await turn();
        normaliser.write(cut(picture, corner, asCut), data, i * normaliser.valuesPerImage);
      }
      return { data, dims: tensorDims(asCut, corners.length) };
    },
  };
}

async function scaledBy(
  image: Image,
  preprocessing: Preprocessing,
  scale: number,
  id: string,
): Promise<Preprocessing> {
  const { width, height } = await imageSize(image, id);
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return { ...preprocessing, width: side(width), height: side(height), resize: { kind: "stretch" } };
}

function cut(picture: RawImage, { left, top }: Corner, { width, height }: Size): RawImage {
  const { channels } = picture;
  const data = new Uint8Array(width * height * channels);
  // Columns of the window that are of the picture.
  const first = Math.min(width, Math.max(0, -left));
  const end = Math.max(first, Math.min(width, picture.width - left));
  for (let y = 0; y < height; y++) {
    const row = Math.min(picture.height - 1, Math.max(0, top + y)) * picture.width * channels;
    const to = y * width * channels;
    const pixels = picture.data.subarray(row + (left + first) * channels, row + (left + end) * channels);
    data.set(pixels, to + first * channels);
    const edge = (x: number) => picture.data.subarray(row + x * channels, row + (x + 1) * channels);
    for (let x = 0; x < first; x++) data.set(edge(0), to + x * channels);
    for (let x = end; x < width; x++) data.set(edge(picture.width - 1), to + x * channels);
  }
  return { kind: "raw", width, height, channels, data };
}
