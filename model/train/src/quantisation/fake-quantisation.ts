/**
 * Quantisation-aware training as a graph transform: a float network comes out as one that computes with rounded weights,
 * activations and biases, whose gradients pass the rounding by (gradient/quantisation.ts) and whose steps are learned (LSQ,
 * Esser et al. 2020, https://arxiv.org/abs/1902.08153):
 *
 *   weight      r s,  r = nearest level to h u / e,  s = S e,  e = exp(t)
 *   activation  DequantizeLinear(QuantizeLinear(x, s, z), s, z),      s = min(S e, most)
 *   bias        round(B b / (s of the input * s of the weight)) times that, as 8-bit kernels add it
 *
 * S is the step to begin with, t is trained and starts at 0: a step changes by a share of itself and stays above 0. u is the
 * weight in units of its row's range S h, h the largest magnitude of a level, b the bias in units of the largest B: one
 * learning rate suits all, however the folding of a normalisation has scaled them. Levels are integers, with gaps or without;
 * gradients pass as if there were none, and outside the outermost there is none.
 *
 * Who exports reads r, s and the biases off the graph (`readQuantised`) instead of computing them once more: what was
 * trained is then what is written, to the last bit.
 */
import {
  cloneModel,
  Emitter,
  type Graph,
  inferShapes,
  type Model,
  removeDeadCode,
  runPasses,
  sortTopologically,
  Tensor,
  type Value,
} from "@cupel/onnx";
import { trainErrors } from "../errors.ts";

export interface FakeWeight {
  /** Of the constant. */
  readonly name: string;
  /** The axis that the steps are of. */
  readonly axis: number;
  /** To begin with: one for each slice of the axis, or one for all. */
  readonly steps: Float32Array;
  /** Ascending. */
  readonly levels: Int8Array;
  /** A constant of one number a slice of the axis, to be trained; `input` names an activation whose step times the weight's it is a multiple of. */
  readonly bias: { readonly name: string; readonly input: string | null } | null;
}

/** Values that are rounded to the same unsigned 8-bit levels. */
export interface FakeActivation {
  readonly values: readonly string[];
  readonly step: number;
  readonly zeroPoint: number;
  /** Default true. */
  readonly learned?: boolean | undefined;
  /** The step MUST NOT become larger. Default: it may. */
  readonly most?: number | undefined;
}

export interface FakeQuantisation {
  readonly weights: readonly FakeWeight[];
  readonly activations: readonly FakeActivation[];
}

export interface FakeQuantised {
  readonly model: Model;
  /** Names of the constants to train: for `parameters` and `trainable` of a trainer. */
  readonly parameters: ReadonlySet<string>;
  /** Names of the values that hold what the network is rounded to. */
  readonly rounded: QuantisedValues<string>;
}

/** `network` is left as it is. @throws TRAINING_CONFIG_INVALID for a name that is none of the network's */
export function fakeQuantise(network: Model, { weights, activations }: FakeQuantisation): FakeQuantised {
  const model = cloneModel(network);
  const emit = new Emitter(model, { typed: false });
  const writer = new Writer(emit);
  for (const activation of activations) writer.activation(activation);
  for (const weight of weights) writer.weight(weight);
  sortTopologically(model.graph);
  inferShapes(model);
  return { model, parameters: writer.parameters, rounded: writer.rounded };
}

class Writer {
  readonly parameters = new Set<string>();
  readonly rounded = {
    levels: new Map<string, string>(),
    steps: new Map<string, string>(),
    biases: new Map<string, string>(),
    activations: new Map<string, string>(),
  };
  readonly #emit: Emitter;
  readonly #graph: Graph;
  readonly #activationSteps = new Map<string, Value>();

  constructor(emit: Emitter) {
    this.#emit = emit;
    this.#graph = emit.model.graph;
  }

