/** The scale of every value that is rounded, from the ranges that calibration found. */
import type { Value } from "@cupel/onnx";
import { clipRange } from "../clean/place-activations.ts";
import type { Placement } from "../emit/placement.ts";
import { type ActivationScale, activationScale, type Symmetry } from "./activation-scale.ts";
import type { Range } from "./range-method.ts";

/** @param ranges by value name, one for each of the placement's values. */
export function valueScales(
  placement: Placement,
  ranges: ReadonlyMap<string, Range>,
  symmetry: Symmetry,
): Map<string, ActivationScale> {
  const scales = new Map<string, ActivationScale>();
  for (const value of placement.values) {
    const source = placement.sameScale.get(value);
    const own =
      placement.fixedScale.get(value) ??
      withinClip(value, activationScale(ranges.get(value.name)!, symmetry));
    scales.set(value.name, source ? scales.get(source.name)! : own);
  }
  // Backwards, since a Concat may be read by another.
  const sources = new Set(placement.sameScale.values());
  for (const value of placement.values.toReversed()) {
    const joined = joinedInto(value);
    const scale = joined && scales.get(joined.name);
    const isOwn = !placement.sameScale.has(value) && !placement.fixedScale.has(value) && !sources.has(value);
    if (scale && isOwn && clipsAsItsMaker(value, scale)) scales.set(value.name, scale);
  }
  return scales;
}

/**
 * The 256 levels may reach past a bound of a Clip, by a part of a step where it lets both sides of zero through: the
 * engine then keeps the Clip and the layer before it in float, or refuses the file (ONNX Runtime 1.30). Steps are made so much smaller that no level does.
 */
function withinClip(value: Value, scale: ActivationScale): ActivationScale {
  if (clipsAsItsMaker(value, scale)) return scale;
  const { zeroPoint } = scale;
  const step = mostStep(value, zeroPoint);
  return step === Number.POSITIVE_INFINITY ? scale : { scale: step, zeroPoint };
}

/** The largest scale in float32 whose 256 levels a Clip that makes the value lets through; infinite where none bounds it. */
export function mostStep({ producer }: Value, zeroPoint: number): number {
  if (!producer?.is("Clip")) return Number.POSITIVE_INFINITY;
  const [low, high] = clipRange(producer);
  const below = zeroPoint > 0 ? -low / zeroPoint : Number.POSITIVE_INFINITY;
  const above = zeroPoint < 255 ? high / (255 - zeroPoint) : Number.POSITIVE_INFINITY;
  const step = Math.min(below, above);
  if (!(step > 0)) return Number.POSITIVE_INFINITY;
  // Rounding to float32 may make it larger again.
  const rounded = Math.fround(step);
  return rounded > step ? Math.fround(step * (1 - 2 ** -23)) : rounded;
}

/** A Relu or Clip vanishes into the rounding only where the 256 levels reach no further than it lets through. */
function clipsAsItsMaker({ producer }: Value, { scale, zeroPoint }: ActivationScale): boolean {
  if (!producer?.is("Relu", "Clip")) return true;
  const [low, high] = clipRange(producer);
  return -zeroPoint * scale >= low && (255 - zeroPoint) * scale <= high;
}

/**
 * The output of the Concat that alone reads the value. It is rounded to that one's scale at once: to one of its
 * own first, it would be rounded twice.
 */
function joinedInto(value: Value): Value | null {
  const reader = value.uses.length === 1 ? value.uses[0]!.node : null;
  return reader?.is("Concat") ? reader.output : null;
}
