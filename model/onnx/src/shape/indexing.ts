/** Elements taken or placed by index: Gather and Scatter, OneHot, TopK, and what is found by value. */
import type { Dimension, Shape } from "../graph/index.ts";
import {
  axisOf,
  type Inferred,
  like,
  type OperatorTable,
  operator,
  type Rule,
  type RuleContext,
  unary,
  unknownOfRank,
} from "./rule.ts";

const gather: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  const indices = context.shape(1);
  if (!data || !indices) return [{ elementType, shape: null }];
  const axis = axisOf(context, context.node.int("axis", 0), data.length);
  return [{ elementType, shape: [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)] }];
};

const likeIndices: Rule = (context) => [{ elementType: context.elementType(0), shape: context.shape(1) }];

/** Each last row of the indices is the beginning of an address in the data. */
const gatherND: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  const indices = context.shape(1);
  const address = indices?.at(-1);
  if (!data || !indices || typeof address !== "number") return [{ elementType, shape: null }];
  const fixed = context.node.int("batch_dims", 0) + address;
  if (fixed > data.length)
    throw context.conflict(`an index of ${address} numbers is longer than the data's shape`);
  return [{ elementType, shape: [...indices.slice(0, -1), ...data.slice(fixed)] }];
};

const oneHot: Rule = (context) => {
  const elementType = context.elementType(2);
  const indices = context.shape(0);
  if (!indices) return [{ elementType, shape: null }];
  const axis = axisOf(context, context.node.int("axis", -1), indices.length + 1);
  const depth = context.elements(1)?.[0] ?? null;
  return [{ elementType, shape: indices.toSpliced(axis, 0, depth) }];
};

const topK: Rule = (context) => {
  const data = context.shape(0);
  const shape: Shape =
    data?.with(axisOf(context, context.node.int("axis", -1), data.length), countOf(context)) ?? null;
  return [
    { elementType: context.elementType(0), shape },
    { elementType: "int64", shape },
  ];
};

function countOf(context: RuleContext): Dimension {
  const held = context.node.attributes.get("k");
  return held?.kind === "int" ? held.value : (context.elements(1)?.[0] ?? null);
}

const nonZero: Rule = (context) => {
  const data = context.shape(0);
  return [{ elementType: "int64", shape: data ? [data.length, null] : unknownOfRank(2) }];
};

/** Data [N, C, ...] sampled at a grid [N, ..., axes] gives [N, C, ...]. */
const gridSample: Rule = (context): Inferred[] => {
  const data = context.shape(0);
  const grid = context.shape(1);
  const shape = grid && [data?.[0] ?? grid[0]!, data?.[1] ?? null, ...grid.slice(1, -1)];
  return [{ elementType: context.elementType(0), shape }];
};

const found = "how many there are shows only when the model runs";

export const indexingOperators = {
  Gather: operator([2, 2], [1, 1], gather),
  GatherElements: operator([2, 2], [1, 1], likeIndices),
  GatherND: operator([2, 2], [1, 1], gatherND),
  Scatter: operator([3, 3], [1, 1], like(0)),
  ScatterElements: operator([3, 3], [1, 1], like(0)),
  ScatterND: operator([3, 3], [1, 1], like(0)),
  TensorScatter: operator([2, 3], [1, 1], like(0)),
  OneHot: operator([3, 3], [1, 1], oneHot),
  TopK: operator([1, 2], [2, 2], topK),
  NonZero: unary(nonZero, found),
  NonMaxSuppression: operator([2, 5], [1, 1], () => [{ elementType: "int64", shape: [null, 3] }], found),
  GridSample: operator([2, 2], [1, 1], gridSample),
} as const satisfies OperatorTable;
