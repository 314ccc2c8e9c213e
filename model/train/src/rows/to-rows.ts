/**
 * Rewrites a network, node by node, so that its convolutional part works on rows (see `convolution.ts`).
 * An operator without a row here keeps the layout ONNX defines; values are moved where the two meet.
 */
import { elementCount, own } from "@cupel/base";
import {
  type Dims,
  type Emitter,
  fromStart,
  type Graph,
  isElementwise,
  type Node,
  type Value,
  weightLayout,
} from "@cupel/onnx";
import { trainErrors } from "../errors.ts";
import type { ConvShape } from "../gradient/convolution-shape.ts";
import { windowOf } from "../gradient/window.ts";
import { rowsBatchNormalisation } from "./batch-normalisation.ts";
import { rowsConvolution, storedWeight, type WeightStorage, weightStorage } from "./convolution.ts";
import { Feature } from "./feature.ts";

/** What the rewritten graph asks of whoever owns the parameters. */
export interface ParameterSource {
  /** The value that stands for a constant of the network: an input of the step if it is trained, else a constant. */
  parameter(constant: Value, layout?: WeightStorage): Value;
  isTrained(constant: Value): boolean;
  /** Running statistics of a BatchNormalization and what this step makes of them; null to leave them alone. */
  statistic(constant: Value): { readonly current: Value; advance(next: Value): void } | null;
}

/** @returns the feature of each output of the network, in order */
export function toRows(
  graph: Graph,
  emit: Emitter,
  inputs: ReadonlyMap<Value, Value>,
  source: ParameterSource,
): Feature[] {
  const walk = new Walk(emit, source);
  for (const [from, to] of inputs) walk.features.set(from, Feature.plain(emit, to));
  for (const node of graph.nodes) walk.node(node);
  emit.scope = "";
  return graph.outputs.map((output) => walk.feature(output));
}

type Conversion = (walk: Walk, node: Node) => readonly Feature[] | null;

class Walk {
  readonly emit: Emitter;
  readonly source: ParameterSource;
  readonly features = new Map<Value, Feature>();
  /** Values that something trained leads to. */
  readonly #active = new Set<Value>();

  constructor(emit: Emitter, source: ParameterSource) {
    this.emit = emit;
    this.source = source;
  }

  node(node: Node): void {
    this.emit.scope = `${node.name || node.output.name}/`;
    const row = isElementwise(node)
      ? elementwise
      : node.isStandard
        ? own(conversions, node.opType)
        : undefined;
    const made = row?.(this, node) ?? this.#plain(node);
    for (const [index, feature] of made.entries()) this.features.set(node.outputs[index]!, feature);
    if (node.inputs.some((input) => input && (this.leads(input) || this.source.isTrained(input)))) {
      for (const output of node.outputs) this.#active.add(output);
    }
  }

  /** Whether anything trained lies before the value. */
  leads(value: Value): boolean {
    return this.#active.has(value);
  }

  feature(value: Value): Feature {
    const held = this.features.get(value);
    if (held) return held;
    if (!value.constant) {
      throw trainErrors.error(
        "GRADIENT_UNSUPPORTED",
        `"${value.name}" is computed by nothing that can be trained through.`,
      );
    }
    const made = Feature.plain(this.emit, this.source.parameter(value));
    this.features.set(value, made);
    return made;
  }

  /** The layout of ONNX, the node as it is. */
  #plain(node: Node): Feature[] {
    const inputs = node.inputs.map((input) => input && this.feature(input).plain);
    if ([...node.attributes.values()].some(({ kind }) => kind === "graph" || kind === "graphs")) {
      throw trainErrors.error(
        "GRADIENT_UNSUPPORTED",
        `${node.label} has a body; control flow cannot be trained through.`,
      );
    }
    const made = this.emit.append(node, inputs);
    return made.map((value) => Feature.plain(this.emit, value));
  }
}

/** Elementwise on one tensor: the layout does not matter. */
const elementwise: Conversion = (walk, node) => {
  const [first, ...others] = node.inputs;
  const x = walk.feature(first!);
  if (!x.isRows || !others.every((other) => !other || other.constant?.size === 1)) return null;
  const inputs = [x.rows, ...others.map((other) => other && walk.feature(other).plain)];
  return [Feature.rows(walk.emit, x.dims, walk.emit.append(node, inputs)[0]!)];
};

/** Elementwise on several: rows when all have the same shape, one element, or one a channel. */
const broadcast: Conversion = (walk, node) => {
  const operands = node.inputs.map((input) => walk.feature(input!));
  const main = operands.find((operand) => operand.isRows);
  if (!main) return null;
  const rows = operands.map((operand) => asRows(walk.emit, operand, main.dims));
  if (rows.includes(null)) return null;
  return [Feature.rows(walk.emit, main.dims, walk.emit.append(node, rows)[0]!)];
};

function asRows(emit: Emitter, operand: Feature, dims: Dims): Value | null {
  if (operand.dims.length === dims.length && operand.dims.every((size, axis) => size === dims[axis]))
    return operand.rows;
  const size = elementCount(operand.dims);
  if (size === 1) return emit.reshape(operand.plain, []);
  // [C, 1, 1] or [1, C, 1, 1]
  const channelAxis = operand.dims.length - dims.length + 1;
  const isPerChannel = operand.dims[channelAxis] === size && dims[1] === size;
  return isPerChannel ? emit.reshape(operand.plain, [size]) : null;
}

