/**
 * Augmentation as data: random changes of the images that a network is trained on, in a form that fits
 * into JSON. The steps are applied in the order of the list, to eight-bit pixels, after the resize and
 * before the centre crop and the normalisation of the preprocessing.
 */

interface Steps {
  /** Mirrored left to right with `probability`. */
  readonly flip: { readonly probability: number };
  /** Mirrored top to bottom with `probability`. */
  readonly "flip-vertical": { readonly probability: number };
  /** `padding` black pixels around, then a window of the size of the tensor, anywhere in it. */
  readonly crop: { readonly padding: number };
  /**
   * A window of a share `minScale`..`maxScale` of the area and of a width over height of
   * `minRatio`..`maxRatio`, resampled to the size of the tensor: torchvision's RandomResizedCrop.
   */
  readonly "resized-crop": {
    readonly minScale: number;
    readonly maxScale: number;
    readonly minRatio: number;
    readonly maxRatio: number;
  };
  /** Moved by a whole number of pixels, -`pixels`..`pixels` along each axis; what comes in is `fill`. */
  readonly shift: { readonly pixels: number; readonly fill: ShiftFill };
  /** Turned by 0, 90, 180 or 270 degrees. An image that is not square changes its sides. */
  readonly rotate: Readonly<Record<never, never>>;
  /** Each factor is drawn from 1 - x..1 + x, not below 0, and applied as Pillow's ImageEnhance does. */
  readonly colour: { readonly brightness: number; readonly contrast: number; readonly saturation: number };
  /**
   * A square of `size` pixels, its centre anywhere, becomes the mean of the preprocessing, hence about 0
   * in the tensor: Cutout, https://arxiv.org/abs/1708.04552
   */
  readonly erase: { readonly size: number };
}

/** Black, or the nearest pixel of the image. */
export type ShiftFill = "black" | "edge";

export type AugmentationKind = keyof Steps;

export type AugmentationStep<K extends AugmentationKind = AugmentationKind> = {
  [Kind in K]: { readonly kind: Kind } & Steps[Kind];
}[K];

export type Augmentation = readonly AugmentationStep[];
