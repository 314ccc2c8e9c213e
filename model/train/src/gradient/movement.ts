/**
 * Gradients of movement along axes: each element's gradient goes back to where the element came from. What
 * was left out gets 0, what was repeated gets the sum.
 */
import { own } from "@cupel/base";
import { attribute, type Dims, type Emitter, fromStart, type Value } from "@cupel/onnx";
import { constantInput, type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";
import { unary } from "./formula.ts";
import { type AxisMap, transposeMaps } from "./separable.ts";

const transpose = unary(({ emit, node, dy, x }) => {
  const rank = emit.dims(x).length;
  const order = node.ints("perm");
  const inverse = order
    ? order.map((_, axis) => order.indexOf(axis))
    : Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  return emit.transpose(dy, inverse);
});

const concat: GradientRule = (context) => {
  const { emit, node } = context;
  const dy = incomingOf(context);
  const axis = fromStart(node.int("axis", 1), emit.dims(dy).length);
  let end = 0;
  return node.inputs.map((_, index) => {
    const start = end;
    end += emit.dims(context.input(index))[axis]!;
    return context.wants(index) ? emit.slice(dy, [start], [end], [axis]) : null;
  });
};

/** A part that the loss does not depend on has the gradient 0. */
const split: GradientRule = (context) => {
  const { emit, node } = context;
  const axis = fromStart(node.int("axis", 0), emit.dims(context.input(0)).length);
  const parts = node.outputs.map(
    (output, index) => context.incoming(index) ?? emit.filled(emit.dims(output), 0),
  );
  return [emit.concat(parts, axis)];
};

/**
 * Axis by axis: a negative step is turned round, the gaps of a step above 1 are filled with zeros, and so is
 * what lies before the first element and behind the last.
 */
const slice: GradientRule = (context) => {
  const { emit } = context;
  const dims = emit.dims(context.input(0));
  const counts = emit.dims(context.output());
  if (counts.includes(0)) return [emit.filled(dims, 0)];
  const starts = constantInput(context, 1, "starts") ?? [];
  const axes = (constantInput(context, 3, "axes") ?? [...starts.keys()]).map((axis) =>
    fromStart(axis, dims.length),
  );
  const steps = constantInput(context, 4, "steps") ?? axes.map(() => 1);

  let dy = incomingOf(context);
  const reversed = axes.filter((_, i) => steps[i]! < 0);
  if (reversed.length > 0) {
    const each = (value: number) => reversed.map(() => value);
    dy = emit.slice(dy, each(-1), each(beyondStart), reversed, each(-1));
  }
  const strides = dims.map((_, axis) => Math.abs(steps[axes.indexOf(axis)] ?? 1));
  const befores = dims.map((size, axis) => {
    const at = axes.indexOf(axis);
    if (at < 0) return 0;
    const first = firstOf(starts[at]!, steps[at]!, size);
    return steps[at]! > 0 ? first : first + (counts[axis]! - 1) * steps[at]!;
  });
  const spread = withGaps(emit, dy, strides);
  const afters = emit.dims(spread).map((length, axis) => dims[axis]! - befores[axis]! - length);
  return [pad(emit, spread, befores, afters)];
};

/** An end before every start, for a slice that runs backwards to the first element. */
const beyondStart = -(2 ** 31);

/** Where a slice that takes anything begins on an axis of `size`, as the operator clamps it. */
function firstOf(start: number, step: number, size: number): number {
  return Math.min(Math.max(fromStart(start, size), 0), step > 0 ? size : size - 1);
}

/** Every element followed by `stride - 1` zeros along each axis, those behind the last ones included. */
function withGaps(emit: Emitter, value: Value, strides: Dims): Value {
  if (strides.every((stride) => stride === 1)) return value;
  const dims = emit.dims(value);
  const apart = emit.reshape(
    value,
    dims.flatMap((size) => [size, 1]),
  );
  const gaps = strides.flatMap((stride) => [0, stride - 1]);
  const filled = pad(
    emit,
    apart,
    gaps.map(() => 0),
    gaps,
  );
  return emit.reshape(
    filled,
    dims.map((size, axis) => size * strides[axis]!),
  );
}

/** With zeros; a negative count cuts. */
function pad(emit: Emitter, value: Value, befores: Dims, afters: Dims): Value {
  const pads = [...befores, ...afters];
  return pads.every((count) => count === 0) ? value : emit.op("Pad", [value, emit.integers(pads)]);
}

const padding: GradientRule = (context) => {
  const { emit, node } = context;
  const dims = emit.dims(context.input(0));
  const given = constantInput(context, 1, "pads")!;
  const axes = constantInput(context, 3, "axes")?.map((axis) => fromStart(axis, dims.length)) ?? [
    ...dims.keys(),
  ];
  const padOf = (axis: number, side: 0 | 1): number => {
    const at = axes.indexOf(axis);
    return at < 0 ? 0 : given[at + side * axes.length]!;
  };
  const dy = incomingOf(context);
  const source = own(sourceOf, node.string("mode", "constant"));
  if (!source) {
    const cut = (side: 0 | 1) => dims.map((_, axis) => 0 - padOf(axis, side));
    const dx = pad(emit, dy, cut(0), cut(1));
    if (!context.wants(2)) return [dx];
    const sum = (value: Value): Value => emit.reduce("ReduceSum", value, [...dims.keys()], false);
    const constant = emit.dims(context.input(2));
    return [dx, null, emit.reshape(emit.sub(sum(dy), sum(dx)), constant)];
  }
  const maps = emit.dims(dy).map((outputs, axis): AxisMap => {
    const size = dims[axis]!;
    const entries = Array.from(
      { length: outputs },
      (_, output) => [output, source(output - padOf(axis, 0), size), 1] as const,
    );
    return { axis, size, outputs, entries };
  });
  return [transposeMaps(emit, dy, maps)];
};

/** The position that each mode of Pad repeats at `at`, which may lie outside an axis of `size`. */
const sourceOf: Readonly<Record<string, (at: number, size: number) => number>> = {
  edge: (at, size) => Math.min(Math.max(at, 0), size - 1),
  wrap: (at, size) => modulo(at, size),
  /** There and back again without repeating the ends. */
  reflect: (at, size) => {
    const along = modulo(at, Math.max(1, 2 * (size - 1)));
    return Math.min(along, 2 * (size - 1) - along);
  },
};

const modulo = (a: number, b: number): number => ((a % b) + b) % b;

/** Copies lie side by side: each axis is split into [repeats, size] and summed over the repeats. */
const tile = unary(({ emit, dy, x }) => {
  const dims = emit.dims(x);
  const repeats = emit.dims(dy).map((length, axis) => (dims[axis] === 0 ? 1 : length / dims[axis]!));
  const apart = emit.reshape(
    dy,
    dims.flatMap((size, axis) => [repeats[axis]!, size]),
  );
  const axes = repeats.flatMap((count, axis) => (count === 1 ? [] : [2 * axis]));
  return emit.reshape(emit.reduce("ReduceSum", apart, axes), dims);
});

const depthToSpace = unary(({ emit, node, dy, x }) => {
  const block = node.int("blocksize", 1);
  if (node.string("mode", "DCR") === "DCR") {
    return emit.op("SpaceToDepth", [dy], { blocksize: attribute.int(block) });
  }
  // CRD: SpaceToDepth has no such mode, so its steps are written out.
  const [n, , height, width] = emit.dims(x) as [number, number, number, number];
  const channels = emit.dims(dy)[1]!;
  const blocks = emit.reshape(dy, [n, channels, height, block, width, block]);
  return emit.reshape(emit.transpose(blocks, [0, 1, 3, 5, 2, 4]), emit.dims(x));
});

/** What each element was added to lies on its other side. */
const cumSum: GradientRule = (context) => [
  context.emit.op("CumSum", [incomingOf(context), context.input(1)], {
    exclusive: attribute.int(context.node.int("exclusive", 0)),
    reverse: attribute.int(1 - context.node.int("reverse", 0)),
  }),
];

/** Operators that are their own adjoint: the same is done to the gradient. */
const selfAdjoint: GradientRule = (context) => {
  const { emit, node } = context;
  return [emit.append(node, [incomingOf(context), ...node.inputs.slice(1)])[0]!];
};

export const movementGradients: GradientTable = {
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: padding,
  Tile: tile,
  Expand: unary(({ emit, dy, x }) => emit.sumTo(dy, emit.dims(x))),
  DepthToSpace: depthToSpace,
  SpaceToDepth: unary(({ emit, node, dy }) =>
    emit.op("DepthToSpace", [dy], { blocksize: attribute.int(node.int("blocksize", 1)) }),
  ),
  CumSum: cumSum,
  Trilu: selfAdjoint,
  ReverseSequence: selfAdjoint,
};
