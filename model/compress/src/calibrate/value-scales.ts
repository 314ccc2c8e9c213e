/** The scale of every value that is rounded, from the ranges that calibration found. */
import type { Value } from "@cupel/onnx";
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
    const own = placement.fixedScale.get(value) ?? activationScale(ranges.get(value.name)!, symmetry);
    scales.set(value.name, source ? scales.get(source.name)! : own);
  }
  // Backwards, since a Concat may be read by another.
  const sources = new Set(placement.sameScale.values());
  for (const value of placement.values.toReversed()) {
    const joined = joinedInto(value);
    const scale = joined && scales.get(joined.name);
    if (scale?.zeroPoint !== scales.get(value.name)!.zeroPoint || value.producer?.is("Clip")) continue;
    const isOwn = !placement.sameScale.has(value) && !placement.fixedScale.has(value) && !sources.has(value);
    if (isOwn) scales.set(value.name, scale);
  }
  return scales;
}

/**
 * The output of the Concat that alone reads the value. It is rounded to that one's scale at once: to one of its
 * own first, it would be rounded twice. Not where the zero point would move or a Clip stands before: a Relu
 * vanishes into a rounding from zero up, a Clip into one within its bounds; else the layer is computed in float.
 */
function joinedInto(value: Value): Value | null {
  const reader = value.uses.length === 1 ? value.uses[0]!.node : null;
  return reader?.is("Concat") ? reader.output : null;
}
