/** Channels through operators that move elements about, and what of their settings counts channels. */
import { type Dimension, fromStart, type Node, type Value } from "@cupel/onnx";
import { gatheredLabels, joinedLabels, reshaped, transposed } from "./channel-map.ts";
import type { ChannelContext, ChannelRule, ChannelRules } from "./channel-rule.ts";

const settingUnknown = "its settings are not constant";

const concat: ChannelRule = (context) => {
  const { node } = context;
  const given = node.inputs.map((_, index) => context.channels(index));
  const rank = context.outputShape()?.length ?? 0;
  const axis = fromStart(node.int("axis", 0), rank);
  const along = given.find((channels) => channels !== null);
  if (!along) return;
  const keepAll = (reason: string) => {
    for (const channels of given) context.keep(channels, reason);
  };
  const sizes = node.inputs.map((value) => value?.shape?.[axis]);
  if (given.some((channels) => channels && channels.axis !== along.axis)) {
    return keepAll("it joins channels along different axes");
  }
  if (along.axis === axis) {
    if (!sizes.every((size) => typeof size === "number")) return keepAll("shapes are not known");
    const parts = given.map((channels, index) => {
      if (channels) return channels.labels;
      const fixed = context.fresh(sizes[index]!);
      context.keepLabels(fixed, "what it joins cannot be removed");
      return fixed;
    });
    return context.give({ axis, labels: joinedLabels(parts) });
  }
  for (const [index, channels] of given.entries()) {
    const isHeld = channels
      ? channels.labels.length === along.labels.length
      : context.parameter(index, along.axis, along.labels, "holds");
    if (!isHeld) return keepAll("it joins them with channels that cannot be removed");
    if (channels) context.unite(along.labels, channels.labels);
  }
  context.give(along);
};

const split: ChannelRule = (context) => {
  const x = context.channels(0);
  if (!x) return;
  const { node } = context;
  const axis = fromStart(node.int("axis", 0), context.shape(0)?.length ?? 0);
  if (axis !== x.axis) {
    for (const output of node.outputs.keys()) context.give(x, output);
    return;
  }
  const sizes = node.outputs.map((_, output) => context.outputShape(output)?.[axis]);
  if (!sizes.every((size) => typeof size === "number")) return context.keep(x, "shapes are not known");
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const parts = sizes.map((size, i) => x.labels.subarray(starts[i], starts[i]! + size));
  for (const [output, labels] of parts.entries()) context.give({ axis, labels }, output);
  context.onRemoval(x.labels, (remains) => {
    const left = parts.map((labels) => remains.places(labels).length);
    node.attributes.delete("num_outputs");
    context.set("split", 1, left);
  });
};

const slice: ChannelRule = (context) => {
  const x = context.channels(0);
  const rank = context.shape(0)?.length;
  if (!x || rank === undefined) return;
  const [starts, ends, axes, steps] = [
    context.setting("starts", 1),
    context.setting("ends", 2),
    context.setting("axes", 3),
    context.setting("steps", 4),
  ];
  if (axes.kind === "unknown") return context.keep(x, settingUnknown);
  const at =
    axes.kind === "known" ? axes.values.findIndex((axis) => fromStart(axis, rank) === x.axis) : x.axis;
  const isCut = axes.kind === "known" ? at >= 0 : starts.kind !== "known" || at < starts.values.length;
  if (!isCut) return context.give(x);
  if (starts.kind !== "known" || ends.kind !== "known" || steps.kind === "unknown") {
    return context.keep(x, settingUnknown);
  }
  const size = x.labels.length;
  if (steps.kind === "known" && steps.values[at] !== 1)
    return context.keep(x, "it takes every so many channels");
  const place = (value: number) => Math.min(size, Math.max(0, value < 0 ? value + size : value));
  const [from, to] = [place(starts.values[at]!), place(ends.values[at]!)];
  if (to <= from) return context.keep(x, "it takes none of them");
  context.give({ axis: x.axis, labels: x.labels.subarray(from, to) });
  if (from === 0 && to === size) {
    context.onRemoval(x.labels, (remains) => {
      context.set("ends", 2, withAt(ends.values, at, remains.places(x.labels).length));
    });
    return;
  }
  context.onRemoval(x.labels, (remains) => {
    const first = remains.places(x.labels.subarray(0, from)).length;
    const left = remains.places(x.labels.subarray(from, to)).length;
    context.set("starts", 1, withAt(starts.values, at, first));
    context.set("ends", 2, withAt(ends.values, at, first + left));
  });
};

