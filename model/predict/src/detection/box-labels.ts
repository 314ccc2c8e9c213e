/** Boxes that people drew around things, in the forms they are kept in. A form is a file with what stands here. */
import type { ImageSource, Size } from "@cupel/vision";
import type { LabelledBox } from "./average-precision.ts";
import { cocoLabels } from "./coco-labels.ts";
import { yoloLabels } from "./yolo-labels.ts";

export interface BoxLabels {
  /**
   * Of an image of the source, in pixels of it; null where there is no label, which is not the same as no box.
   * @param size of the upright image.
   * @throws LABEL_FILE_MISSING, IMAGE_SOURCE_DAMAGED
   */
  of(index: number, size: Size): Promise<readonly LabelledBox[] | null>;
  /** Of the classes, by index; null where nobody names them. Known after the first image with labels. */
  names(): Promise<readonly string[] | null>;
}

/** @param path a COCO file of annotations, or a folder of YOLO files; null for the YOLO files that lie beside the images. */
export function boxLabels(images: ImageSource, path: string | null): BoxLabels {
  return path?.toLowerCase().endsWith(".json") ? cocoLabels(images, path) : yoloLabels(images, path);
}
