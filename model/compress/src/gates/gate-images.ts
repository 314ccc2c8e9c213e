/**
 * Which training images choose the threshold of gates: neither the gates nor the network learn from them, so that what is lost on them
 * is what is lost on others like them.
 */
import type { ImageSource } from "@cupel/vision";
import { type HeldOut, holdOut } from "../intake/hold-out.ts";

/** A bound of 0.3 % takes thousands, and training does as well with fewer. */
const share = 0.4;
const most = 4000;

/** The same for the same images and seed. */
export function gateImages(training: ImageSource, seed: number): HeldOut {
  return holdOut(training, Math.min(most, Math.round(share * training.length)), seed);
}
