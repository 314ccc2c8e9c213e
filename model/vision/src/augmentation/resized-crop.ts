/** Which part of an image a random resized crop takes: torchvision's RandomResizedCrop.get_params. */
import type { Random } from "@cupel/base";
import type { AugmentationStep } from "./augmentation.ts";
import type { Box } from "./geometry.ts";

const ATTEMPTS = 10;

/** Area uniform, proportion uniform in its logarithm; after ten that do not fit, the largest one in the middle. */
export function resizedCropBox(
  { width, height }: { readonly width: number; readonly height: number },
  { minScale, maxScale, minRatio, maxRatio }: AugmentationStep<"resized-crop">,
  random: Random,
): Box {
  const between = (least: number, most: number): number => least + (most - least) * random.uniform();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = width * height * between(minScale, maxScale);
    const ratio = Math.exp(between(Math.log(minRatio), Math.log(maxRatio)));
    const box = { width: Math.round(Math.sqrt(area * ratio)), height: Math.round(Math.sqrt(area / ratio)) };
    if (box.width < 1 || box.height < 1 || box.width > width || box.height > height) continue;
    return {
      ...box,
      left: random.integer(width - box.width + 1),
      top: random.integer(height - box.height + 1),
    };
  }
  const ratio = Math.min(maxRatio, Math.max(minRatio, width / height));
  const box = {
    width: Math.max(1, Math.min(width, Math.round(height * ratio))),
    height: Math.max(1, Math.min(height, Math.round(width / ratio))),
  };
  return { ...box, left: Math.floor((width - box.width) / 2), top: Math.floor((height - box.height) / 2) };
}
