/**
 * Which layer gets how many bits. Each layer offers points (bytes, cost); the plans worth having lie where
 * every step down saves the most bytes for the least cost (the lower convex hull of each layer, merged:
 * Shoham and Gersho, "Efficient bit allocation for an arbitrary set of quantizers", 1988).
 */
import type { WeightBits } from "../weights/quantised-weights.ts";

export interface Option {
  readonly bits: WeightBits;
  readonly bytes: number;
  /** Predicted divergence, or anything that adds up over layers. */
  readonly cost: number;
}

/** Bits by layer name. */
export type Plan = ReadonlyMap<string, WeightBits>;

export interface PlannedSize {
  readonly plan: Plan;
  /** Of all layers together. */
  readonly bytes: number;
}

/** Plans from the most bytes to the fewest; each differs from the one before in a single layer. */
export function allocationPath(layers: ReadonlyMap<string, readonly Option[]>): PlannedSize[] {
  const steps: { name: string; to: Option; saved: number; rate: number }[] = [];
  const plan = new Map<string, WeightBits>();
  let bytes = 0;
  for (const [name, options] of layers) {
    const hull = lowerHull(options);
    plan.set(name, hull[0]!.bits);
    bytes += hull[0]!.bytes;
    for (let i = 1; i < hull.length; i++) {
      const saved = hull[i - 1]!.bytes - hull[i]!.bytes;
      steps.push({ name, to: hull[i]!, saved, rate: (hull[i]!.cost - hull[i - 1]!.cost) / saved });
    }
  }
  // Within a layer rates rise along its hull, so one sort keeps each layer's steps in order.
  steps.sort((a, b) => a.rate - b.rate);
  const path: PlannedSize[] = [{ plan: new Map(plan), bytes }];
  for (const { name, to, saved } of steps) {
    plan.set(name, to.bits);
    bytes -= saved;
    path.push({ plan: new Map(plan), bytes });
  }
  return path;
}

/**
 * A plan between two of a path: of the steps to `at` those are taken back, from the last on, that `bytes` more allow. The step that
 * went past a limit may have saved many times what was missing.
 */
export function filledUp(path: readonly PlannedSize[], at: number, bytes: number): PlannedSize {
  const plan = new Map(path[at]!.plan);
  const stay = new Set<string>();
  let left = bytes;
  for (let i = at; i > 0; i--) {
    const [before, after] = [path[i - 1]!, path[i]!];
    const [name, bits] = [...before.plan].find(([each, was]) => after.plan.get(each) !== was)!;
    const saved = before.bytes - after.bytes;
    // A layer's earlier steps stand as long as a later one does.
    if (saved > left) stay.add(name);
    if (stay.has(name)) continue;
    plan.set(name, bits);
    left -= saved;
  }
  return { plan, bytes: path[at]!.bytes + bytes - left };
}

/** From the largest option to the smallest, dropping those that a mix of their neighbours beats. */
function lowerHull(options: readonly Option[]): Option[] {
  const hull: Option[] = [];
  for (const next of options.toSorted((a, b) => b.bytes - a.bytes || a.cost - b.cost)) {
    if (hull.at(-1)?.bytes === next.bytes) continue;
    while (hull.length > 0 && hull.at(-1)!.cost >= next.cost) hull.pop();
    while (hull.length > 1 && rate(hull.at(-2)!, hull.at(-1)!) >= rate(hull.at(-2)!, next)) hull.pop();
    hull.push(next);
  }
  return hull;
}

function rate(from: Option, to: Option): number {
  return (to.cost - from.cost) / (from.bytes - to.bytes);
}
