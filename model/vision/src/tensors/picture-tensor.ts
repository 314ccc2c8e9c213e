/** One picture as a tensor of one: what a server does with an upload. */
import type { Picture } from "../picture.ts";
import { type Preprocessing, type TensorDims, tensorDims } from "../preprocessing/preprocessing.ts";
import { decodePicture } from "./decode.ts";
import { createNormaliser } from "./normalise.ts";

export interface PictureTensor {
  readonly data: Float32Array<ArrayBuffer>;
  /** `[1, C, H, W]` or `[1, H, W, C]`. */
  readonly dims: TensorDims;
}

export interface PictureReader {
  /** @param name names the picture in messages. @throws PICTURES_UNREADABLE */
  read(picture: Picture, name?: string): Promise<PictureTensor>;
}

/** Prepares the tables of one preprocessing for many single pictures. */
export function createPictureReader(preprocessing: Preprocessing): PictureReader {
  const normaliser = createNormaliser(preprocessing);
  return {
    async read(picture, name = "The picture") {
      const pixels = await decodePicture(picture, preprocessing, name);
      const data = new Float32Array(normaliser.valuesPerPicture);
      normaliser.write(pixels, data, 0);
      return { data, dims: tensorDims(preprocessing, 1) };
    },
  };
}
