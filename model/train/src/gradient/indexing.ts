/**
 * Gradients of elements taken or placed by index. What Gather takes twice adds up: its gradient is a
 * ScatterElements that adds, whose CPU kernel goes through the updates in order and so is deterministic.
 */
import { elementCount } from "@cupel/base";
import { attribute, type Emitter, fromStart, type Value } from "@cupel/onnx";
import { type GradientContext, type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";

/** Zeros [rows, columns] with each row of `updates` [n, columns] added at its index in `indices`, n of them. */
function addRows(emit: Emitter, rows: number, indices: Value, updates: Value): Value {
  const [count, columns] = emit.dims(updates) as [number, number];
  const places = emit.expand(emit.reshape(indices, [count, 1]), [count, columns]);
  return scatter(emit, emit.filled([rows, columns], 0), places, updates, 0, "add");
}

function scatter(
  emit: Emitter,
  data: Value,
  indices: Value,
  updates: Value,
  axis: number,
  reduction: "add" | "none",
): Value {
  return emit.op("ScatterElements", [data, indices, updates], {
    axis: attribute.int(axis),
    ...(reduction === "add" && { reduction: attribute.string(reduction) }),
  });
}

/** The indexed axis goes to the front, so that an index stands for a row. */
const gather: GradientRule = (context) => {
  const { emit, node } = context;
  const dims = emit.dims(context.input(0));
  const indices = context.input(1);
  const axis = fromStart(node.int("axis", 0), dims.length);
  const [before, after] = [dims.slice(0, axis), dims.slice(axis + 1)];
  const count = elementCount(emit.dims(indices));
  const dy = emit.reshape(incomingOf(context), [elementCount(before), count, elementCount(after)]);
  const updates = emit.reshape(emit.transpose(dy, [1, 0, 2]), [
    count,
    elementCount(before) * elementCount(after),
  ]);
  const rows = addRows(emit, dims[axis]!, indices, updates);
  const apart = emit.reshape(rows, [dims[axis]!, elementCount(before), elementCount(after)]);
  return [emit.reshape(emit.transpose(apart, [1, 0, 2]), dims)];
};

const gatherElements: GradientRule = (context) => {
  const { emit, node } = context;
  const zeros = emit.filled(emit.dims(context.input(0)), 0);
  return [scatter(emit, zeros, context.input(1), incomingOf(context), node.int("axis", 0), "add")];
};

/** An address of k numbers becomes the number of a row of what lies behind the first k axes. */
const gatherND: GradientRule = (context) => {
  const { emit, node } = context;
  if (node.int("batch_dims", 0) !== 0) throw context.unsupported("it has batch_dims");
  const dims = emit.dims(context.input(0));
  const indices = context.input(1);
  const addressed = emit.dims(indices).at(-1)!;
  const [leading, trailing] = [dims.slice(0, addressed), dims.slice(addressed)];
  const strides = leading.map((_, axis) => elementCount(leading.slice(axis + 1)));
  // A number counted from the end is too small by the size of its axis.
  const negative = emit.cast(emit.op("Less", [indices, emit.integers([0])]), "int64");
  const positive = emit.add(indices, emit.mul(negative, emit.integers(leading)));
  const rows = emit.reduce("ReduceSum", emit.mul(positive, emit.integers(strides)), [-1], false);
  const count = elementCount(emit.dims(rows));
  const updates = emit.reshape(incomingOf(context), [count, elementCount(trailing)]);
  return [emit.reshape(addRows(emit, elementCount(leading), rows, updates), dims)];
};

/**
 * Scattering over places that differ. What is overwritten has no gradient; what is added to keeps its own.
 * `put` writes zeros over the gradient, `take` reads it where the updates went.
 */
const scattering =
  (
    put: (context: GradientContext, into: Value, zeros: Value) => Value,
    take: (context: GradientContext, from: Value) => Value,
  ): GradientRule =>
  (context) => {
    const { emit, node } = context;
    const reduction = node.string("reduction", "none");
    if (reduction !== "none" && reduction !== "add") {
      throw context.unsupported(`its reduction is ${reduction}; none and add can be`);
    }
    const dy = incomingOf(context);
    const kept = (): Value => put(context, dy, emit.filled(emit.dims(context.input(2)), 0));
    return [
      !context.wants(0) ? null : reduction === "add" ? dy : kept(),
      null,
      context.wants(2) ? take(context, dy) : null,
    ];
  };

const axisOf = ({ node }: GradientContext): number => node.int("axis", 0);

const scatterElements = scattering(
  (context, into, zeros) => scatter(context.emit, into, context.input(1), zeros, axisOf(context), "none"),
  (context, from) =>
    context.emit.op("GatherElements", [from, context.input(1)], { axis: attribute.int(axisOf(context)) }),
);

const scatterND = scattering(
  (context, into, zeros) => context.emit.op("ScatterND", [into, context.input(1), zeros]),
  (context, from) => context.emit.op("GatherND", [from, context.input(1)]),
);

const topK: GradientRule = (context) => {
  const { emit, node } = context;
  const zeros = emit.filled(emit.dims(context.input(0)), 0);
  return [scatter(emit, zeros, context.output(1), incomingOf(context), node.int("axis", -1), "none")];
};

export const indexingGradients: GradientTable = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  TopK: topK,
};
