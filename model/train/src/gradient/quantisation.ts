/**
 * Gradients of quantisation, y = s (clip(round(x / s) + z) - z), by the straight-through estimator: rounding
 * counts as the identity, clipping as what it is (Bengio et al. 2013, https://arxiv.org/abs/1308.3432).
 *
 * Between QuantizeLinear and DequantizeLinear lie integers, which have no gradient of their own. The walk
 * carries that of the numbers they stand for, dL/dy, so each operator of the pair has a rule by itself:
 *
 *   dL/dx = dL/dy where x / s + z lies in the integer range, 0 outside
 *   dL/ds = sum of dL/dy (q - z) [DequantizeLinear] - dL/dx x / s [QuantizeLinear]
 *
 * The two together are the learned step size, q - z - x/s inside the range and the bound outside (LSQ, Esser
 * et al. 2020, https://arxiv.org/abs/1902.08153), and carry its factor 1 / sqrt(n Qp): n elements share the
 * step, those of the whole batch; Qp is the greatest integer of the type. A DequantizeLinear of stored
 * integers has the plain gradient.
 */
import { elementCount } from "@cupel/base";
import { type ElementType, fromStart, type Value } from "@cupel/onnx";
import { type GradientContext, type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";

const quantize: GradientRule = (context) => {
  const { emit } = context;
  const integers = context.output();
  const reader = integers.uses.find((use) => !use.node.is("DequantizeLinear"))?.node;
  if (reader) throw context.unsupported(`${reader.label} reads its integers; only DequantizeLinear may`);
  const x = context.input(0);
  const range = rangeOf(emit.elementType(integers));
  if (!range) throw context.unsupported(`${emit.elementType(integers)} is no range of integers`);
  const step = alongAxis(context, context.input(1));
  const zero = context.node.input(2);
  const zeroPoint = zero ? alongAxis(context, emit.cast(zero, "float32")) : 0;
  const bound = (integer: number): Value => emit.mul(step, emit.sub(emit.scalar(integer), zeroPoint));
  const clipped = emit.op("Max", [emit.op("Min", [x, bound(range.most)]), bound(range.least)]);
  const dx = emit.masked(incomingOf(context), emit.op("Equal", [x, clipped]));
  return [dx, context.wants(1) ? emit.neg(stepGradient(context, emit.mul(dx, x), range.most)) : null];
};

const dequantize: GradientRule = (context) => {
  const { emit } = context;
  const dy = incomingOf(context);
  if (!context.wants(1)) return [dy];
  const integers = context.input(0);
  const isLearned = integers.producer?.is("QuantizeLinear");
  const most = isLearned ? rangeOf(emit.elementType(integers))?.most : undefined;
  // q - z = y / s.
  return [dy, stepGradient(context, emit.mul(dy, context.output()), most)];
};

/** `terms`, of the shape of x, summed over the elements that share a step and divided by it; scaled as LSQ does. */
function stepGradient(context: GradientContext, terms: Value, most: number | undefined): Value {
  const { emit } = context;
  const step = context.input(1);
  const dims = emit.dims(step);
  const sum = emit.reshape(emit.sumTo(terms, emit.dims(alongAxis(context, step))), dims);
  const gradient = emit.div(sum, step);
  if (most === undefined) return gradient;
  const sharing = elementCount(emit.dims(terms)) / elementCount(dims);
  return emit.mul(gradient, 1 / Math.sqrt(sharing * most));
}

/** A scale or zero point, one for all or one for each slice of `axis`, in a shape that broadcasts to that of x. */
function alongAxis(context: GradientContext, value: Value): Value {
  const { emit, node } = context;
  if (node.int("block_size", 0) !== 0) throw context.unsupported("its scales are those of blocks");
  const rank = emit.dims(context.input(0)).length;
  const axis = fromStart(node.int("axis", 1), rank);
  const count = elementCount(emit.dims(value));
  return emit.reshape(
    value,
    count === 1 ? [] : Array.from({ length: rank }, (_, at) => (at === axis ? count : 1)),
  );
}

/** Null for types that are no integers. */
function rangeOf(type: ElementType): { readonly least: number; readonly most: number } | null {
  const [, unsigned, bits] = /^(u?)int(\d+)$/.exec(type) ?? [];
  if (bits === undefined) return null;
  const levels = 2 ** Number(bits);
  return unsigned ? { least: 0, most: levels - 1 } : { least: -levels / 2, most: levels / 2 - 1 };
}

export const quantisationGradients: GradientTable = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
};
