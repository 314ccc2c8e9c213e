/**
 * The gradient of Conv with respect to its weight: dw[m, c, k] is the sum, over images and stops of the
 * window, of dy[m] times what tap k saw of x[c]. The engine has no kernel for it; each form below says the
 * same with operators it has, and which is fastest depends on the shape.
 *
 * Milliseconds of one thread (im2col / swapped / per tap; forward), depthwise 3x3, batch 16, measured while
 * others worked: 96 ch 32x32: 31 / 29 / 30 (6); 16x16: 7.3 / 12 / 6.1 (1.9); to 8x8 by stride 2:
 * 6.7 / 3.4 / 7.6 (1.4); 384 ch 4x4: 8.0 / 3.2 / 4.8 (1.6). Not depthwise, 512 ch 4x4: 23 / 32 / - (19).
 */
import { elementCount } from "@cupel/base";
import { attribute, type Emitter, type Value } from "@cupel/onnx";
import { type ConvShape, isDepthwise, isPointwise } from "./convolution-shape.ts";

export type WeightGradientForm = "pointwise" | "im2col" | "swapped" | "depthwise";

type Form = (emit: Emitter, conv: ConvShape, x: Value, dy: Value) => Value;

/** @returns [filters, channels / group, ...kernel] */
export const weightGradient: Form = (emit, conv, x, dy) =>
  weightGradientForms[weightGradientForm(conv)](emit, conv, x, dy);

/** First row that applies. */
const choice: readonly (readonly [(conv: ConvShape) => boolean, WeightGradientForm])[] = [
  // As a convolution with as many positions as the window has stops: few are better for it, holes cost nothing.
  [(conv) => isDepthwise(conv) && (isStrided(conv) || elementCount(conv.outputs) <= 16), "swapped"],
  [(conv) => isDepthwise(conv), "depthwise"],
  [(conv) => isPointwise(conv), "pointwise"],
];

const isStrided = ({ strides }: ConvShape): boolean => strides.some((stride) => stride > 1);

export function weightGradientForm(conv: ConvShape): WeightGradientForm {
  return choice.find(([applies]) => applies(conv))?.[1] ?? "im2col";
}

/** A kernel of one element: one product a group, nothing to gather. */
const pointwise: Form = (emit, conv, x, dy) =>
  emit.reshape(timesTransposed(emit, byGroup(emit, conv, dy), byGroup(emit, conv, x)), weightDims(conv));

/** All taps side by side, then one product a group. */
const im2col: Form = (emit, conv, x, dy) => {
  const { group, channels, filters, kernel } = conv;
  const data = padded(emit, conv, channelsFirst(emit, x));
  const columns = taps(conv).map((tap) => grouped(emit, conv, touchedBy(emit, conv, data, tap)));
  const rows = byGroup(emit, conv, dy);
  const products = timesTransposed(emit, rows, emit.concat(columns, group === 1 ? 0 : 1));
  const byTap = emit.reshape(products, [filters, elementCount(kernel), channels / group]);
  return emit.reshape(emit.transpose(byTap, [0, 2, 1]), weightDims(conv));
};

/**
 * A convolution in which batch and channels trade places, dy is the kernel, and strides and dilations are
 * exchanged. Where the last stride leaves a remainder it yields more taps than the kernel has.
 */
const swapped: Form = (emit, conv, x, dy) => {
  const { group, channels, batch, kernel, strides, dilations, begins, ends } = conv;
  const inner = channels / group;
  const spatial = kernel.map((_, axis) => axis);
  const split = emit.reshape(x, [batch, group, inner, ...conv.sizes]);
  const data = emit.transpose(split, [2, 1, 0, ...spatial.map((axis) => axis + 3)]);
  const products = emit.op(
    "Conv",
    [emit.reshape(data, [inner, group * batch, ...conv.sizes]), channelsFirst(emit, dy)],
    {
      kernel_shape: attribute.ints(conv.outputs),
      strides: attribute.ints(dilations),
      dilations: attribute.ints(strides),
      pads: attribute.ints([...begins, ...ends]),
      group: attribute.int(group),
    },
  );
  const axes = spatial.map((axis) => axis + 2);
  const isExact = emit.dims(products).every((size, axis) => axis < 2 || size === kernel[axis - 2]);
  const cropped = isExact
    ? products
    : emit.slice(
        products,
        kernel.map(() => 0),
        kernel,
        axes,
      );
  return channelsFirst(emit, cropped);
};

/** One filter a channel: nothing to multiply as matrices, so an elementwise product and its sum, tap by tap. */
const depthwise: Form = (emit, conv, x, dy) => {
  const data = padded(emit, conv, x);
  const over = [0, ...conv.kernel.map((_, axis) => axis + 2)];
  const sums = taps(conv).map((tap) =>
    emit.reshape(emit.reduce("ReduceSum", emit.mul(touchedBy(emit, conv, data, tap), dy), over), [
      conv.channels,
      1,
    ]),
  );
  return emit.reshape(emit.concat(sums, 1), weightDims(conv));
};

export const weightGradientForms: Readonly<Record<WeightGradientForm, Form>> = {
  pointwise,
  im2col,
  swapped,
  depthwise,
};

function weightDims({ filters, channels, group, kernel }: ConvShape): number[] {
  return [filters, channels / group, ...kernel];
}

/** [N, C, ...] to [C, N, ...]. */
function channelsFirst(emit: Emitter, value: Value): Value {
  return emit.transpose(
    value,
    emit.dims(value).map((_, axis) => (axis < 2 ? 1 - axis : axis)),
  );
}

/** [C, N, ...] to [C, N * ...], or with groups to [group, C / group, N * ...]. */
function grouped(emit: Emitter, { group }: ConvShape, value: Value): Value {
  const [channels, ...rest] = emit.dims(value);
  const dims = [channels! / group, elementCount(rest)];
  return emit.reshape(value, group === 1 ? dims : [group, ...dims]);
}

const byGroup = (emit: Emitter, conv: ConvShape, value: Value): Value =>
  grouped(emit, conv, channelsFirst(emit, value));

/** a times b transposed, of matrices or of stacks of them. */
function timesTransposed(emit: Emitter, a: Value, b: Value): Value {
  if (emit.dims(a).length === 2) return emit.op("Gemm", [a, b], { transB: attribute.int(1) });
  return emit.matMul(a, emit.transpose(b, [0, 2, 1]));
}

/** Zeros around the spatial axes, which are the last ones. */
function padded(emit: Emitter, { begins, ends }: ConvShape, value: Value): Value {
  if ([...begins, ...ends].every((pad) => pad === 0)) return value;
  return emit.op("Pad", [value, emit.integers([0, 0, ...begins, 0, 0, ...ends])]);
}

/** Every position in the kernel, in the order of the weight's elements. */
function taps({ kernel }: ConvShape): number[][] {
  return kernel.reduce<number[][]>(
    (found, size) =>
      found.flatMap((tap) => Array.from({ length: size }, (_, position) => [...tap, position])),
    [[]],
  );
}

/** What a tap sees at every stop of the window: [.., .., ...outputs] of padded data. */
function touchedBy(emit: Emitter, conv: ConvShape, data: Value, tap: readonly number[]): Value {
  const { strides, dilations, outputs } = conv;
  const starts = tap.map((position, axis) => position * dilations[axis]!);
  const ends = starts.map((start, axis) => start + (outputs[axis]! - 1) * strides[axis]! + 1);
  const axes = tap.map((_, axis) => axis + 2);
  return emit.slice(data, starts, ends, axes, strides);
}
