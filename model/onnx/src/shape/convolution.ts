/** Conv and its kin: x [N, C, ...], weight [M, C / group, ...kernel], bias [M]. */
import type { Dimension, ElementType } from "../graph/index.ts";
import { equalSize, times } from "./dimension.ts";
import { type OperatorTable, operator, type Rule, type RuleContext } from "./rule.ts";
import { slide, slideBack, windowOf } from "./window.ts";

/** Positions of data, weight and bias among the inputs; the quantised forms carry scales between them. */
interface Places {
  readonly weight: number;
  readonly bias: number | null;
  readonly type: (context: RuleContext) => ElementType | null;
}

function convolution({ weight, bias, type }: Places): Rule {
  return (context) => {
    const data = context.shape(0);
    const filters = context.shape(weight);
    if (data === null && filters === null) return [null];
    const rank = checkRank(context, data?.length ?? filters!.length, filters?.length);
    const kernel = kernelOf(context, filters, rank - 2);
    const window = windowOf(context, kernel);
    if (data && filters) {
      const channels = times(filters[1]!, context.node.int("group", 1));
      equalSize(context, "channels of the data and of the weight", data[1]!, channels);
    }
    checkBias(context, bias, filters?.[0] ?? null);
    const sizes = data?.slice(2) ?? kernel.map(() => null);
    const shape = [data?.[0] ?? null, filters?.[0] ?? null, ...slide(context, sizes, window)];
    return [{ elementType: type(context), shape }];
  };
}

/** Weight [C, M / group, ...kernel]. */
const transposed: Rule = (context) => {
  const data = context.shape(0);
  const filters = context.shape(1);
  if (data === null && filters === null) return [null];
  const rank = checkRank(context, data?.length ?? filters!.length, filters?.length);
  const kernel = kernelOf(context, filters, rank - 2);
  const window = windowOf(context, kernel);
  if (data && filters) {
    equalSize(context, "channels of the data and of the weight", data[1]!, filters[0]!);
  }
  const channels = times(filters?.[1] ?? null, context.node.int("group", 1));
  checkBias(context, 2, channels);
  const sizes = data?.slice(2) ?? kernel.map(() => null);
  const stated = context.node.ints("output_shape");
  const spatial =
    stated?.slice(-kernel.length) ?? slideBack(sizes, window, context.node.ints("output_padding") ?? []);
  return [{ elementType: context.elementType(0), shape: [data?.[0] ?? null, channels, ...spatial] }];
};

function checkRank(context: RuleContext, rank: number, filterRank: number | undefined): number {
  if (rank < 3 || (filterRank !== undefined && filterRank !== rank)) {
    throw context.conflict("data and weight need the same number of dimensions, three at least");
  }
  return rank;
}

function kernelOf(
  context: RuleContext,
  filters: readonly Dimension[] | null,
  spatial: number,
): readonly Dimension[] {
  const stated = context.node.ints("kernel_shape");
  const held = filters?.slice(2) ?? null;
  if (!stated) return held ?? Array.from({ length: spatial }, () => null);
  if (stated.length !== spatial)
    throw context.conflict(`kernel_shape [${stated}] has not ${spatial} entries`);
  return held
    ? held.map((size, i) => equalSize(context, "kernel_shape and weight", size, stated[i]!))
    : stated;
}

function checkBias(context: RuleContext, index: number | null, channels: Dimension): void {
  const bias = index === null ? null : context.shape(index);
  if (!bias) return;
  if (bias.length !== 1) throw context.conflict("the bias must have one dimension");
  equalSize(context, "output channels and bias", channels, bias[0]!);
}

export const convolutionOperators = {
  Conv: operator(
    [2, 3],
    [1, 1],
    convolution({ weight: 1, bias: 2, type: (context) => context.elementType(0) }),
    "symbolic sizes kept where stride 1 and padding keep them",
  ),
  ConvTranspose: operator([2, 3], [1, 1], transposed),
  ConvInteger: operator([2, 4], [1, 1], convolution({ weight: 1, bias: null, type: () => "int32" })),
  QLinearConv: operator(
    [8, 9],
    [1, 1],
    convolution({ weight: 3, bias: 8, type: (context) => context.elementType(7) }),
  ),
  DeformConv: operator(
    [3, 5],
    [1, 1],
    convolution({ weight: 1, bias: 3, type: (context) => context.elementType(0) }),
  ),
} as const satisfies OperatorTable;