/** Channels that padding adds hold a constant: they may go as well, which makes the padding smaller. */
const pad: ChannelRule = (context) => {
  const x = context.channels(0);
  const rank = context.shape(0)?.length;
  if (!x || rank === undefined) return;
  const [pads, axes] = [context.setting("pads", 1), context.setting("axes", 3)];
  if (pads.kind !== "known" || axes.kind === "unknown") return context.keep(x, settingUnknown);
  const at =
    axes.kind === "known" ? axes.values.findIndex((axis) => fromStart(axis, rank) === x.axis) : x.axis;
  const axesCount = pads.values.length / 2;
  const [before, after] = at < 0 ? [0, 0] : [pads.values[at]!, pads.values[at + axesCount]!];
  if (before === 0 && after === 0) return context.give(x);
  if (before < 0 || after < 0 || context.node.string("mode", "constant") !== "constant") {
    return context.keep(x, "it makes channels of others, or cuts some off");
  }
  const [head, tail] = [context.fresh(before), context.fresh(after)];
  const labels = joinedLabels([head, x.labels, tail]);
  context.give({ axis: x.axis, labels });
  context.onRemoval(labels, (remains) => {
    const front = withAt(pads.values, at, remains.places(head).length);
    context.set("pads", 1, withAt(front, at + axesCount, remains.places(tail).length));
  });
};

const gather: ChannelRule = (context) => {
  const x = context.channels(0);
  const rank = context.shape(0)?.length;
  const picked = context.shape(1);
  if (!x || rank === undefined) return;
  const axis = fromStart(context.node.int("axis", 0), rank);
  if (axis !== x.axis) {
    if (!picked) return context.keep(x, settingUnknown);
    return context.give({ axis: x.axis > axis ? x.axis - 1 + picked.length : x.axis, labels: x.labels });
  }
  const indices = context.setting("", 1);
  if (indices.kind !== "known" || picked?.length !== 1) return context.keep(x, "it takes single channels");
  const labels = gatheredLabels(x.labels, indices.values);
  context.give({ axis, labels });
  context.onRemoval(x.labels, (remains) => {
    const newPlaces = new Map(remains.places(x.labels).map((place, index) => [place, index]));
    const left = remains.places(labels).map((place) => {
      const index = indices.values[place]!;
      return newPlaces.get(index < 0 ? index + x.labels.length : index)!;
    });
    context.set("", 1, left);
  });
};

/** Keeps the order of elements; the shape may be written in a setting. */
function reshape(hasShape: boolean): ChannelRule {
  return (context) => {
    const x = context.channels(0);
    if (!x) return;
    const [from, to] = [context.shape(0), context.outputShape()];
    const moved = reshaped(x, from, to, (a, b) => context.unite(Int32Array.of(a), Int32Array.of(b)));
    if (!moved || !from || !to) return context.keep(x, "no axis of its output tells them apart");
    if (hasShape) {
      const wanted = shapeSetting(context, from, to, moved.axis);
      if (!wanted) return context.keep(x, "its shape is not constant");
      context.onRemoval(x.labels, (remains) => {
        const left = remains.places(moved.labels).length;
        context.set("", 1, wanted[moved.axis]! > 0 ? withAt(wanted, moved.axis, left) : wanted);
        // Where a 0 stands it copies.
        context.node.attributes.delete("allowzero");
      });
    }
    context.give(moved);
  };
}

/** What a Reshape may be told instead of what it is told: sizes, 0 for what is copied, -1 for one that follows. */
function shapeSetting(
  context: ChannelContext,
  from: readonly Dimension[],
  to: readonly Dimension[],
  axis: number,
): readonly number[] | null {
  const given = context.setting("", 1);
  const isEmpty =
    context.node.int("allowzero", 0) === 1 && given.kind === "known" && given.values.includes(0);
  if (isEmpty) return null;
  if (given.kind === "known" && given.values[axis] !== 0) return given.values;
  let follows = 0;
  const values = to.map((dim, i) => {
    if (typeof dim === "number") return dim;
    if (dim !== null && dim === from[i]) return 0;
    follows++;
    return -1;
  });
  return follows > 1 || values.some((value, i) => value === 0 && typeof to[i] === "number") ? null : values;
}

const transpose: ChannelRule = (context) => {
  const x = context.channels(0);
  const rank = context.shape(0)?.length;
  if (!x || rank === undefined) return;
  const reversed = Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  context.give(transposed(x, context.node.ints("perm") ?? reversed));
};

const expand: ChannelRule = (context) => {
  const x = context.channels(0);
  const rank = context.shape(0)?.length;
  const to = context.outputShape();
  if (!x || rank === undefined) return;
  const shape = context.setting("", 1);
  if (shape.kind !== "known" || !to || x.labels.length === 1) return context.keep(x, settingUnknown);
  const axis = x.axis + to.length - rank;
  const at = axis - (to.length - shape.values.length);
  context.give({ axis, labels: x.labels });
  if (at >= 0) context.onRemoval(x.labels, () => context.set("", 1, withAt(shape.values, at, 1)));
};

const tile: ChannelRule = (context) => {
  const x = context.channels(0);
  if (!x) return;
  const repeats = context.setting("", 1);
  if (repeats.kind !== "known" || repeats.values[x.axis] !== 1) return context.keep(x, "it repeats them");
  context.give(x);
};

