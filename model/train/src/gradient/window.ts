/**
 * The sliding window of a Conv or pooling node with everything resolved: defaults filled in and `auto_pad`
 * turned into pads (ONNX Conv, AveragePool). One entry a spatial axis.
 */
import type { Dims, Node } from "@cupel/onnx";

export interface Window {
  readonly kernel: Dims;
  readonly strides: Dims;
  readonly dilations: Dims;
  /** Padding before and behind the data. */
  readonly begins: Dims;
  readonly ends: Dims;
  /** What the window slides over, and how often it stops. */
  readonly sizes: Dims;
  readonly outputs: Dims;
}

/** Sizes are those of spatial axes only. */
export function windowOf(node: Node, kernel: Dims, sizes: Dims, outputs: Dims): Window {
  const rank = kernel.length;
  const list = (name: string) => node.ints(name) ?? kernel.map(() => 1);
  const strides = list("strides");
  const dilations = list("dilations");
  const window = { kernel, strides, dilations, sizes, outputs };
  const autoPad = node.string("auto_pad", "NOTSET");
  if (autoPad.startsWith("SAME")) {
    const totals = kernel.map((_, axis) => Math.max(reachOf(window, axis) - sizes[axis]!, 0));
    return { ...window, ...split(totals, autoPad === "SAME_UPPER") };
  }
  const pads = autoPad === "VALID" ? null : node.ints("pads");
  return {
    ...window,
    begins: pads?.slice(0, rank) ?? kernel.map(() => 0),
    ends: pads?.slice(rank) ?? kernel.map(() => 0),
  };
}

/** Halves each padding; the odd one goes behind the data (SAME_UPPER) or before it. */
export function split(totals: Dims, oddBehind: boolean): { begins: Dims; ends: Dims } {
  const begins = totals.map((total) => (oddBehind ? Math.floor(total / 2) : Math.ceil(total / 2)));
  return { begins, ends: totals.map((total, axis) => total - begins[axis]!) };
}

/** Length of the kernel with its holes. */
export function extentOf({ kernel, dilations }: Pick<Window, "kernel" | "dilations">, axis: number): number {
  return (kernel[axis]! - 1) * dilations[axis]! + 1;
}

/** From the first position the window touches to the last. */
export function reachOf(
  window: Pick<Window, "kernel" | "dilations" | "strides" | "outputs">,
  axis: number,
): number {
  return (window.outputs[axis]! - 1) * window.strides[axis]! + extentOf(window, axis);
}

/** Positions along the data that stop `output` of the window touches; outside 0..size-1 it is padding. */
export function positionsOf(window: Window, axis: number, output: number): number[] {
  const first = output * window.strides[axis]! - window.begins[axis]!;
  return Array.from({ length: window.kernel[axis]! }, (_, tap) => first + tap * window.dilations[axis]!);
}
