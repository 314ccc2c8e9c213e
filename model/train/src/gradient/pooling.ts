/** Gradients of pooling: a maximum sends everything back to where it was, a mean spreads it evenly. */
import { elementCount } from "@cupel/base";
import { attribute, type Emitter, type Value } from "@cupel/onnx";
import { type GradientContext, type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";
import { auxiliaryOutput } from "./auxiliary-output.ts";
import { type AxisMap, transposeMaps } from "./separable.ts";
import { extentOf, positionsOf, type Window, windowOf } from "./window.ts";

/** The engine tells where each maximum was; of equal ones it takes the first, as PyTorch does. */
const maxPool: GradientRule = (context) => {
  const { emit, node, input, output, unsupported } = context;
  if (node.int("storage_order", 0) !== 0) throw unsupported("storage_order 1 is not covered");
  const dy = incomingOf(context);
  const indices = auxiliaryOutput(context, 1, "int64", emit.dims(output()));
  const window = poolOf(context);
  // Windows that do not overlap hit each element once at most.
  const overlaps = window.kernel.some((_, axis) => extentOf(window, axis) > window.strides[axis]!);
  return [scatter(emit, emit.dims(input(0)), indices, dy, overlaps)];
};

/** Adds each of `values` to a zero tensor, at its index among all elements. */
function scatter(
  emit: Emitter,
  dims: readonly number[],
  indices: Value,
  values: Value,
  adds: boolean,
): Value {
  const zeros = emit.filled([elementCount(dims)], 0);
  const flat = (value: Value) => emit.reshape(value, [elementCount(emit.dims(value))]);
  const scattered = emit.op("ScatterElements", [zeros, flat(indices), flat(values)], {
    axis: attribute.int(0),
    reduction: attribute.string(adds ? "add" : "none"),
  });
  return emit.reshape(scattered, dims);
}

const globalMaxPool: GradientRule = (context) => {
  const { emit, input } = context;
  const dims = emit.dims(input(0));
  const [batch, channels, ...spatial] = dims;
  const flat = [batch!, channels!, elementCount(spatial)];
  const place = emit.op("ArgMax", [emit.reshape(input(0), flat)], { axis: attribute.int(2) });
  const dy = emit.reshape(incomingOf(context), [batch!, channels!, 1]);
  const scattered = emit.op("ScatterElements", [emit.filled(flat, 0), place, dy], { axis: attribute.int(2) });
  return [emit.reshape(scattered, dims)];
};

/** A mean of means: the weight of an element is the product of its weights along the axes. */
const averagePool: GradientRule = (context) => {
  const window = poolOf(context);
  const countsPads = context.node.int("count_include_pad", 0) === 1;
  const maps = window.sizes.map((_, axis) => meanMap(window, axis, countsPads));
  return [transposeMaps(context.emit, incomingOf(context), maps)];
};

/** Padding counts if the node says so; what `ceil_mode` lets a window reach beyond the padding never does. */
function meanMap(window: Window, axis: number, countsPads: boolean): AxisMap {
  const size = window.sizes[axis]!;
  const outputs = window.outputs[axis]!;
  const entries: [number, number, number][] = [];
  for (let output = 0; output < outputs; output++) {
    const positions = positionsOf(window, axis, output);
    const inside = positions.filter((position) => position >= 0 && position < size);
    const counted = positions.filter((position) => position < size + window.ends[axis]!);
    const weight = 1 / (countsPads ? counted : inside).length;
    for (const position of inside) entries.push([output, position, weight]);
  }
  return { axis: axis + 2, size, outputs, entries };
}

const globalAveragePool: GradientRule = (context) => {
  const dims = context.emit.dims(context.input(0));
  const share = context.emit.div(incomingOf(context), elementCount(dims.slice(2)));
  return [context.emit.expand(share, dims)];
};

function poolOf({ node, emit, input, output }: GradientContext): Window {
  const spatial = (value: Value) => emit.dims(value).slice(2);
  return windowOf(node, node.ints("kernel_shape") ?? [], spatial(input(0)), spatial(output()));
}

export const poolingGradients: GradientTable = {
  MaxPool: maxPool,
  GlobalMaxPool: globalMaxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
};
