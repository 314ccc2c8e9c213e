/** The size of an image as its header tells it, upright: its pixels are not decoded. */
import type { Image } from "../image.ts";
import { unreadable } from "./decode.ts";
import { openEncoded } from "./open-encoded.ts";

export interface ImageSize {
  readonly width: number;
  readonly height: number;
  /** 1 for grey. */
  readonly channels: 1 | 3;
}

/** @param id names the image in the message. @throws IMAGES_UNREADABLE */
export async function imageSize(image: Image, id: string): Promise<ImageSize> {
  if (image.kind === "raw") {
    const { width, height, channels } = image;
    return { width, height, channels };
  }
  try {
    const { pipeline, width, height } = await openEncoded(image);
    const { channels, space } = await pipeline.metadata();
    return { width, height, channels: channels < 3 || space === "b-w" || space === "grey16" ? 1 : 3 };
  } catch (thrown) {
    throw unreadable(id, thrown);
  }
}
