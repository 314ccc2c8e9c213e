/** Axes as operators write them: from the start or from the end, and those a reduction folds. */
import type { Node } from "../graph/index.ts";
import { type RuleContext, setting } from "./context.ts";

/** An axis counted from the end is counted from the start. */
export const fromStart = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** `fromStart` of an axis that must be there. @throws SHAPE_CONFLICT outside the rank */
export function axisOf(context: RuleContext, axis: number, rank: number): number {
  const positive = fromStart(axis, rank);
  if (positive < 0 || positive >= rank) {
    throw context.conflict(`axis ${axis} does not exist in a tensor of ${rank} dimensions`);
  }
  return positive;
}

/**
 * The axes that a reduction folds, counted from the start. None given means all, unless
 * `noop_with_empty_axes` says none.
 */
export function foldedAxes(node: Node, given: readonly number[], rank: number): readonly number[] {
  if (given.length > 0) return given.map((axis) => fromStart(axis, rank));
  return node.int("noop_with_empty_axes", 0) === 1 ? [] : Array.from({ length: rank }, (_, axis) => axis);
}

/** `foldedAxes` of the node in hand. Null when they are not known. @throws SHAPE_CONFLICT outside the rank */
export function reductionAxes(context: RuleContext, rank: number): readonly number[] | null {
  const axes = setting(context, "axes", 1);
  if (axes.kind === "unknown") return null;
  const given = axes.kind === "known" ? axes.values.map((axis) => axisOf(context, axis, rank)) : [];
  return foldedAxes(context.node, given, rank);
}
