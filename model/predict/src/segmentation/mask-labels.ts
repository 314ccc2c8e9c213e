/** Masks that people drew, as files in a folder: a PNG for each image, of its name, with a class number for each pixel. */
import { stat } from "node:fs/promises";
import { join, parse } from "node:path";
import { type ImageSource, type Mask, readMask, type Size, visionErrors } from "@cupel/vision";

export interface MaskLabels {
  /** Of an image of the source; null where it has none. @throws LABELS_MISMATCH, LABEL_FILE_MISSING, IMAGE_SOURCE_DAMAGED */
  of(index: number, size: Size): Promise<Mask | null>;
}

export function maskLabels(images: ImageSource, folder: string): MaskLabels {
  let isChecked = false;
  return {
    async of(index, size) {
      const path = await placeOf(images, index, folder);
      if (path === null) {
        if (!isChecked) await assertSome(images, folder);
        isChecked = true;
        return null;
      }
      const mask = await readMask(path);
      if (mask.width === size.width && mask.height === size.height) return mask;
      throw visionErrors.error(
        "LABELS_MISMATCH",
        `${path} is ${mask.width}x${mask.height} pixels, and its image ${images.id(index)} ${size.width}x${size.height} upright. ` +
          "Give masks of the size of their images.",
        { details: { path, image: images.id(index) } },
      );
    },
  };
}

/** Before all images are predicted for nothing. @throws LABELS_MISMATCH */
async function assertSome(images: ImageSource, folder: string): Promise<void> {
  for (let index = 0; index < images.length; index++) {
    if ((await placeOf(images, index, folder)) !== null) return;
  }
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${folder} has no mask for any of the ${images.length} images in ${images.location}: ${parse(images.id(0)).name}.png was looked for first. ` +
      "Name masks as their images, with .png.",
    { details: { folder, images: images.location } },
  );
}

/** Under the path of the image or its bare name; tools write `a.png`, `a.jpg.png` or `a_mask.png` for `a.jpg`. */
async function placeOf(images: ImageSource, index: number, folder: string): Promise<string | null> {
  const { dir, name, base } = parse(images.id(index));
  for (const called of [`${name}.png`, `${base}.png`, `${name}_mask.png`]) {
    for (const path of new Set([join(folder, dir, called), join(folder, called)])) {
      const found = await stat(path).catch(() => null);
      if (found?.isFile()) return path;
    }
  }
  return null;
}
