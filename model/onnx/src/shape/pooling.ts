/** Pooling: x [N, C, ...] to [N, C, ...], by windows, over everything, or over regions. */
import type { Dimension } from "../graph/index.ts";
import { ofRank } from "./dimension.ts";
import { type OperatorTable, operator, type Rule, unary } from "./rule.ts";
import { slide, windowOf } from "./window.ts";

const pooled: Rule = (context) => {
  const data = context.shape(0);
  const kernel = context.node.ints("kernel_shape");
  if (!data || !kernel) return [null];
  if (data.length !== kernel.length + 2) {
    throw context.conflict(`kernel_shape [${kernel}] does not fit data of ${data.length} dimensions`);
  }
  const shape = [data[0]!, data[1]!, ...slide(context, data.slice(2), windowOf(context, kernel))];
  return [
    { elementType: context.elementType(0), shape },
    // MaxPool tells where each maximum was.
    { elementType: "int64", shape },
  ];
};

const global: Rule = (context) => {
  const data = context.shape(0);
  if (!data) return [null];
  if (data.length < 2) throw context.conflict("global pooling needs batch and channels");
  return [{ elementType: context.elementType(0), shape: data.map((size, axis) => (axis < 2 ? size : 1)) }];
};

/** Rois [R, ...] of data [N, C, H, W] to [R, C, height, width]. */
function regions(height: Dimension, width: Dimension): Rule {
  return (context) => {
    const channels = ofRank(context, 0, 4)[1]!;
    const count = context.shape(1)?.[0] ?? null;
    return [{ elementType: context.elementType(0), shape: [count, channels, height, width] }];
  };
}

export const poolingOperators = {
  MaxPool: operator([1, 1], [1, 2], pooled),
  AveragePool: unary(pooled),
  LpPool: unary(pooled),
  GlobalAveragePool: unary(global),
  GlobalMaxPool: unary(global),
  GlobalLpPool: unary(global),
  MaxRoiPool: operator([2, 2], [1, 1], (context) => {
    const [height = null, width = null] = context.node.ints("pooled_shape") ?? [];
    return regions(height, width)(context);
  }),
  RoiAlign: operator([3, 3], [1, 1], (context) => {
    const { node } = context;
    return regions(node.int("output_height", 1), node.int("output_width", 1))(context);
  }),
} as const satisfies OperatorTable;
