/** Movement along axes: the same elements in another order, some left out, some repeated or joined. */
import type { Dimension, Shape } from "../graph/index.ts";
import { sliceLength, slicesOf } from "../operator/slices.ts";
import { broadcastShapes, equalSize, plus, times } from "./dimension.ts";
import {
  axisOf,
  type Inferred,
  like,
  many,
  type OperatorTable,
  operator,
  type Rule,
  type RuleContext,
  setting,
  unary,
  unknownOfRank,
} from "./rule.ts";

const transpose: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  const order = context.node.ints("perm");
  if (!data) return [{ elementType, shape: order ? unknownOfRank(order.length) : null }];
  if (!order) return [{ elementType, shape: data.toReversed() }];
  const isOrder = order.length === data.length && new Set(order).size === order.length;
  if (!isOrder) throw context.conflict(`perm [${order}] is no order of ${data.length} axes`);
  return [{ elementType, shape: order.map((axis) => data[axisOf(context, axis, data.length)]!) }];
};

const slice: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  if (!data) return [{ elementType, shape: null }];
  const slices = slicesOf(context, data.length);
  if (!slices) return [{ elementType, shape: unknownOfRank(data.length) }];
  const shape = [...data];
  for (const each of slices) shape[each.axis] = sliceLength(data[each.axis]!, each);
  return [{ elementType, shape }];
};

const concat: Rule = (context) => {
  const indices = context.node.inputs.map((_, index) => index);
  const elementType = indices.map((index) => context.elementType(index)).find((type) => type) ?? null;
  const shapes = indices.map((index) => context.shape(index));
  const first = shapes.find((shape) => shape);
  if (!first) return [{ elementType, shape: null }];
  const axis = axisOf(context, context.node.int("axis", 1), first.length);
  let shape: readonly Dimension[] = first.with(axis, 0);
  for (const each of shapes) {
    if (each === null) {
      shape = shape.with(axis, null);
      continue;
    }
    if (each.length !== first.length) throw context.conflict("inputs have different numbers of dimensions");
    shape = shape.map((size, i) =>
      i === axis ? sum(size, each[i]!) : equalSize(context, `axis ${i}`, size, each[i]!),
    );
  }
  return [{ elementType, shape }];
};

function sum(a: Dimension, b: Dimension): Dimension {
  if (a === 0) return b;
  return typeof b === "number" ? plus(a, b) : null;
}

const split: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  const count = context.node.outputs.length;
  const nothing: Inferred[] = Array.from({ length: count }, () => ({ elementType, shape: null }));
  if (!data) return nothing;
  const axis = axisOf(context, context.node.int("axis", 0), data.length);
  const size = data[axis]!;
  const lengths = setting(context, "split", 1);
  if (lengths.kind === "known") {
    const total = lengths.values.reduce((a, b) => a + b, 0);
    if (lengths.values.length !== count)
      throw context.conflict(`${lengths.values.length} lengths for ${count} outputs`);
    equalSize(context, "sum of the parts and the axis split", total, size);
    return lengths.values.map((length) => ({ elementType, shape: data.with(axis, length) }));
  }
  if (lengths.kind === "unknown" || typeof size !== "number") {
    return nothing.map(() => ({ elementType, shape: data.with(axis, count === 1 ? size : null) }));
  }
  // Equal parts; since operator set 18 the last may be smaller.
  const part = Math.ceil(size / count);
  if (context.opset < 18 && part * count !== size)
    throw context.conflict(`${size} is not ${count} equal parts`);
  return nothing.map((_, index) => ({
    elementType,
    shape: data.with(axis, Math.max(0, Math.min(part, size - index * part))),
  }));
};

const pad: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  if (!data) return [{ elementType, shape: null }];
  const old = context.node.ints("paddings");
  const pads = old ? ({ kind: "known", values: old } as const) : setting(context, "pads", 1);
  const given = context.has(3) ? setting(context, "", 3) : ({ kind: "absent" } as const);
  if (pads.kind !== "known" || given.kind === "unknown")
    return [{ elementType, shape: unknownOfRank(data.length) }];
  const axes =
    given.kind === "known"
      ? given.values.map((axis) => axisOf(context, axis, data.length))
      : data.map((_, axis) => axis);
  if (pads.values.length !== 2 * axes.length) {
    throw context.conflict(`${pads.values.length} pads for ${axes.length} axes`);
  }
  const shape = [...data];
  for (const [i, axis] of axes.entries()) {
    shape[axis] = plus(data[axis]!, pads.values[i]! + pads.values[i + axes.length]!);
  }
  return [{ elementType, shape }];
};

const expand: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  const length = context.shape(1)?.[0];
  const target = context.elements(1) ?? (typeof length === "number" ? unknownOfRank(length) : null);
  return [{ elementType, shape: data && target ? broadcastShapes(context, [data, target]) : null }];
};

const tile: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  if (!data) return [{ elementType, shape: null }];
  const repeats = setting(context, "repeats", 1);
  if (repeats.kind !== "known") return [{ elementType, shape: unknownOfRank(data.length) }];
  if (repeats.values.length !== data.length) throw context.conflict("one repeat for each axis is needed");
  return [{ elementType, shape: data.map((size, axis) => times(size, repeats.values[axis]!)) }];
};

/** Blocks of `blocksize` squared channels to pixels, or back. */
function blocks(toSpace: boolean): Rule {
  return (context) => {
    const elementType = context.elementType(0);
    const data = context.shape(0);
    if (!data) return [{ elementType, shape: unknownOfRank(4) }];
    const block = context.node.int("blocksize", 1);
    const factors = toSpace ? [1 / block ** 2, block, block] : [block ** 2, 1 / block, 1 / block];
    if (data.length !== 4) throw context.conflict("four dimensions are needed");
    return [
      { elementType, shape: [data[0]!, ...factors.map((factor, i) => scale(context, data[i + 1]!, factor))] },
    ];
  };
}

function scale(context: RuleContext, size: Dimension, factor: number): Dimension {
  if (typeof size !== "number") return factor === 1 ? size : null;
  const scaled = Math.round(size * factor);
  if (factor < 1 && scaled !== size * factor)
    throw context.conflict(`size ${size} does not divide by ${1 / factor}`);
  return scaled;
}

const compress: Rule = (context) => {
  const elementType = context.elementType(0);
  const data: Shape = context.shape(0);
  const axis = context.node.attributes.get("axis");
  if (axis?.kind !== "int") return [{ elementType, shape: [null] }];
  return [{ elementType, shape: data?.with(axisOf(context, axis.value, data.length), null) ?? null }];
};

export const movementOperators = {
  Transpose: unary(transpose),
  Slice: operator([1, 5], [1, 1], slice),
  Concat: operator([1, many], [1, 1], concat),
  Split: operator([1, 2], [1, many], split),
  Pad: operator([1, 4], [1, 1], pad),
  Expand: operator([2, 2], [1, 1], expand),
  Tile: operator([2, 3], [1, 1], tile),
  DepthToSpace: unary(blocks(true)),
  SpaceToDepth: unary(blocks(false)),
  ReverseSequence: operator([2, 2], [1, 1], like(0)),
  Trilu: operator([1, 2], [1, 1], like(0)),
  CumSum: operator([2, 2], [1, 1], like(0)),
  Compress: operator([2, 2], [1, 1], compress),
} as const satisfies OperatorTable;
