/**
 * A range as the scale and zero point of an 8-bit unsigned activation: x = scale * (q - zeroPoint).
 * Zero is always represented exactly, since padding and Relu make so many.
 */
import type { Range } from "./range-method.ts";

export interface ActivationScale {
  readonly scale: number;
  readonly zeroPoint: number;
}

export const symmetries = ["asymmetric", "symmetric"] as const;
export type Symmetry = (typeof symmetries)[number];

/** Steps between the smallest and largest of 256 levels. */
const steps = 255;
/** For an activation that is zero throughout, or so near it that float32 would lose its digits. */
const scaleOfNothing = Math.fround(1 / steps);
const leastWidth = 2 ** -100;

export function activationScale([low, high]: Range, symmetry: Symmetry): ActivationScale {
  const from = Math.min(0, low);
  const to = Math.max(0, high);
  if (to - from < leastWidth) return { scale: scaleOfNothing, zeroPoint: 0 };
  if (symmetry === "symmetric" && from < 0) {
    return { scale: Math.fround(Math.max(-from, to) / 127), zeroPoint: 128 };
  }
  const scale = Math.fround((to - from) / steps);
  return { scale, zeroPoint: Math.min(steps, Math.max(0, Math.round(-from / scale))) };
}
