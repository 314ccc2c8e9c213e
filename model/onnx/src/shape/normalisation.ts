/** Normalisations: the data keeps its shape; scale, bias and statistics must fit its channels. */
import { elementTypeOf } from "../graph/index.ts";
import { equalSize } from "./dimension.ts";
import { axisOf, like, type OperatorTable, operator, type Rule, type RuleContext, unary } from "./rule.ts";

/** Inputs from `first` on have one number a channel. */
function checkChannels(context: RuleContext, first: number): void {
  const channels = context.shape(0)?.[1] ?? null;
  for (let index = first; index < context.node.inputs.length; index++) {
    const shape = context.shape(index);
    if (shape && shape.length !== 1) throw context.conflict(`input ${index} must have one dimension`);
    equalSize(context, `channels and input ${index}`, channels, shape?.[0] ?? null);
  }
}

const batch: Rule = (context) => {
  checkChannels(context, 1);
  const statistics = { elementType: context.elementType(3), shape: context.shape(3) };
  return [
    { elementType: context.elementType(0), shape: context.shape(0) },
    statistics,
    statistics,
    statistics,
    statistics,
  ];
};

const instance: Rule = (context) => {
  checkChannels(context, 1);
  return like(0)(context);
};

/** Mean and inverse deviation, where asked for, keep the axes before `axis`. */
const layer: Rule = (context) => {
  const data = context.shape(0);
  const elementType = context.elementType(0);
  const axis = data && axisOf(context, context.node.int("axis", -1), data.length);
  const statistics = {
    elementType: elementTypeOf(context.node.int("stash_type", 1)) ?? null,
    shape: data && axis !== null ? data.map((size, i) => (i < axis ? size : 1)) : null,
  };
  return [{ elementType, shape: data }, statistics, statistics];
};

const same = unary(like(0));

export const normalisationOperators = {
  BatchNormalization: operator([5, 5], [1, 5], batch),
  InstanceNormalization: operator([3, 3], [1, 1], instance),
  GroupNormalization: operator([3, 3], [1, 1], like(0)),
  LayerNormalization: operator([2, 3], [1, 3], layer),
  RMSNormalization: operator([2, 2], [1, 1], like(0)),
  LpNormalization: same,
  LRN: same,
  MeanVarianceNormalization: same,
  Softmax: same,
  LogSoftmax: same,
  Hardmax: same,
  RotaryEmbedding: operator([3, 4], [1, 1], like(0)),
} as const satisfies OperatorTable;
