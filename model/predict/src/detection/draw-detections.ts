/** The boxes that a detector found, drawn into the image, each with its class and its score. */
import { drawBoxes, type Image } from "@cupel/vision";
import type { DetectedBox } from "./prediction.ts";

/** As PNG. @param boxes the best first. @param id names the image in a message. @throws IMAGES_UNREADABLE */
export async function drawDetections(
  image: Image,
  boxes: readonly DetectedBox[],
  id: string,
): Promise<Uint8Array> {
  const drawn = boxes.map((box) => ({
    ...box,
    text: `${box.className ?? `class ${box.classIndex}`} ${box.score.toFixed(2)}`,
    group: box.classIndex,
  }));
  return await drawBoxes(image, drawn, id);
}
