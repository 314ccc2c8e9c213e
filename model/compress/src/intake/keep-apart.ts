/** Images that calibrate and images that judge: they never overlap where that can be had. */
import type { ImageSource } from "@cupel/vision";
import { type HeldOut, holdOut } from "./hold-out.ts";

/** Of images without others for evaluation, this share is kept apart, ... */
const keptApart = 0.2;
/** ... at most this many, ... */
const mostKeptApart = 1000;
/** ... and none of a set smaller than this. */
const leastToSplit = 20;

export interface KeptApart extends HeldOut {
  /** Whether there were too few: then both are all of them. */
  readonly areSame: boolean;
}

/** The same parts of the same images under the same seed. */
export function keepApart(images: ImageSource, seed: number): KeptApart {
  if (images.length < leastToSplit) return { rest: images, heldOut: images, areSame: true };
  const count = Math.min(Math.round(keptApart * images.length), mostKeptApart);
  return { ...holdOut(images, count, seed), areSame: false };
}
