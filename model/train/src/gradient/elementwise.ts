/** Gradients of arithmetic and of the other operators that work element by element, broadcasting as ONNX does. */
import { attribute, type Emitter, elementTypes, type Value } from "@cupel/onnx";
import { type GradientContext, type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";
import { unary } from "./formula.ts";

interface Terms {
  readonly emit: Emitter;
  readonly dy: Value;
  readonly a: Value;
  readonly b: Value;
  readonly y: Value;
}

/** y = f(a, b), broadcast: the formulas return the gradients in the shape of y. */
function binary(ofA: (terms: Terms) => Value, ofB: (terms: Terms) => Value): GradientRule {
  return (context) => {
    const { emit } = context;
    const [a, b] = [context.input(0), context.input(1)];
    const terms = { emit, dy: incomingOf(context), a, b, y: context.output() };
    return [
      context.wants(0) ? emit.sumTo(ofA(terms), emit.dims(a)) : null,
      context.wants(1) ? emit.sumTo(ofB(terms), emit.dims(b)) : null,
    ];
  };
}

/** The gradient of every input that is wanted, in the shape of the output; `formula` is asked once each. */
function eachInput(
  context: GradientContext,
  formula: (input: Value, index: number) => Value,
): (Value | null)[] {
  return context.node.inputs.map((input, index) =>
    input && context.wants(index)
      ? context.emit.sumTo(formula(input, index), context.emit.dims(input))
      : null,
  );
}

/** A broadcast gradient is summed first, then scaled: fewer elements. */
const sum: GradientRule = (context) => eachInput(context, () => incomingOf(context));
const subtract: GradientRule = (context) =>
  sum(context).map((gradient, index) => gradient && (index === 0 ? gradient : context.emit.neg(gradient)));
const mean: GradientRule = (context) => {
  const share = 1 / context.node.inputs.length;
  return sum(context).map((gradient) => gradient && context.emit.mul(gradient, share));
};

/** Max and Min: an element's gradient goes to the input it came from; to the first of those that tie. */
const extreme: GradientRule = (context) => {
  const { emit } = context;
  let left = incomingOf(context);
  return context.node.inputs.map((_, index) => {
    const input = context.input(index);
    const chosen = emit.op("Equal", [input, context.output()]);
    const gradient = context.wants(index) ? emit.where(chosen, left, 0) : null;
    left = emit.where(chosen, 0, left);
    return gradient && emit.sumTo(gradient, emit.dims(input));
  });
};

const where: GradientRule = (context) => {
  const { emit } = context;
  const condition = context.input(0);
  const dy = incomingOf(context);
  return eachInput(context, (_, index) =>
    index === 1 ? emit.where(condition, dy, 0) : emit.where(condition, 0, dy),
  );
};

/** a^b: b a^(b-1) and a^b ln a. The exponent is often the constant 2, and may be of an integer type. */
const pow: GradientRule = (context) => {
  const { emit } = context;
  const [a, b] = [context.input(0), context.input(1)];
  const dy = incomingOf(context);
  const ofBase = (): Value => {
    const exponents = b.constant?.toNumbers();
    if (exponents?.length === 1) {
      const exponent = exponents[0]!;
      const power = exponent === 2 ? a : emit.op("Pow", [a, emit.scalar(exponent - 1)]);
      return emit.mul(emit.mul(dy, exponent), power);
    }
    const exponent = emit.elementType(b) === "float32" ? b : emit.cast(b, "float32");
    return emit.mul(dy, emit.mul(exponent, emit.op("Pow", [a, emit.sub(exponent, 1)])));
  };
  /** A base that is not above 0 has no logarithm; the power does not move there (0) or is not real (below). */
  const ofExponent = (): Value => {
    const logarithm = emit.where(emit.op("Greater", [a, emit.scalar(0)]), emit.op("Log", [a]), 0);
    return emit.mul(emit.mul(dy, context.output()), logarithm);
  };
  return eachInput(context, (_, index) => (index === 0 ? ofBase() : ofExponent()));
};

/** At inference, and with a ratio of 0, Dropout is the identity; the mask it draws in training is not kept. */
const dropout: GradientRule = (context) => {
  const [ratio, mode] = [context.node.input(1), context.node.input(2)];
  const isOff = ratio?.constant?.toNumbers()[0] === 0;
  if (!isOff && mode && mode.constant?.toNumbers()[0] !== 0) {
    throw context.unsupported("it draws its mask anew; only the inference mode can be differentiated");
  }
  return [incomingOf(context)];
};

const identity = unary(({ dy }) => dy);
/** Steps: flat wherever they are differentiable. */
const zero = unary(({ emit, x }) => emit.filled(emit.dims(x), 0));
/** 1 + k x^2, which the inverse functions share. */
const onePlus = (emit: Emitter, x: Value, k: 1 | -1): Value =>
  k === 1 ? emit.add(emit.mul(x, x), 1) : emit.sub(1, emit.mul(x, x));

export const elementwiseGradients: GradientTable = {
  Add: sum,
  Sub: subtract,
  Mul: binary(
    ({ emit, dy, b }) => emit.mul(dy, b),
    ({ emit, dy, a }) => emit.mul(dy, a),
  ),
  Div: binary(
    ({ emit, dy, b }) => emit.div(dy, b),
    ({ emit, dy, b, y }) => emit.neg(emit.mul(dy, emit.div(y, b))),
  ),
  Pow: pow,
  Sum: sum,
  Mean: mean,
  Max: extreme,
  Min: extreme,
  Where: where,

  Identity: identity,
  Dropout: dropout,
  Cast: unary(({ emit, dy, x }) =>
    emit.op("Cast", [dy], { to: attribute.int(elementTypes[emit.elementType(x)].code) }),
  ),
  Neg: unary(({ emit, dy }) => emit.neg(dy)),
  Abs: unary(({ emit, dy, x }) => emit.mul(dy, emit.op("Sign", [x]))),
  Exp: unary(({ emit, dy, y }) => emit.mul(dy, y)),
  Log: unary(({ emit, dy, x }) => emit.div(dy, x)),
  Sqrt: unary(({ emit, dy, y }) => emit.div(emit.mul(dy, 0.5), y)),
  Reciprocal: unary(({ emit, dy, y }) => emit.neg(emit.mul(dy, emit.mul(y, y)))),
  /** 2/sqrt(pi) e^(-x^2) */
  Erf: unary(({ emit, dy, x }) =>
    emit.mul(emit.mul(dy, 2 / Math.sqrt(Math.PI)), emit.op("Exp", [emit.neg(emit.mul(x, x))])),
  ),

  Sin: unary(({ emit, dy, x }) => emit.mul(dy, emit.op("Cos", [x]))),
  Cos: unary(({ emit, dy, x }) => emit.neg(emit.mul(dy, emit.op("Sin", [x])))),
  Tan: unary(({ emit, dy, y }) => emit.mul(dy, onePlus(emit, y, 1))),
  Asin: unary(({ emit, dy, x }) => emit.div(dy, emit.op("Sqrt", [onePlus(emit, x, -1)]))),
  Acos: unary(({ emit, dy, x }) => emit.neg(emit.div(dy, emit.op("Sqrt", [onePlus(emit, x, -1)])))),
  Atan: unary(({ emit, dy, x }) => emit.div(dy, onePlus(emit, x, 1))),
  Sinh: unary(({ emit, dy, x }) => emit.mul(dy, emit.op("Cosh", [x]))),
  Cosh: unary(({ emit, dy, x }) => emit.mul(dy, emit.op("Sinh", [x]))),
  Asinh: unary(({ emit, dy, x }) => emit.div(dy, emit.op("Sqrt", [onePlus(emit, x, 1)]))),
  Acosh: unary(({ emit, dy, x }) => emit.div(dy, emit.op("Sqrt", [emit.sub(emit.mul(x, x), 1)]))),
  Atanh: unary(({ emit, dy, x }) => emit.div(dy, onePlus(emit, x, -1))),

  Sign: zero,
  Floor: zero,
  Ceil: zero,
  Round: zero,
};
