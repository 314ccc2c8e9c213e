/** A class for each pixel of an image, in pixels of the model's output. */
import type { Size } from "@cupel/vision";

export interface ClassMap {
  readonly width: number;
  readonly height: number;
  /** One for each pixel, row by row. */
  readonly classes: Int32Array;
  /** How many classes are told apart; null where the values are class numbers, which may be any. */
  readonly classCount: number | null;
  /** Of the upright image, in its own pixels. */
  readonly image: Size;
}
