/** An image of a request as vision takes it: encoded, or bare pixels that are as many as their size says. */
import { type Image, readYuv, visionErrors } from "@cupel/vision";
import type { ImageInput } from "./predict-request.ts";

/**
 * Encoded bytes as they are; `i420` and `nv12` in red, green and blue by BT.601 in limited range.
 * @param id names the image in a message. @throws IMAGES_UNREADABLE, CANCELLED, DEADLINE_EXCEEDED
 */
export async function requestImage(input: ImageInput, id: string, signal: AbortSignal): Promise<Image> {
  if (input.kind === "encoded") return { kind: "encoded", bytes: input.bytes };
  const { kind, bytes: data, width, height } = input;
  if (![width, height].every((side) => Number.isInteger(side) && side > 0)) {
    throw unreadable(
      id,
      `bare pixels need their width and height, whole numbers of at least 1, not ${width} x ${height}`,
    );
  }
  if (kind !== "rgb") return await readYuv({ layout: kind, width, height, data }, id, signal);
  const needed = 3 * width * height;
  if (data.length === needed) return { kind: "raw", width, height, channels: 3, data };
  throw unreadable(id, `rgb pixels of ${width} x ${height} are ${needed} bytes, and it has ${data.length}`);
}

function unreadable(id: string, reason: string) {
  return visionErrors.error("IMAGES_UNREADABLE", `${id} cannot be read as an image: ${reason}.`);
}