  activation({ values, step, zeroPoint, learned = true, most = Number.POSITIVE_INFINITY }: FakeActivation) {
    const emit = this.#emit;
    const zero = emit.shared(`zero.${zeroPoint}`, () => Tensor.uint8([], [zeroPoint]));
    const [first] = values;
    let scale = emit.constant(Tensor.float32([], [step]));
    if (learned) {
      scale = emit.mul(scale, this.#exponential(`${first}.step`, []));
      if (most < Number.POSITIVE_INFINITY) scale = emit.op("Min", [scale, emit.scalar(most)]);
      for (const name of values) this.rounded.activations.set(name, scale.name);
    }
    for (const name of values) {
      const value = this.#value(name);
      const readers = [...value.uses];
      const integers = emit.op("QuantizeLinear", [value, scale, zero]);
      const rounded = emit.op("DequantizeLinear", [integers, scale, zero]);
      for (const { node, index } of readers) node.setInput(index, rounded);
      this.#activationSteps.set(name, scale);
    }
  }

  weight({ name, axis, steps, levels, bias }: FakeWeight) {
    const emit = this.#emit;
    const weight = this.#value(name);
    const tensor = weight.constant!;
    const [low, high] = [levels[0]!, levels.at(-1)!];
    const half = Math.max(-low, high);
    const dims = steps.length === 1 ? [] : tensor.dims.map((size, at) => (at === axis ? size : 1));
    const readers = [...weight.uses];
    const latent = this.#parameter(
      `${name}.latent`,
      Tensor.float32(tensor.dims, inUnitsOfRange(tensor, axis, steps, half)),
    );
    const growth = this.#exponential(`${name}.step`, dims);
    const inLevels = emit.div(emit.mul(latent, half), growth);
    const nearest = this.#nearest(emit.op("Clip", [inLevels, emit.scalar(low), emit.scalar(high)]), levels);
    const scale = emit.mul(emit.constant(Tensor.float32(dims, steps)), growth);
    const rounded = emit.mul(nearest, scale);
    for (const { node, index } of readers) node.setInput(index, rounded);
    this.#graph.removeConstant(weight);
    this.rounded.levels.set(name, nearest.name);
    this.rounded.steps.set(name, scale.name);
    if (bias !== null) this.#bias(bias, scale);
  }

  #bias({ name, input }: { readonly name: string; readonly input: string | null }, scale: Value) {
    const emit = this.#emit;
    const bias = this.#value(name);
    const readers = [...bias.uses];
    const numbers = bias.constant!.toFloat32();
    const range = numbers.reduce((most, each) => Math.max(most, Math.abs(each)), 0) || 1;
    const latent = this.#parameter(
      `${name}.latent`,
      Tensor.float32(
        bias.constant!.dims,
        numbers.map((each) => each / range),
      ),
    );
    let trained = emit.mul(latent, range);
    if (input !== null) {
      const step = this.#activationSteps.get(input);
      if (!step) throw unknown(input);
      const unit = emit.mul(emit.op("Reshape", [scale, emit.integers([-1])]), step);
      // Too many levels for an integer type with a gradient: the whole part has none and needs none.
      const inUnits = emit.div(trained, unit);
      const whole = emit.op("Floor", [inUnits]);
      const integers = emit.add(whole, this.#round(emit.sub(inUnits, whole)));
      trained = emit.mul(integers, unit);
    }
    for (const { node, index } of readers) node.setInput(index, trained);
    this.#graph.removeConstant(bias);
    this.rounded.biases.set(name, trained.name);
  }

  /** To the nearest integer of -128..127; the gradient passes. */
  #round(value: Value): Value {
    const emit = this.#emit;
    const one = emit.scalar(1);
    const zero = emit.shared("zero.int8", () => Tensor.int8([], [0]));
    return emit.op("DequantizeLinear", [emit.op("QuantizeLinear", [value, one, zero]), one, zero]);
  }

  /** From an integer on to the level nearest to it, by a table of how far it is: the gradient is that of the integer. */
  #nearest(value: Value, levels: Int8Array): Value {
    const emit = this.#emit;
    const integer = this.#round(value);
    if (levels.at(-1)! - levels[0]! === levels.length - 1) return integer;
    const distances = Float32Array.from({ length: 256 }, (_, at) => {
      const from = at < 128 ? at : at - 256;
      return levels.reduce((best, level) => nearer(level - from, best), levels[0]! - from);
    });
    const one = emit.scalar(1);
    const zero = emit.shared("zero.int8", () => Tensor.int8([], [0]));
    const index = emit.cast(emit.op("QuantizeLinear", [value, one, zero]), "int32");
    const distance = emit.op("Gather", [emit.constant(Tensor.float32([256], distances)), index]);
    return emit.add(integer, distance);
  }

  #exponential(name: string, dims: readonly number[]): Value {
    const size = dims.reduce((product, each) => product * each, 1);
    return this.#emit.op("Exp", [this.#parameter(name, Tensor.float32(dims, new Float32Array(size)))]);
  }

  #parameter(name: string, tensor: Tensor): Value {
    const value = this.#graph.addConstant(name, tensor);
    this.parameters.add(value.name);
    return value;
  }

  #value(name: string): Value {
    const value = this.#graph.value(name);
    if (!value) throw unknown(name);
    return value;
  }
}

