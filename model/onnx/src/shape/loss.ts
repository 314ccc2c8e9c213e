/** Losses: a scalar, or one number a target when nothing is reduced. */
import { type Inferred, type OperatorTable, operator, type Rule, type RuleContext } from "./rule.ts";

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
