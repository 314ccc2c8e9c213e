/**
 * A convolution as numbers: what the forms of its gradients are chosen by and written with. A ConvTranspose
 * is described by the Conv it is the adjoint of.
 */
import type { Window } from "./window.ts";

/** y [batch, filters, ...outputs] = Conv(x [batch, channels, ...sizes], w [filters, channels / group, ...kernel]) */
export interface ConvShape extends Window {
  readonly batch: number;
  readonly channels: number;
  readonly filters: number;
  readonly group: number;
}

/** A kernel of one element that touches every element of the data once. */
export function isPointwise({ kernel, strides, begins, ends }: ConvShape): boolean {
  return (
    [...kernel, ...strides].every((size) => size === 1) && [...begins, ...ends].every((pad) => pad === 0)
  );
}

/** One filter a channel. */
export function isDepthwise({ channels, filters, group }: ConvShape): boolean {
  return group === channels && filters === channels;
}
