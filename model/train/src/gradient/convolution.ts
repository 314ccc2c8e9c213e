/** Gradients of Conv and ConvTranspose in one, two or three spatial dimensions. */
import { attribute, type Emitter, type Value, weightLayout } from "@cupel/onnx";
import { type GradientContext, type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";
import { inputGradient } from "./convolution-input-gradient.ts";
import type { ConvShape } from "./convolution-shape.ts";
import { weightGradient } from "./convolution-weight-gradient.ts";
import { extentOf, split, windowOf } from "./window.ts";

const conv: GradientRule = (context) => {
  const { emit, node, input, output, wants } = context;
  const [x, weight, dy] = [input(0), input(1), incomingOf(context)];
  const [batch, channels, ...sizes] = emit.dims(x);
  const { outputs: filters, groups, kernel } = weightLayout(node, emit.dims(weight))!;
  const shape: ConvShape = {
    ...windowOf(node, kernel, sizes, emit.dims(output()).slice(2)),
    batch: batch!,
    channels: channels!,
    filters,
    group: groups,
  };
  return [
    wants(0) ? inputGradient(emit, shape, weight, dy) : null,
    wants(1) ? weightGradient(emit, shape, x, dy) : null,
    wants(2) ? biasGradient(emit, dy) : null,
  ];
};

/** The adjoint of a Conv from y to x: its data gradient is that Conv, its weight gradient that Conv's with x and dy exchanged. */
const convTranspose: GradientRule = (context) => {
  const { emit, input, wants } = context;
  const [x, weight, dy] = [input(0), input(1), incomingOf(context)];
  const shape = adjointOf(context, emit.dims(x), emit.dims(weight), emit.dims(dy));
  return [
    wants(0)
      ? emit.op("Conv", [dy, weight], {
          kernel_shape: attribute.ints(shape.kernel),
          strides: attribute.ints(shape.strides),
          dilations: attribute.ints(shape.dilations),
          pads: attribute.ints([...shape.begins, ...shape.ends]),
          group: attribute.int(shape.group),
        })
      : null,
    wants(1) ? weightGradient(emit, shape, dy, x) : null,
    wants(2) ? biasGradient(emit, dy) : null,
  ];
};

/** The pads are whatever makes the stated output (ONNX ConvTranspose, `output_shape`). */
function adjointOf(
  { node, unsupported }: GradientContext,
  [batch, filters, ...outputs]: readonly number[],
  [, , ...kernel]: readonly number[],
  [, channels, ...sizes]: readonly number[],
): ConvShape {
  const window = windowOf(node, kernel, sizes, outputs);
  const extra = node.ints("output_padding") ?? kernel.map(() => 0);
  if (extra.some((padding, axis) => padding >= window.strides[axis]!)) {
    throw unsupported("its output_padding is not below its stride");
  }
  const autoPad = node.string("auto_pad", "NOTSET");
  const isDerived = node.ints("output_shape") !== null || autoPad.startsWith("SAME");
  const totals = kernel.map((_, axis) =>
    Math.max(
      (outputs[axis]! - 1) * window.strides[axis]! + extra[axis]! + extentOf(window, axis) - sizes[axis]!,
      0,
    ),
  );
  return {
    ...window,
    ...(isDerived ? split(totals, autoPad === "SAME_UPPER") : {}),
    batch: batch!,
    channels: channels!,
    filters: filters!,
    group: node.int("group", 1),
  };
}

function biasGradient(emit: Emitter, dy: Value): Value {
  const axes = emit.dims(dy).flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  return emit.reduce("ReduceSum", dy, axes, false);
}

export const convolutionGradients: GradientTable = { Conv: conv, ConvTranspose: convTranspose };
