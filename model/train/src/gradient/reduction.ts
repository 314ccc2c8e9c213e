/**
 * Gradients of reductions. The incoming gradient gets back the axes that were folded, with size 1, and
 * broadcasts against the input; only ReduceSum and ReduceMean have to repeat it in full.
 */
import { type Dims, type Emitter, foldedAxes, type Value } from "@cupel/onnx";
import { constantInput, type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";

interface Terms {
  readonly emit: Emitter;
  readonly x: Value;
  readonly dims: Dims;
  /** The folded axes, from the start. */
  readonly axes: readonly number[];
  /** The output and its gradient, folded axes kept with size 1. */
  readonly y: Value;
  readonly dy: Value;
}

/** The formula returns what broadcasts to the shape of x. */
const reduction =
  (formula: (terms: Terms) => Value): GradientRule =>
  (context) => {
    const { emit } = context;
    const x = context.input(0);
    const dims = emit.dims(x);
    const axes = foldedAxes(context.node, constantInput(context, 1, "axes") ?? [], dims.length);
    const kept = dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const y = emit.reshape(context.output(), kept);
    const dy = emit.reshape(incomingOf(context), kept);
    return [emit.expand(formula({ emit, x, dims, axes, y, dy }), dims)];
  };

/** Max and Min: shared evenly by the elements that tie. */
const extreme = reduction(({ emit, x, axes, y, dy }) => {
  const chosen = emit.cast(emit.op("Equal", [x, y]), "float32");
  return emit.mul(chosen, emit.div(dy, emit.reduce("ReduceSum", chosen, axes)));
});

export const reductionGradients: GradientTable = {
  ReduceSum: reduction(({ dy }) => dy),
  ReduceMean: reduction(({ emit, dims, axes, dy }) =>
    emit.div(
      dy,
      axes.reduce((count, axis) => count * dims[axis]!, 1),
    ),
  ),
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceL1: reduction(({ emit, x, dy }) => emit.mul(dy, emit.op("Sign", [x]))),
  /** The norm of nothing but zeros has a kink there; 0 is the usual choice. */
  ReduceL2: reduction(({ emit, x, y, dy }) =>
    emit.mul(x, emit.where(emit.op("Greater", [y, emit.scalar(0)]), emit.div(dy, y), 0)),
  ),
  ReduceSumSquare: reduction(({ emit, x, dy }) => emit.mul(x, emit.mul(dy, 2))),
  ReduceLogSum: reduction(({ emit, y, dy }) => emit.div(dy, emit.op("Exp", [y]))),
  ReduceLogSumExp: reduction(({ emit, x, y, dy }) => emit.mul(dy, emit.op("Exp", [emit.sub(x, y)]))),
};
