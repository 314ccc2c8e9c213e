/** Operators that work element by element: alone, or on tensors broadcast against each other. */
import { type ElementType, elementTypeOf } from "../graph/index.ts";
import { broadcastShapes } from "./dimension.ts";
import { like, many, type OperatorTable, operator, type Rule, type RuleContext, unary } from "./rule.ts";

/** All inputs broadcast; the output has their element type, or `type`. */
function broadcast(type: ElementType | "same"): Rule {
  return (context) => {
    const indices = context.node.inputs.map((_, index) => index);
    const held = commonType(context, indices);
    const shape = broadcastShapes(
      context,
      indices.map((index) => context.shape(index)),
    );
    return [{ elementType: type === "same" ? held : type, shape }];
  };
}

function commonType(context: RuleContext, indices: readonly number[]): ElementType | null {
  const types = new Set(indices.map((index) => context.elementType(index)));
  types.delete(null);
  if (types.size > 1) throw context.conflict(`element types ${[...types].join(" and ")} differ`);
  return [...types][0] ?? null;
}

/** Pow and BitShift take an exponent of another type: the base decides. */
const broadcastLikeFirst: Rule = (context) => [
  {
    elementType: context.elementType(0),
    shape: broadcastShapes(context, [context.shape(0), context.shape(1)]),
  },
];

const select: Rule = (context) => [
  {
    elementType: commonType(context, [1, 2]),
    shape: broadcastShapes(context, [context.shape(0), context.shape(1), context.shape(2)]),
  },
];

const test: Rule = (context) => [{ elementType: "bool", shape: context.shape(0) }];

const cast: Rule = (context) => [
  { elementType: elementTypeOf(context.node.int("to", 0)) ?? null, shape: context.shape(0) },
];

const castLike: Rule = (context) => [{ elementType: context.elementType(1), shape: context.shape(0) }];

const dropout: Rule = (context) => {
  const shape = context.shape(0);
  const elementType = context.elementType(0);
  return [
    { elementType, shape },
    // The mask was a float before it became a truth value.
    { elementType: context.opset < 10 ? elementType : "bool", shape },
  ];
};

const alone = unary(like(0));
const pair = operator([2, 2], [1, 1], broadcast("same"));
const comparison = operator([2, 2], [1, 1], broadcast("bool"));
const row = operator([1, many], [1, 1], broadcast("same"));

export const elementwiseOperators = {
  Abs: alone,
  Acos: alone,
  Acosh: alone,
  Asin: alone,
  Asinh: alone,
  Atan: alone,
  Atanh: alone,
  BitwiseNot: alone,
  Ceil: alone,
  Celu: alone,
  Clip: operator([1, 3], [1, 1], like(0)),
  Cos: alone,
  Cosh: alone,
  Dropout: operator([1, 3], [1, 2], dropout),
  Elu: alone,
  Erf: alone,
  Exp: alone,
  Floor: alone,
  Gelu: alone,
  HardSigmoid: alone,
  HardSwish: alone,
  Identity: alone,
  LeakyRelu: alone,
  Log: alone,
  Mish: alone,
  Neg: alone,
  Not: alone,
  Reciprocal: alone,
  Relu: alone,
  Round: alone,
  Selu: alone,
  Shrink: alone,
  Sigmoid: alone,
  Sign: alone,
  Sin: alone,
  Sinh: alone,
  Softplus: alone,
  Softsign: alone,
  Sqrt: alone,
  Swish: alone,
  Tan: alone,
  Tanh: alone,
  ThresholdedRelu: alone,

  Add: pair,
  BitwiseAnd: pair,
  BitwiseOr: pair,
  BitwiseXor: pair,
  Div: pair,
  Mod: pair,
  Mul: pair,
  Sub: pair,
  And: comparison,
  Or: comparison,
  Xor: comparison,
  Equal: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Less: comparison,
  LessOrEqual: comparison,
  BitShift: operator([2, 2], [1, 1], broadcastLikeFirst),
  Pow: operator([2, 2], [1, 1], broadcastLikeFirst),
  /** The slope broadcasts to the data, never the other way. */
  PRelu: operator([2, 2], [1, 1], like(0)),
  Max: row,
  Mean: row,
  Min: row,
  Sum: row,
  Where: operator([3, 3], [1, 1], select),

  Cast: unary(cast),
  CastLike: operator([2, 2], [1, 1], castLike),
  IsInf: unary(test),
  IsNaN: unary(test),
} as const satisfies OperatorTable;
