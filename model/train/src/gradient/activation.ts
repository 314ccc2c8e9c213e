/**
 * Gradients of activations. Where the derivative can be told from the output it is: the output exists
 * anyway, while an input kept for later would stop the engine from fusing the activation into a Conv.
 */
import type { Emitter, Value } from "@cupel/onnx";
import { type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";
import { unary } from "./formula.ts";

const above = (emit: Emitter, a: Value, bound: number): Value => emit.op("Greater", [a, emit.scalar(bound)]);
const sigmoid = (emit: Emitter, a: Value): Value => emit.op("Sigmoid", [a]);
const square = (emit: Emitter, a: Value): Value => emit.mul(a, a);

/** A slope may be negative, so the sign of the output does not tell the side. */
const prelu: GradientRule = (context) => {
  const { emit } = context;
  const [x, slope] = [context.input(0), context.input(1)];
  const dy = incomingOf(context);
  const positive = above(emit, x, 0);
  return [
    context.wants(0) ? emit.where(positive, dy, emit.mul(dy, slope)) : null,
    context.wants(1) ? emit.sumTo(emit.where(positive, 0, emit.mul(dy, x)), emit.dims(slope)) : null,
  ];
};

/** dy passes strictly between the bounds, as at the kink of Relu; what a bound stops moves the bound. */
const clip: GradientRule = (context) => {
  const { emit } = context;
  const y = context.output();
  const dy = incomingOf(context);
  const compare = (index: number, opType: string): Value | null => {
    const bound = context.node.input(index);
    return bound && emit.op(opType, [y, bound]);
  };
  const within = (): Value => {
    const tests = [compare(1, "Greater"), compare(2, "Less")].filter((test) => test !== null);
    return tests.length === 0
      ? dy
      : emit.masked(
          dy,
          tests.reduce((a, b) => emit.op("And", [a, b])),
        );
  };
  const stopped = (index: number, opType: string): Value | null => {
    const here = context.wants(index) ? compare(index, opType) : null;
    return here && emit.sumTo(emit.masked(dy, here), emit.dims(context.input(index)));
  };
  return [context.wants(0) ? within() : null, stopped(1, "LessOrEqual"), stopped(2, "GreaterOrEqual")];
};

/** y = x P(x), P the normal distribution or its approximation by tanh (Hendrycks and Gimpel 2016). */
const gelu = unary(({ emit, node, dy, x }) => {
  if (node.string("approximate", "none") === "none") {
    const distribution = emit.mul(emit.add(emit.op("Erf", [emit.mul(x, Math.SQRT1_2)]), 1), 0.5);
    const density = emit.mul(emit.op("Exp", [emit.mul(square(emit, x), -0.5)]), 1 / Math.sqrt(2 * Math.PI));
    return emit.mul(dy, emit.add(distribution, emit.mul(x, density)));
  }
  // P = sigmoid(2u) = (1 + tanh u) / 2 with u = c (x + k x^3); P' = 2 P (1 - P) u'.
  const c = Math.sqrt(2 / Math.PI);
  const k = 0.044715;
  const squared = square(emit, x);
  const twiceU = emit.mul(x, emit.add(emit.mul(squared, 2 * c * k), 2 * c));
  const p = sigmoid(emit, twiceU);
  const twiceXSlope = emit.mul(x, emit.add(emit.mul(squared, 6 * c * k), 2 * c));
  return emit.mul(dy, emit.mul(p, emit.add(emit.mul(emit.sub(1, p), twiceXSlope), 1)));
});

/** Up to the kink at 0 the output tells the derivative: alpha e^x = y + alpha. */
const exponentialUnit = (defaultAlpha: number, defaultGamma: number): GradientRule =>
  unary(({ emit, node, dy, x, y }) => {
    const gamma = node.float("gamma", defaultGamma);
    const slope = emit.add(y, node.float("alpha", defaultAlpha) * gamma);
    return emit.mul(dy, emit.where(above(emit, x, 0), gamma, slope));
  });

export const activationGradients: GradientTable = {
  Relu: unary(({ emit, dy, y }) => emit.masked(dy, above(emit, y, 0))),
  LeakyRelu: unary(({ emit, node, dy, x }) =>
    emit.where(above(emit, x, 0), dy, emit.mul(dy, node.float("alpha", 0.01))),
  ),
  PRelu: prelu,
  ThresholdedRelu: unary(({ emit, node, dy, x }) => emit.masked(dy, above(emit, x, node.float("alpha", 1)))),
  Clip: clip,

  Sigmoid: unary(({ emit, dy, y }) => emit.mul(dy, emit.mul(y, emit.sub(1, y)))),
  Tanh: unary(({ emit, dy, y }) => emit.mul(dy, emit.sub(1, square(emit, y)))),
  Softplus: unary(({ emit, dy, x }) => emit.mul(dy, sigmoid(emit, x))),
  Softsign: unary(({ emit, dy, x }) => emit.div(dy, square(emit, emit.add(emit.op("Abs", [x]), 1)))),
  Gelu: gelu,
  /** y = x s, s = sigmoid(alpha x): s + alpha y (1 - s) */
  Swish: unary(({ emit, node, dy, x, y }) => {
    const alpha = node.float("alpha", 1);
    const s = sigmoid(emit, emit.mul(x, alpha));
    return emit.mul(dy, emit.add(s, emit.mul(emit.mul(y, alpha), emit.sub(1, s))));
  }),
  /** y = x t, t = tanh(softplus(x)): t + x (1 - t^2) sigmoid(x) */
  Mish: unary(({ emit, dy, x }) => {
    const t = emit.op("Tanh", [emit.op("Softplus", [x])]);
    const slope = emit.mul(emit.sub(1, square(emit, t)), sigmoid(emit, x));
    return emit.mul(dy, emit.add(t, emit.mul(x, slope)));
  }),

  /** alpha between the ends, where the output is neither 0 nor 1. */
  HardSigmoid: unary(({ emit, node, dy, y }) => {
    const between = emit.op("And", [above(emit, y, 0), emit.op("Less", [y, emit.scalar(1)])]);
    return emit.masked(emit.mul(dy, node.float("alpha", 0.2)), between);
  }),
  /** y = x clip(x/6 + 1/2, 0, 1): x/3 + 1/2 between -3 and 3, 0 below, 1 above. */
  HardSwish: unary(({ emit, dy, x }) => {
    const between = emit.op("Less", [emit.op("Abs", [x]), emit.scalar(3)]);
    const outside = emit.cast(above(emit, x, 0), "float32");
    return emit.mul(dy, emit.where(between, emit.add(emit.mul(x, 1 / 3), 0.5), outside));
  }),
  Elu: exponentialUnit(1, 1),
  /** The constants of Klambauer et al. 2017. */
  Selu: exponentialUnit(1.6732632423543772, 1.0507009873554805),
  /** y = alpha (e^(x/alpha) - 1) below 0: y/alpha + 1 */
  Celu: unary(({ emit, node, dy, x, y }) => {
    const slope = emit.add(emit.mul(y, 1 / node.float("alpha", 1)), 1);
    return emit.mul(dy, emit.where(above(emit, x, 0), 1, slope));
  }),

  /** y (dy - sum(dy y)) */
  Softmax: unary(({ emit, node, dy, y }) => {
    const weighted = emit.reduce("ReduceSum", emit.mul(dy, y), [node.int("axis", -1)]);
    return emit.mul(y, emit.sub(dy, weighted));
  }),
  /** dy - softmax(x) sum(dy) */
  LogSoftmax: unary(({ emit, node, dy, y }) => {
    const total = emit.reduce("ReduceSum", dy, [node.int("axis", -1)]);
    return emit.sub(dy, emit.mul(emit.op("Exp", [y]), total));
  }),
};
