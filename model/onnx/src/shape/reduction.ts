/** Operators that fold axes into one number each, and losses, which fold everything. */
import type { Dimension, Shape } from "../graph/index.ts";
import {
  axisOf,
  type Inferred,
  type OperatorTable,
  operator,
  type Rule,
  type RuleContext,
  reductionAxes,
  unary,
  unknownOfRank,
} from "./rule.ts";

const reduce: Rule = (context) => {
  const data = context.shape(0);
  const shape = data && reduced(context, data, reductionAxes(context, data.length));
  return [{ elementType: context.elementType(0), shape }];
};

/** ArgMax and ArgMin tell places. */
const position: Rule = (context) => {
  const data = context.shape(0);
  const shape = data && reduced(context, data, [axisOf(context, context.node.int("axis", 0), data.length)]);
  return [{ elementType: "int64", shape }];
};

/** @param axes null when they are not known */
function reduced(context: RuleContext, data: readonly Dimension[], axes: readonly number[] | null): Shape {
  const keeps = context.node.int("keepdims", 1) === 1;
  if (!axes) return keeps ? unknownOfRank(data.length) : null;
  return keeps
    ? data.map((size, axis) => (axes.includes(axis) ? 1 : size))
    : data.filter((_, axis) => !axes.includes(axis));
}

const reduction = operator([1, 2], [1, 1], reduce);

export const reductionOperators = {
  ReduceL1: reduction,
  ReduceL2: reduction,
  ReduceLogSum: reduction,
  ReduceLogSumExp: reduction,
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  ReduceSum: reduction,
  ReduceSumSquare: reduction,
  ArgMax: unary(position),
  ArgMin: unary(position),
} as const satisfies OperatorTable;

/** Losses: a scalar, or one number a target when nothing is reduced. */
function lossOf(context: RuleContext): Inferred {
  const isReduced = context.node.string("reduction", "mean") !== "none";
  return { elementType: context.elementType(0), shape: isReduced ? [] : context.shape(1) };
}

const likelihood: Rule = (context) => [lossOf(context)];

const crossEntropy: Rule = (context) => [
  lossOf(context),
  { elementType: context.elementType(0), shape: context.shape(0) },
];

export const lossOperators = {
  NegativeLogLikelihoodLoss: operator([2, 3], [1, 1], likelihood),
  SoftmaxCrossEntropyLoss: operator([2, 3], [1, 2], crossEntropy),
} as const satisfies OperatorTable;
