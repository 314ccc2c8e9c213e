/** How a sliding window changes a size: the arithmetic convolution and pooling share (ONNX Conv, AveragePool). */
import type { Dimension } from "../graph/index.ts";
import type { RuleContext } from "./rule.ts";

export interface Window {
  readonly kernel: readonly Dimension[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begins of all axes, then ends, as ONNX writes pads. */
  readonly pads: readonly number[];
  readonly autoPad: string;
  readonly ceil: boolean;
}

/** The window a Conv or pooling node describes. `kernel` from its weight or from `kernel_shape`. */
export function windowOf(context: RuleContext, kernel: readonly Dimension[]): Window {
  const { node } = context;
  const rank = kernel.length;
  const list = (name: string, length: number, fallback: number): readonly number[] => {
    const given = node.ints(name) ?? [];
    if (given.length === 0) return Array.from({ length }, () => fallback);
    if (given.length === length) return given;
    throw context.conflict(`${name} has ${given.length} entries, ${length} belong to ${rank} spatial axes`);
  };
  return {
    kernel,
    strides: list("strides", rank, 1),
    dilations: list("dilations", rank, 1),
    pads: list("pads", 2 * rank, 0),
    autoPad: node.string("auto_pad", "NOTSET"),
    ceil: node.int("ceil_mode", 0) === 1,
  };
}

/** Sizes after the window has slid over `sizes`. @throws SHAPE_CONFLICT when it does not fit even once. */
export function slide(context: RuleContext, sizes: readonly Dimension[], window: Window): Dimension[] {
  return sizes.map((size, axis) => {
    const kernel = window.kernel[axis] ?? null;
    const stride = window.strides[axis]!;
    if (window.autoPad.startsWith("SAME")) {
      if (stride === 1) return size;
      return typeof size === "number" ? Math.ceil(size / stride) : null;
    }
    if (typeof kernel !== "number") return null;
    const begin = window.autoPad === "VALID" ? 0 : window.pads[axis]!;
    const end = window.autoPad === "VALID" ? 0 : window.pads[axis + sizes.length]!;
    const extent = (kernel - 1) * window.dilations[axis]! + 1;
    if (typeof size !== "number") return stride === 1 && begin + end === extent - 1 ? size : null;
    const room = size + begin + end - extent;
    if (room < 0) {
      throw context.conflict(
        `a window of ${extent} does not fit into size ${size} padded by ${begin} and ${end} (spatial axis ${axis})`,
      );
    }
    if (!window.ceil) return Math.floor(room / stride) + 1;
    const count = Math.ceil(room / stride) + 1;
    // A last window that would begin in the padding behind the data is left out.
    return (count - 1) * stride >= size + begin ? count - 1 : count;
  });
}

/** Sizes a transposed convolution makes: `slide` backwards. */
export function slideBack(
  sizes: readonly Dimension[],
  window: Window,
  extra: readonly number[],
): Dimension[] {
  return sizes.map((size, axis) => {
    const kernel = window.kernel[axis] ?? null;
    const stride = window.strides[axis]!;
    if (window.autoPad.startsWith("SAME")) {
      return typeof size === "number" ? size * stride : stride === 1 ? size : null;
    }
    if (typeof size !== "number" || typeof kernel !== "number") return null;
    const pads = window.autoPad === "VALID" ? 0 : window.pads[axis]! + window.pads[axis + sizes.length]!;
    const extent = (kernel - 1) * window.dilations[axis]! + 1;
    return stride * (size - 1) + (extra[axis] ?? 0) + extent - pads;
  });
}