/** PixelShuffle: the channels that make one go together. */
const depthToSpace: ChannelRule = (context) => {
  const x = context.channels(0);
  if (!x) return;
  if (x.axis !== 1) return context.keep(x, "it reads them along another axis");
  const block = context.node.int("blocksize", 1) ** 2;
  const outputs = x.labels.length / block;
  const isByColumn = context.node.string("mode", "DCR") === "CRD";
  const told = x.labels.slice(0, outputs);
  for (const [i, label] of x.labels.entries()) {
    const place = isByColumn ? Math.floor(i / block) : i % outputs;
    if (i === 0 || (isByColumn && i % block === 0)) told[place] = label;
    context.unite(told.subarray(place, place + 1), Int32Array.of(label));
  }
  context.give({ axis: 1, labels: told });
};

const spaceToDepth: ChannelRule = (context) => {
  const x = context.channels(0);
  if (!x) return;
  if (x.axis !== 1) return context.keep(x, "it reads them along another axis");
  const block = context.node.int("blocksize", 1) ** 2;
  context.give({ axis: 1, labels: joinedLabels(Array.from({ length: block }, () => x.labels)) });
};

/** Upsample has its scales second; from operator set 11 Resize has them third, and sizes fourth. */
const resize: ChannelRule = (context) => {
  const x = context.channels(0);
  if (!x) return;
  const { node } = context;
  const [scalesAt, sizesAt] = node.is("Resize") && context.opset >= 11 ? [2, 3] : [1, -1];
  const axes = node.ints("axes");
  const rank = context.shape(0)?.length ?? 0;
  const at = axes ? axes.findIndex((axis) => fromStart(axis, rank) === x.axis) : x.axis;
  if (context.outputShape()?.[x.axis] !== x.labels.length)
    return context.keep(x, "it makes other channels of them");
  if (at < 0) return context.give(x);
  const sizes = sizesAt < 0 ? ({ kind: "absent" } as const) : context.setting("", sizesAt);
  if (sizes.kind === "unknown") return context.keep(x, "its sizes are not constant");
  if (sizes.kind === "known" && sizes.values.length > 0) {
    context.onRemoval(x.labels, (remains) => {
      context.set("", sizesAt, withAt(sizes.values, at, remains.places(x.labels).length));
    });
  } else {
    const scales = context.setting("scales", scalesAt);
    if (scales.kind !== "known" || scales.values[at] !== 1)
      return context.keep(x, "its scales are not constant");
  }
  context.give(x);
};

/** What is taken out of a shape beside the channels stays right, and so does a Reshape that is told another shape with them. */
const shape: ChannelRule = (context) => {
  const x = context.channels(0);
  const rank = context.shape(0)?.length;
  if (!x || rank === undefined) return;
  const { node } = context;
  const start = fromStart(node.int("start", 0), rank);
  const end = fromStart(node.int("end", rank), rank);
  if (x.axis < start || x.axis >= end) return;
  const reshapes = reshapesTold(node.output, { place: x.axis - start, length: end - start });
  const reason = "their number is computed with";
  if (reshapes === null) context.keep(x, reason);
  else for (const each of reshapes) context.keepUnlessRewritten(x, each, reason);
};

/** Where the number of channels stands in a list of sizes. */
interface InShape {
  readonly place: number;
  readonly length: number;
}

/** Every Reshape that the number of channels gets to. Null where it gets to something else. */
function reshapesTold(value: Value, at: InShape | null): Node[] | null {
  const found: Node[] = [];
  for (const { node, index } of value.uses) {
    if (node.is("Reshape") && index === 1) found.push(node);
    else if (
      node.is("Cast", "Concat", "Gather", "Slice", "Squeeze", "Unsqueeze") &&
      node.outputs.length === 1
    ) {
      if (index === 0 && at !== null && isBeside(node, at)) continue;
      const further = reshapesTold(node.output, node.is("Cast") ? at : null);
      if (further === null) return null;
      found.push(...further);
    } else return null;
  }
  return found;
}

/** Whether a node takes other sizes than the number of channels. */
function isBeside(node: Node, { place, length }: InShape): boolean {
  const values = node.input(1)?.constant?.toNumbers();
  if (!values) return false;
  if (node.is("Gather")) return values.every((value) => fromStart(value, length) !== place);
  if (!node.is("Slice") || values.length !== 1) return false;
  const last = node.input(2)?.constant?.toNumbers()[0];
  const step = node.input(4)?.constant?.toNumbers()[0] ?? 1;
  if (last === undefined || step !== 1) return false;
  const [from, to] = [fromStart(values[0]!, length), fromStart(Math.min(last, length), length)];
  return place < from || place >= to;
}

function withAt(values: readonly number[], at: number, value: number): number[] {
  return values.map((each, i) => (i === at ? value : each));
}

export const movingRules: ChannelRules = {
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Gather: gather,
  Reshape: reshape(true),
  Flatten: reshape(false),
  Squeeze: reshape(false),
  Unsqueeze: reshape(false),
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Resize: resize,
  Upsample: resize,
  Shape: shape,
};