const convolution: Conversion = (walk, node) => {
  const [x, w, bias] = [walk.feature(node.input(0)!), node.input(1)!, node.input(2)];
  // A constant weight that others read as well must lie as ONNX has it.
  if (node.int("group", 1) !== 1 || (w.constant && w.uses.length > 1)) return null;
  const [batch, channels, ...sizes] = x.dims;
  const { outputs: filters, kernel } = weightLayout(node, w.constant?.dims ?? walk.feature(w).dims)!;
  const outputs = walk.emit.dims(node.output).slice(2);
  const shape: ConvShape = {
    ...windowOf(node, kernel, sizes, outputs),
    batch: batch!,
    channels: channels!,
    filters,
    group: 1,
  };
  const layout = weightStorage(shape, walk.leads(node.input(0)!));
  const weight = w.constant
    ? walk.source.parameter(w, layout)
    : storedWeight(walk.emit, shape, layout, walk.feature(w).plain);
  const product = rowsConvolution(walk.emit, shape, layout, x.rows, weight);
  const y = bias ? walk.emit.add(product, walk.feature(bias).plain) : product;
  return [Feature.rows(walk.emit, [batch!, filters, ...outputs], y)];
};

const batchNormalization: Conversion = (walk, node) => {
  const { emit, source } = walk;
  const x = walk.feature(node.input(0)!);
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => node.input(index)!);
  if (!mean!.constant || !variance!.constant) return null;
  const epsilon = node.float("epsilon", 1e-5);
  const [scale, offset] = [walk.feature(gamma!).plain, walk.feature(beta!).plain];
  const [runningMean, runningVariance] = [source.statistic(mean!), source.statistic(variance!)];
  if (!runningMean || !runningVariance) {
    const deviation = emit.op("Sqrt", [emit.add(source.parameter(variance!), epsilon)]);
    const a = emit.div(scale, deviation);
    const b = emit.sub(offset, emit.mul(a, source.parameter(mean!)));
    return [Feature.rows(emit, x.dims, emit.add(emit.mul(x.rows, a), b))];
  }
  const count = emit.dims(x.rows)[0]!;
  if (count === 1) throw oneValue(node);
  const normalised = rowsBatchNormalisation(emit, x.rows, scale, offset, epsilon);
  const kept = node.float("momentum", 0.9);
  const advance = (running: typeof runningMean, batch: Value, correction: number): void => {
    const flat = emit.reshape(batch, emit.dims(running.current));
    running.advance(emit.add(emit.mul(running.current, kept), emit.mul(flat, (1 - kept) * correction)));
  };
  advance(runningMean, normalised.mean, 1);
  // The estimate for images to come is the unbiased one, as PyTorch has it.
  advance(runningVariance, normalised.variance, count / (count - 1));
  return [Feature.rows(emit, x.dims, normalised.y)];
};

/** Its output would be the offset whatever the images are, and the running variance would decay to nothing. */
function oneValue(node: Node) {
  return trainErrors.error(
    "TRAINING_CONFIG_INVALID",
    `${node.label} normalises one value of each channel: a batch of one image, of one pixel there. It has no variance. ` +
      'Take a larger batch, larger images, fewer replicas, or train with the running statistics (statistics "frozen").',
    { details: { node: node.name } },
  );
}

/** The mean over all pixels. */
const globalMean: Conversion = (walk, node) => {
  const { emit } = walk;
  const x = walk.feature(node.input(0)!);
  if (!x.isRows) return null;
  const [batch, channels, ...sizes] = x.dims;
  const pixels = emit.reshape(x.rows, [batch!, elementCount(sizes), channels!]);
  const mean = emit.reduce("ReduceMean", pixels, [1], false);
  return [Feature.rows(emit, [batch!, channels!, ...sizes.map(() => 1)], mean)];
};

const concat: Conversion = (walk, node) => {
  const parts = node.inputs.map((input) => walk.feature(input!));
  const rank = parts[0]!.dims.length;
  const axis = node.int("axis", 0);
  if (!parts.every((part) => part.isRows) || fromStart(axis, rank) !== 1) return null;
  const dims = parts[0]!.dims.with(
    1,
    parts.reduce((sum, part) => sum + part.dims[1]!, 0),
  );
  return [
    Feature.rows(
      walk.emit,
      dims,
      walk.emit.concat(
        parts.map((part) => part.rows),
        1,
      ),
    ),
  ];
};

/** One step for all elements: the layout does not matter. */
const quantisation: Conversion = (walk, node) => {
  const [x, ...others] = node.inputs.map((input) => input && walk.feature(input));
  if (!x!.isRows || others.some((other) => other && elementCount(other.dims) !== 1)) return null;
  const inputs = [x!.rows, ...others.map((other) => other?.plain ?? null)];
  return [Feature.rows(walk.emit, x!.dims, walk.emit.append(node, inputs)[0]!)];
};

const broadcastOperators = ["Add", "Div", "Max", "Min", "Mul", "Sub", "Sum"];

const conversions: Readonly<Record<string, Conversion>> = {
  ...Object.fromEntries(broadcastOperators.map((name) => [name, broadcast])),
  BatchNormalization: batchNormalization,
  Concat: concat,
  Conv: convolution,
  DequantizeLinear: quantisation,
  GlobalAveragePool: globalMean,
  QuantizeLinear: quantisation,
};
