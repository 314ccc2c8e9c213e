/**
 * Images in two parts, for whatever is judged by others than those it was made with. Every class is in both in proportion, as far
 * as its images go. One image a class is enough: nothing here learns what a class is, unlike in training (`split` of @cupel/vision).
 */
import { type ImageSource, stratifiedOrder, subset } from "@cupel/vision";

export interface HeldOut {
  /** In the order of the source. */
  readonly rest: ImageSource;
  /** In an order any beginning of which has every class in proportion. */
  readonly heldOut: ImageSource;
}

/** The same parts of the same images under the same seed. @param count of those held out */
export function holdOut(images: ImageSource, count: number, seed: number): HeldOut {
  const order = stratifiedOrder(images, seed);
  const rest = order.slice(count).sort((a, b) => a - b);
  return { rest: subset(images, rest), heldOut: subset(images, order.slice(0, count)) };
}
