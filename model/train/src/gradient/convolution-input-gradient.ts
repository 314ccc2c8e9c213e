/**
 * The gradient of Conv with respect to its data: the adjoint of a convolution, which is a transposed
 * convolution with the same weight.
 *
 * With stride 1 it is also a plain convolution. From y[o] = sum_k w[k] x[o - begin + k d] follows
 * dx[i] = sum_k w[k] dy[i + begin - k d] = sum_k w[K-1-k] dy[i - ((K-1) d - begin) + k d]: the kernel
 * flipped, filters and channels exchanged, and the pads complementary. The engine's Conv is faster than its
 * ConvTranspose, which scatters, but the weight has to be turned over each time.
 */
import { attribute, type Value } from "@cupel/onnx";
import type { Emitter } from "../emitter.ts";
import { type ConvShape, product } from "./convolution-shape.ts";
import { extentOf, reachOf } from "./window.ts";

export type InputGradientForm = "transposed" | "flipped";

type Form = (emit: Emitter, conv: ConvShape, weight: Value, dy: Value) => Value;

/** @returns [batch, channels, ...sizes] from the weight [filters, channels / group, ...kernel] and dy */
export const inputGradient: Form = (emit, conv, weight, dy) =>
  inputGradientForms[inputGradientForm(conv)](emit, conv, weight, dy);

/** Turning the weight over pays where each of its elements is then used often enough. */
const leastUsesToFlip = 512;

export function inputGradientForm(conv: ConvShape): InputGradientForm {
  return canFlip(conv) && conv.batch * product(conv.outputs) >= leastUsesToFlip ? "flipped" : "transposed";
}

/** Stride 1, and no pads that the engine's Conv would have to cut off. */
export function canFlip(conv: ConvShape): boolean {
  return conv.kernel.every((_, axis) => {
    const room = extentOf(conv, axis) - 1;
    return conv.strides[axis] === 1 && conv.begins[axis]! <= room && conv.ends[axis]! <= room;
  });
}

const transposed: Form = (emit, conv, weight, dy) =>
  emit.op("ConvTranspose", [dy, weight], {
    ...commonAttributes(conv),
    strides: attribute.ints(conv.strides),
    pads: attribute.ints([...conv.begins, ...conv.ends]),
    // What the last stride left over of the padded data.
    output_padding: attribute.ints(
      conv.sizes.map((size, axis) => size + conv.begins[axis]! + conv.ends[axis]! - reachOf(conv, axis)),
    ),
  });

const flipped: Form = (emit, conv, weight, dy) => {
  const complement = (pads: readonly number[]) => pads.map((pad, axis) => extentOf(conv, axis) - 1 - pad);
  return emit.op("Conv", [dy, turnedOver(emit, conv, weight)], {
    ...commonAttributes(conv),
    pads: attribute.ints([...complement(conv.begins), ...complement(conv.ends)]),
  });
};

export const inputGradientForms: Readonly<Record<InputGradientForm, Form>> = { transposed, flipped };

function commonAttributes({ kernel, dilations, group }: ConvShape) {
  return {
    kernel_shape: attribute.ints(kernel),
    dilations: attribute.ints(dilations),
    group: attribute.int(group),
  };
}

/** [filters, channels / group, ...kernel] to [channels, filters / group, ...kernel flipped]. */
function turnedOver(emit: Emitter, { channels, filters, group, kernel }: ConvShape, weight: Value): Value {
  const [inner, outer] = [channels / group, filters / group];
  const taps = product(kernel);
  const byTap = emit.reshape(weight, [group, outer, inner, taps]);
  const backwards = taps === 1 ? byTap : emit.slice(byTap, [-1], [-taps - 1], [3], [-1]);
  return emit.reshape(emit.transpose(backwards, [0, 2, 1, 3]), [channels, outer, ...kernel]);
}
