/** Movement that keeps every element and its order: only the shape is read differently. */
import type { Dimension, Shape } from "../graph/index.ts";
import { product, quotientOf } from "./dimension.ts";
import {
  axisOf,
  type OperatorTable,
  operator,
  type Rule,
  type RuleContext,
  setting,
  unary,
  unknownOfRank,
} from "./rule.ts";

const reshape: Rule = (context) => {
  const elementType = context.elementType(0);
  const target = context.node.ints("shape") ?? context.elements(1);
  if (target) return [{ elementType, shape: reshapeTo(context, context.shape(0), target) }];
  // The length of the target is the rank, whatever it holds.
  const rank = context.shape(1)?.[0];
  return [{ elementType, shape: typeof rank === "number" ? unknownOfRank(rank) : null }];
};

function reshapeTo(context: RuleContext, data: Shape, target: readonly Dimension[]): Shape {
  const copies = context.node.int("allowzero", 0) === 0;
  const isCopied = (axis: number): boolean => copies && target[axis] === 0;
  const sizes = target.map((size, axis): Dimension => {
    if (!isCopied(axis)) return size === -1 ? null : size;
    if (data && axis >= data.length)
      throw context.conflict(`target [${target}] copies a size that is not there`);
    return data?.[axis] ?? null;
  });
  if (data === null) return sizes;
  // A copied size cancels whatever it is. One size of the rest may be found from the count of elements.
  const whole = data.filter((_, axis) => !isCopied(axis));
  const rest = sizes.filter((_, axis) => !isCopied(axis));
  const open = sizes.findIndex((size, axis) => size === null && !isCopied(axis));
  if (open < 0) {
    const ratio = quotientOf(whole, rest);
    if (ratio === undefined || (typeof ratio === "number" && ratio !== 1)) {
      throw context.conflict(`[${data}] does not hold as many elements as the target [${target}]`);
    }
    return sizes;
  }
  const parts = sizes.filter((_, axis) => axis !== open && !isCopied(axis));
  const found = quotientOf(whole, parts);
  if (found === undefined) throw context.conflict(`[${data}] cannot be reshaped to [${target}]`);
  return sizes.with(open, found);
}

const flatten: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  if (!data) return [{ elementType, shape: [null, null] }];
  const given = context.node.int("axis", 1);
  const axis = given < 0 ? given + data.length : given;
  if (axis < 0 || axis > data.length) throw context.conflict(`axis ${given} does not exist`);
  return [{ elementType, shape: [product(data.slice(0, axis)), product(data.slice(axis))] }];
};

const squeeze: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  const axes = setting(context, "axes", 1);
  if (!data || axes.kind === "unknown") return [{ elementType, shape: null }];
  if (axes.kind === "absent") {
    // All axes of size 1 go: which ones those are must be known.
    const isKnown = data.every((size) => typeof size === "number");
    return [{ elementType, shape: isKnown ? data.filter((size) => size !== 1) : null }];
  }
  const gone = new Set(axes.values.map((axis) => axisOf(context, axis, data.length)));
  for (const axis of gone) {
    const size = data[axis]!;
    if (typeof size === "number" && size !== 1)
      throw context.conflict(`axis ${axis} has size ${size}, not 1`);
  }
  return [{ elementType, shape: data.filter((_, axis) => !gone.has(axis)) }];
};

const unsqueeze: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  const axes = setting(context, "axes", 1);
  if (!data) return [{ elementType, shape: null }];
  if (axes.kind !== "known") {
    const count = context.shape(1)?.[0];
    return [{ elementType, shape: typeof count === "number" ? unknownOfRank(data.length + count) : null }];
  }
  const rank = data.length + axes.values.length;
  const made = new Set(axes.values.map((axis) => axisOf(context, axis, rank)));
  if (made.size !== axes.values.length) throw context.conflict(`axes [${axes.values}] repeat`);
  const sizes = data.values();
  const shape = Array.from({ length: rank }, (_, axis) =>
    made.has(axis) ? 1 : (sizes.next().value ?? null),
  );
  return [{ elementType, shape }];
};

export const reshapingOperators = {
  Reshape: operator([1, 2], [1, 1], reshape, "target followed through Shape, Gather, Concat, ..."),
  Flatten: unary(flatten),
  Squeeze: operator([1, 2], [1, 1], squeeze),
  Unsqueeze: operator([1, 2], [1, 1], unsqueeze),
} as const satisfies OperatorTable;
