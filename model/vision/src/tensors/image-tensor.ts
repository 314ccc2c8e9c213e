/** One image as a tensor with a batch of one, as a server needs it for an upload. */
import { createTurns } from "@cupel/base";
import type { Image } from "../image.ts";
import type { Size } from "../preprocessing/placement.ts";
import { type Preprocessing, type TensorDims, tensorDims } from "../preprocessing/preprocessing.ts";
import { decodeImage } from "./decode.ts";
import { createNormaliser } from "./normalise.ts";

export interface ImageTensor {
  readonly data: Float32Array<ArrayBuffer>;
  /** `[1, C, H, W]` or `[1, H, W, C]`. */
  readonly dims: TensorDims;
  /** Of the image as it was decoded, upright, before its resize. */
  readonly size: Size;
}

export interface ImageReader {
  /**
   * Long work on pixels is done in another thread or in short pieces: nothing holds up the caller's thread for more than
   * a few milliseconds.
   * @param name names the image in messages.
   * @throws IMAGES_UNREADABLE, also for one that would take more memory than it may; CANCELLED, DEADLINE_EXCEEDED
   */
  read(image: Image, name?: string, options?: { readonly signal?: AbortSignal }): Promise<ImageTensor>;
}

export interface ImageReaderOptions {
  /** Bytes that an image may take while it is read. Default 512 MB. */
  readonly memoryPerImage?: number | undefined;
}

/** Between two looks at what else there is to do. */
const longestMs = 2;

/** Prepares the tables of one preprocessing for many single images. */
export function createImageReader(
  preprocessing: Preprocessing,
  { memoryPerImage: memory }: ImageReaderOptions = {},
): ImageReader {
  const normaliser = createNormaliser(preprocessing);
  return {
    async read(image, name = "The image", { signal } = {}) {
      const pixels = await decodeImage(image, preprocessing, name, { memory, signal });
      const dims = tensorDims({ ...preprocessing, ...normaliser.tensorOf(pixels) }, 1);
      const data = new Float32Array(dims.reduce((product, side) => product * side));
      const turn = createTurns(longestMs);
      for (const _ of normaliser.writeInSteps(pixels, data, 0)) await turn();
      return { data, dims, size: pixels.original };
    },
  };
}
