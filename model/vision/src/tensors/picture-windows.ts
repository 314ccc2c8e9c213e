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

/** First pixel of a window, in pixels of the scaled picture. */
export interface Corner {
  readonly left: number;
  readonly top: number;
}

export interface PictureWindows {
  /** Of the upright picture, and as it is scaled. */
  readonly size: Size;
  readonly scaled: Size;
  /**
   * Windows as wide and high as the tensor, without a resize; where the picture is smaller, padded as the preprocessing
   * says. Corners MUST lie in the picture.
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

function cut(picture: RawImage, { left, top }: Corner, window: Size): RawImage {
  const { channels } = picture;
  const width = Math.min(window.width, picture.width - left);
  const height = Math.min(window.height, picture.height - top);
  const row = width * channels;
  const data = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * channels;
    data.set(picture.data.subarray(from, from + row), y * row);
  }
  return { kind: "raw", width, height, channels, data };
}
