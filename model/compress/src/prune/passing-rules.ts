/** Channels through operators that compute each channel from itself: element by element, by maps, or along other axes. */
import { foldedAxes, fromStart } from "@cupel/onnx";
import type { Channels } from "./channel-map.ts";
import type { ChannelRule, ChannelRules } from "./channel-rule.ts";

const mixes = "it mixes channels";

/** Broadcast against each other: the same place of each goes together. */
const broadcast: ChannelRule = (context) => {
  const { node } = context;
  const rank = context.outputShape()?.length;
  const given = node.inputs.map((_, index) => context.channels(index));
  const keepAll = (reason: string) => {
    for (const channels of given) context.keep(channels, reason);
  };
  const found = given.find((channels) => channels !== null && channels.labels.length > 1);
  if (!found) return keepAll("it has one channel only");
  if (rank === undefined || node.inputs.some((value) => value && !value.shape))
    return keepAll("shapes are not known");
  const inOutput = (index: number, axis: number) => axis + rank - node.input(index)!.shape!.length;
  const axis = inOutput(given.indexOf(found), found.axis);
  const size = found.labels.length;
  for (const [index, value] of node.inputs.entries()) {
    if (!value) continue;
    const channels = given[index];
    const own = axis - inOutput(index, 0);
    const dim = own < 0 ? 1 : value.shape![own];
    if (channels && inOutput(index, channels.axis) === axis && channels.labels.length === size) {
      context.unite(found.labels, channels.labels);
    } else if (channels) {
      context.keep(channels, "it spreads them over channels of another value");
      if (channels.labels.length > 1) context.keep(found, "it joins channels along different axes");
    } else if (dim !== 1 && !(dim === size && context.parameter(index, own, found.labels, "holds"))) {
      context.keep(found, "it joins them with channels that cannot be removed");
    }
  }
  context.give({ axis, labels: found.labels });
};

/** Pooling and the like: by maps, along axis 1. */
const byMap: ChannelRule = (context) => {
  const x = context.channels(0);
  if (!x) return;
  if (x.axis !== 1 || context.node.outputs.length > 1)
    return context.keep(x, "it reads them along another axis");
  context.give(x);
};

/** Sums over channels, or over some of them. */
const mixing: ChannelRule = (context) => {
  for (const index of context.node.inputs.keys()) context.keep(context.channels(index), mixes);
};

const alike: ChannelRule = (context) => {
  const x = context.channels(0);
  if (!x) return;
  for (const output of context.node.outputs.keys()) context.give(x, output);
};

/** Along one axis, which must be another than the channels'. Before operator set 13 from that axis on, for `flattens`. */
function along(fallback: number, flattens = false): ChannelRule {
  return (context) => {
    const x = context.channels(0);
    if (!x) return;
    const rank = context.shape(0)?.length ?? 0;
    const axis = fromStart(context.node.int("axis", flattens && context.opset < 13 ? 1 : fallback), rank);
    if (axis === x.axis || (flattens && context.opset < 13)) return context.keep(x, mixes);
    context.give(x);
  };
}

/** Over the axes from one on. */
const layerNormalisation: ChannelRule = (context) => {
  const x = context.channels(0);
  if (!x) return;
  const rank = context.shape(0)?.length ?? 0;
  const axis = fromStart(context.node.int("axis", -1), rank);
  if (x.axis >= axis || context.node.outputs.length > 1) return context.keep(x, mixes);
  context.give(x);
};

const reduction: ChannelRule = (context) => {
  const x = context.channels(0);
  const rank = context.shape(0)?.length;
  if (!x || rank === undefined) return;
  const axes = context.setting("axes", 1);
  if (axes.kind === "unknown") return context.keep(x, "its axes are not constant");
  const folded = foldedAxes(context.node, axes.kind === "known" ? axes.values : [], rank);
  if (folded.includes(x.axis)) return context.keep(x, mixes);
  context.give(withoutAxes(x, folded, context.node.int("keepdims", 1) === 1));
};

const argument: ChannelRule = (context) => {
  const x = context.channels(0);
  const rank = context.shape(0)?.length;
  if (!x || rank === undefined) return;
  const axis = fromStart(context.node.int("axis", 0), rank);
  if (axis === x.axis) return context.keep(x, mixes);
  context.give(withoutAxes(x, [axis], context.node.int("keepdims", 1) === 1));
};

function withoutAxes({ axis, labels }: Channels, folded: readonly number[], keepsDims: boolean): Channels {
  return { axis: keepsDims ? axis : axis - folded.filter((each) => each < axis).length, labels };
}

const broadcasting = [
  ...["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "Mod", "PRelu", "Where"],
  ...["And", "Or", "Xor", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"],
];
const maps = [...["MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"]];
const reductions = [
  ...["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"],
  ...["ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"],
];

const each = (names: readonly string[], rule: ChannelRule): ChannelRules =>
  Object.fromEntries(names.map((name) => [name, rule]));

export const passingRules: ChannelRules = {
  ...each(broadcasting, broadcast),
  ...each(maps, byMap),
  ...each(reductions, reduction),
  ...each(["ArgMax", "ArgMin"], argument),
  ...each(["Softmax", "LogSoftmax", "Hardmax"], along(-1, true)),
  LpNormalization: along(-1),
  LayerNormalization: layerNormalisation,
  ...each(["LRN", "GroupNormalization", "MeanVarianceNormalization", "Einsum"], mixing),
  Dropout: alike,
};

/** What works element by element on one tensor, whatever it is called. */
export const elementwiseRule: ChannelRule = alike;
