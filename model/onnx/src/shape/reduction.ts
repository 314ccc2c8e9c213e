/** Operators that fold axes into one number each. */
import type { ElementType } from "../graph/element-type.ts";
import type { Shape } from "../graph/value-type.ts";
import {
  axisOf,
  type OperatorTable,
  operator,
  type Rule,
  type RuleContext,
  type Setting,
  setting,
  unary,
  unknownOfRank,
} from "./rule.ts";

const reduce: Rule = (context) => [
  { elementType: context.elementType(0), shape: reduced(context, setting(context, "axes", 1)) },
];

/** ArgMax and ArgMin tell places. */
const position: Rule = (context) => {
  const shape = reduced(context, { kind: "known", values: [context.node.int("axis", 0)] });
  return [{ elementType: "int64" satisfies ElementType, shape }];
};

function reduced(context: RuleContext, axes: Setting): Shape {
  const data = context.shape(0);
  if (!data) return null;
  const keeps = context.node.int("keepdims", 1) === 1;
  if (axes.kind === "unknown") return keeps ? unknownOfRank(data.length) : null;
  const given = axes.kind === "known" ? axes.values : [];
  if (given.length === 0 && context.node.int("noop_with_empty_axes", 0) === 1) return data;
  const gone = new Set(given.map((axis) => axisOf(context, axis, data.length)));
  const isGone = (axis: number): boolean => gone.size === 0 || gone.has(axis);
  return keeps
    ? data.map((size, axis) => (isGone(axis) ? 1 : size))
    : data.filter((_, axis) => !isGone(axis));
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
