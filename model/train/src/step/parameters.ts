/**
 * Which constants of a network are parameters. Every float constant is one, unless it is known for a constant:
 *
 * 1. a setting of an operator (the bounds of Clip, the scales of Resize), or held by an operator that computes with integers
 * 2. a running statistic, which training replaces, but not by gradients
 * 3. one number, such as 1/sqrt(d), unless an exporter's name or the operator that reads it tells of a parameter
 * 4. one number a channel that is applied to the input itself, before anything learned: normalisation of images; names likewise
 * 5. a mask (only 0 and one number of -100 or below), or a literal or a buffer by its name
 *
 * What a constant is follows from where it is read, so one that several operators read may be both.
 */
import { own } from "@cupel/base";
import { type Model, operatorFacts, type Use, type Value } from "@cupel/onnx";
import { gradientRules } from "../gradient/rules.ts";
import { isKeptName, isLiteralName, isParameterName } from "./parameter-name.ts";

/** Inputs that say how an operator works: nothing is learned there. */
const settings: Readonly<Record<string, readonly number[]>> = {
  Clip: [1, 2],
  Dropout: [1, 2],
  Expand: [1],
  Pad: [1, 2, 3],
  Resize: [1, 2, 3],
  Where: [0],
};

/** What normalises an image, or only passes it on. */
const normalising = ["Add", "Cast", "Div", "Identity", "Mul", "Sub", "Transpose"];

/** A mask is added before Softmax: what it hides gets this or less. */
const hidden = -100;

/** Of one model in float32, whose Constant nodes have become initialisers. */
export class ParameterRule {
  readonly #producer: string;
  /** Sizes along the axes that may count the channels of an image. */
  readonly #channels = new Set<number>();
  /** Values that are the input, perhaps normalised. */
  readonly #raw = new Set<Value>();
  readonly #masks = new Map<Value, boolean>();

  constructor({ graph, producerName }: Model) {
    this.#producer = producerName;
    for (const input of graph.inputs) {
      if (input.constant) continue;
      this.#raw.add(input);
      const { length } = input.shape ?? [];
      if (length < 3) continue;
      for (const size of [input.shape![1], input.shape![length - 1]]) {
        if (typeof size === "number") this.#channels.add(size);
      }
    }
    for (const node of graph.nodes) {
      if (!node.is(...normalising)) continue;
      const isRaw = node.inputs.every(
        (input, index) =>
          input && (input.constant ? !this.isParameter(input, { node, index }) : this.#raw.has(input)),
      );
      if (isRaw) this.#raw.add(node.output);
    }
  }

  /** Whether what is read here is a parameter. */
  isParameter(value: Value, { node, index }: Use): boolean {
    const { constant, name } = value;
    const { weights, statistics, quantised } = operatorFacts(node);
    if (constant?.type !== "float32" || quantised || !hasGradient(node.opType) || !node.isStandard)
      return false;
    if (statistics?.includes(index) || own(settings, node.opType)?.includes(index)) return false;
    if (weights?.includes(index)) return true;
    if (isLiteralName(name) || isKeptName(name) || this.#isMask(value)) return false;
    const isDoubtful = constant.size === 1 || this.#normalisesInput(value, { node, index });
    return !isDoubtful || isParameterName(name, this.#producer);
  }

  #normalisesInput({ constant }: Value, { node, index }: Use): boolean {
    const isOnInput = node.inputs.some((input, at) => at !== index && input && this.#raw.has(input));
    if (!isOnInput || !node.is("Add", "Div", "Mul", "Sub")) return false;
    const { size, dims } = constant!;
    return dims.filter((each) => each > 1).length <= 1 && this.#channels.has(size);
  }

  #isMask(value: Value): boolean {
    const known = this.#masks.get(value);
    if (known !== undefined) return known;
    const elements = value.constant!.toFloat32();
    const low = elements.find((element) => element !== 0) ?? 0;
    const isMask = low <= hidden && elements.every((element) => element === 0 || element === low);
    this.#masks.set(value, isMask);
    return isMask;
  }
}

function hasGradient(opType: string): boolean {
  return Object.hasOwn(gradientRules, opType);
}

export interface FloatConstants {
  /** Names. */
  readonly parameters: ReadonlySet<string>;
  /** Names of what an operator without a gradient reads as its weights, and that operator. */
  readonly withoutGradient: ReadonlyMap<string, string>;
}

/** @param chosen names that are parameters, whatever the rule says */
export function floatConstants(model: Model, chosen: (name: string) => boolean): FloatConstants {
  const rule = new ParameterRule(model);
  const statistics = runningStatistics(model);
  const parameters = new Set<string>();
  const withoutGradient = new Map<string, string>();
  for (const value of model.graph.initializers) {
    const { name, uses, constant } = value;
    if (constant?.type !== "float32" || uses.length === 0) continue;
    if (uses.some((use) => rule.isParameter(value, use)) || (chosen(name) && !statistics.has(value))) {
      parameters.add(name);
      continue;
    }
    const reader = uses.find(
      ({ node, index }) => operatorFacts(node).weights?.includes(index) && !hasGradient(node.opType),
    );
    if (reader) withoutGradient.set(name, reader.node.opType);
  }
  return { parameters, withoutGradient };
}

/** Names of the float constants that are neither parameters nor running statistics. */
export function constantsBeside(model: Model, parameters: ReadonlySet<string>): Set<string> {
  const statistics = runningStatistics(model);
  const others = [...model.graph.initializers].filter(
    (value) =>
      value.constant?.type === "float32" &&
      value.uses.length > 0 &&
      !parameters.has(value.name) &&
      !statistics.has(value),
  );
  return new Set(others.map(({ name }) => name));
}

/** Running means and variances: training replaces them, but not by gradients. */
export function runningStatistics(model: Model): Set<Value> {
  const statistics = new Set<Value>();
  for (const node of model.graph.nodes) {
    for (const index of operatorFacts(node).statistics ?? []) {
      const input = node.input(index);
      if (input?.constant) statistics.add(input);
    }
  }
  return statistics;
}

/** Of these, those on which the first output depends in a way that can be differentiated. @param network with shapes and types */
export function leadingToOutput(network: Model, names: ReadonlySet<string>): Set<Value> {
  const { graph } = network;
  const leading = new Set<Value>(graph.outputs.slice(0, 1));
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => leading.has(output) && isDifferentiable(output))) continue;
    for (const [index, input] of node.inputs.entries()) {
      if (input && !own(settings, node.opType)?.includes(index)) leading.add(input);
    }
  }
  return new Set([...graph.initializers].filter((value) => names.has(value.name) && leading.has(value)));
}

/** Integers carry no gradient, but those that a QuantizeLinear makes of numbers. */
function isDifferentiable({ type, producer }: Value): boolean {
  return type?.kind !== "tensor" || /float/.test(type.elementType) || producer?.is("QuantizeLinear") === true;
}
