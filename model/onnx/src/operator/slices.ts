/** What a Slice cuts, axis by axis, and which axes a Shape reports. */
import type { Dimension, Node } from "../graph/index.ts";
import { axisOf } from "./axes.ts";
import { type RuleContext, setting } from "./context.ts";

export interface AxisSlice {
  readonly axis: number;
  /** As written, maybe negative or far beyond the end; null when not known. */
  readonly start: number | null;
  readonly end: number | null;
  readonly step: number | null;
}

/** Exporters write "to the end" as the greatest integer of 32 or 64 bits. */
const endless = 2 ** 31 - 1;

/** Null when not even the axes are known. */
export function slicesOf(context: RuleContext, rank: number): readonly AxisSlice[] | null {
  const starts = context.node.ints("starts") ?? context.elements(1);
  const ends = context.node.ints("ends") ?? context.elements(2);
  const axes = setting(context, "axes", 3);
  const steps = context.has(4) ? context.elements(4) : [];
  if (axes.kind === "unknown") return null;
  const count = axes.kind === "known" ? axes.values.length : (starts?.length ?? ends?.length);
  if (count === undefined || count > rank) return null;
  return Array.from({ length: count }, (_, i) => ({
    axis: axisOf(context, axes.kind === "known" ? axes.values[i]! : i, rank),
    start: numberAt(starts, i),
    end: numberAt(ends, i),
    step: steps === null ? null : steps.length === 0 ? 1 : numberAt(steps, i),
  }));
}

function numberAt(list: readonly Dimension[] | null, index: number): number | null {
  const found = list?.[index];
  return typeof found === "number" ? found : null;
}

export function sliceLength(size: Dimension, slice: AxisSlice): Dimension {
  const { start, end, step } = slice;
  if (start === 0 && step === 1 && end !== null && end >= endless) return size;
  if (typeof size !== "number") return null;
  return slicePositions(size, slice)?.length ?? null;
}

/** The positions a slice takes from an axis of `size`. Null when not known. */
export function slicePositions(size: number, slice: AxisSlice): readonly number[] | null {
  const { start, end, step } = slice;
  if (start === null || end === null || step === null || step === 0) return null;
  const clamp = (at: number, low: number, high: number) =>
    Math.min(Math.max(at < 0 ? at + size : at, low), high);
  const from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
  const to = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  const count = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length: count }, (_, i) => from + i * step);
}

/** The axes Shape reports; all before operator set 15. */
export function shapeRange(node: Node, rank: number): readonly [start: number, end: number] {
  const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + rank : at, 0), rank);
  const start = clamp(node.int("start", 0));
  return [start, Math.max(start, clamp(node.int("end", rank)))];
}
