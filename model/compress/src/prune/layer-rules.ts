/** Channels through layers: what makes new channels from all of those it reads, and the depthwise and grouped forms. */
import { attribute, weightLayout } from "@cupel/onnx";
import { type Channels, repeatedLabels } from "./channel-map.ts";
import type { ChannelContext, ChannelRule, ChannelRules } from "./channel-rule.ts";
import type { Labels } from "./coupling.ts";

/**
 * Groups of one input channel each go with their channel. Of groups of several, whole groups go where there are more groups than
 * channels in one; else every group loses the channels at the same places.
 */
const convolution: ChannelRule = (context) => {
  const { node } = context;
  const x = context.channels(0);
  const weight = node.input(1)?.constant;
  const layout = weight ? weightLayout(node, weight.dims) : null;
  if (!layout) return context.keep(x, "its weights are not constant");
  const { outputs, inputs, groups, outputAxis } = layout;
  if (x && (x.axis !== 1 || x.labels.length !== inputs))
    return context.keep(x, "it reads them along another axis");
  const [perGroup, outputsPerGroup] = [inputs / groups, outputs / groups];
  const give = (labels: Labels) => {
    holdBias(context, 2, labels);
    context.give({ axis: 1, labels });
  };
  if (groups === 1) {
    const made = context.fresh(outputs);
    context.parameter(1, outputAxis, made, "makes");
    if (x) context.parameter(1, 1 - outputAxis, x.labels, "reads");
    return give(made);
  }
  const isTransposed = outputAxis === 1;
  if (perGroup > 1 && groups <= perGroup) {
    const read = x ? positions(context, x.labels, groups) : null;
    const made = context.fresh(outputsPerGroup);
    const all = Int32Array.from({ length: outputs }, (_, i) => made[i % outputsPerGroup]!);
    if (isTransposed) {
      if (x) context.parameter(1, 0, x.labels, "reads");
      context.parameter(1, 1, made, "makes");
    } else {
      context.parameter(1, 0, all, "makes");
      if (read) context.parameter(1, 1, read, "reads");
    }
    return give(all);
  }
  // Whole groups.
  const read = x?.labels ?? context.fresh(inputs);
  if (!x) context.keepLabels(read, "the channels it reads cannot be removed");
  for (let i = 0; i < inputs; i++) {
    const first = i - (i % perGroup);
    context.unite(read.subarray(first, first + 1), read.subarray(i, i + 1));
  }
  const ofGroups = Int32Array.from({ length: groups }, (_, group) => read[group * perGroup]!);
  const all = repeatedLabels(ofGroups, outputsPerGroup);
  context.parameter(1, 0, isTransposed ? read : all, perGroup === 1 ? "holds" : "makes");
  context.onRemoval(read, (remains) => {
    node.attributes.set("group", attribute.int(remains.places(ofGroups).length));
  });
  give(all);
};

/** Unites what stands at the same place of each group. @returns those of the first group */
function positions(context: ChannelContext, labels: Labels, groups: number): Labels {
  const perGroup = labels.length / groups;
  const first = labels.subarray(0, perGroup);
  for (let group = 1; group < groups; group++) {
    context.unite(first, labels.subarray(group * perGroup, (group + 1) * perGroup));
  }
  return first;
}

/** A bias that is computed cannot be cut. */
function holdBias(context: ChannelContext, index: number, labels: Labels): void {
  const bias = context.node.input(index);
  if (!bias) return;
  const dims = bias.constant?.dims;
  if (dims && (dims.length === 0 || dims.at(-1) === 1) && bias.constant!.size === 1 && labels.length > 1)
    return;
  if (!dims || !context.parameter(index, dims.length - 1, labels, "makes")) {
    context.keepLabels(labels, "its bias is not constant");
  }
}

const gemm: ChannelRule = (context) => {
  const { node } = context;
  const x = context.channels(0);
  const weight = node.input(1)?.constant;
  const layout = weight ? weightLayout(node, weight.dims) : null;
  const isPlain = node.int("transA", 0) === 0 && (!x || (x.axis === 1 && x.labels.length === layout?.inputs));
  if (!layout || !isPlain) return context.keep(x, "it is no product with constant weights");
  const made = context.fresh(layout.outputs);
  context.parameter(1, layout.outputAxis, made, "makes");
  if (x) context.parameter(1, 1 - layout.outputAxis, x.labels, "reads");
  holdBias(context, 2, made);
  context.give({ axis: 1, labels: made });
};

/** Along the axes that the product does not sum over, everything passes. */
const matMul: ChannelRule = (context) => {
  const { node } = context;
  const [left, right] = [context.channels(0), context.channels(1)];
  const rank = context.outputShape()?.length ?? 0;
  const isLeft = node.input(0)?.constant !== undefined && node.input(0)?.constant !== null;
  const weightIndex = isLeft ? 0 : 1;
  const x = isLeft ? right : left;
  const dims = node.input(weightIndex)?.constant?.dims;
  if (dims?.length !== 2 || rank < 2 || context.shape(isLeft ? 1 : 0)?.length !== rank) {
    context.keep(left, "it is no product with constant weights");
    return context.keep(right, "it is no product with constant weights");
  }
  const axis = isLeft ? rank - 2 : rank - 1;
  if (x && x.axis !== axis) return context.give(x);
  const [reads, makes] = isLeft ? [1, 0] : [0, 1];
  const made = context.fresh(dims[makes]!);
  context.parameter(weightIndex, makes, made, "makes");
  if (x) context.parameter(weightIndex, reads, x.labels, "reads");
  context.give({ axis, labels: made } satisfies Channels);
};

/** One number for each channel in each of these inputs. */
function perChannel(...held: readonly number[]): ChannelRule {
  return (context) => {
    const x = context.channels(0);
    if (!x) return;
    const isPlain = x.axis === 1 && context.node.outputs.length === 1;
    if (!isPlain || !held.every((index) => context.parameter(index, 0, x.labels, "holds"))) {
      return context.keep(x, "what it holds for each channel is not constant");
    }
    context.give(x);
  };
}

export const layerRules: ChannelRules = {
  Conv: convolution,
  ConvTranspose: convolution,
  Gemm: gemm,
  MatMul: matMul,
  BatchNormalization: perChannel(1, 2, 3, 4),
  InstanceNormalization: perChannel(1, 2),
};