/** The nearer of two distances. */
function nearer(one: number, other: number): number {
  return Math.abs(one) < Math.abs(other) ? one : other;
}

function unknown(name: string) {
  return trainErrors.error(
    "TRAINING_CONFIG_INVALID",
    `"${name}" is to be rounded, but the network has no such value, or it has no step.`,
    { details: { name } },
  );
}

function inUnitsOfRange(tensor: Tensor, axis: number, steps: Float32Array, half: number): Float32Array {
  const after = tensor.dims.slice(axis + 1).reduce((product, each) => product * each, 1);
  const count = tensor.dims[axis] ?? 1;
  return tensor.toFloat32().map((weight, at) => {
    const step = steps.length === 1 ? steps[0]! : steps[Math.floor(at / after) % count]!;
    return weight / (step * half);
  });
}

/** What a trained network is rounded to, by the names that `fakeQuantise` was given. */
export interface QuantisedValues<Each> {
  /** Integers in the shape of the weight. */
  readonly levels: ReadonlyMap<string, Each>;
  /** Of the weights, in the order of their axis. */
  readonly steps: ReadonlyMap<string, Each>;
  readonly biases: ReadonlyMap<string, Each>;
  /** Steps of the activations that were learned. */
  readonly activations: ReadonlyMap<string, Each>;
}

/**
 * A model without inputs whose outputs are what the network is rounded to: run it, and what the trained graph computes with
 * is known to the last bit. The maps have the names of its outputs.
 * @param trained the network of `fakeQuantise` with trained values, as a trainer exports it
 */
export function readQuantised(
  trained: Model,
  { rounded }: FakeQuantised,
): { readonly model: Model; readonly names: QuantisedValues<string> } {
  const model = cloneModel(trained);
  const { graph } = model;
  const { inputs, outputs } = graph;
  const names = new Set(
    Object.values(rounded).flatMap((each: ReadonlyMap<string, string>) => [...each.values()]),
  );
  const emit = new Emitter(model, { typed: false });
  const copies = new Map(
    [...names].map((name) => [name, emit.op("Identity", [graph.value(name)!])] as const),
  );
  outputs.splice(0, outputs.length, ...copies.values());
  runPasses(model, [removeDeadCode]);
  inputs.splice(0, inputs.length, ...inputs.filter(({ uses }) => uses.length > 0));
  const copied = (each: ReadonlyMap<string, string>) =>
    new Map([...each].map(([name, of]) => [name, copies.get(of)!.name] as const));
  return {
    model,
    names: {
      levels: copied(rounded.levels),
      steps: copied(rounded.steps),
      biases: copied(rounded.biases),
      activations: copied(rounded.activations),
    },
  };
}
