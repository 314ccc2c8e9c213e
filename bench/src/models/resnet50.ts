/**
 * ResNet-50 with weights drawn from a seed: the size, the shapes and the graph of the real model for
 * measuring time and memory, where no pretrained one may be had. It is the untrained network of
 * @cupel/train, its BatchNorms set as training would leave them, so that every activation has a spread near 1.
 */
import { createRandom, own, type Random } from "@cupel/base";
import { type Model, type Node, removeDeadCode, Tensor, type Value } from "@cupel/onnx";
import { resnet50 as untrainedResnet50 } from "@cupel/train";

export interface ResNet50Options {
  /** Channels of the first convolution; the others are multiples. Default 64, the published width. */
  readonly width?: number;
  /** Height and width of the input in pixels. Default 224. */
  readonly imageSize?: number;
  /** Default 1000. */
  readonly classes?: number;
  /** Default 1. */
  readonly seed?: number;
  /**
   * "separate": Conv without bias, then BatchNormalization, as exported for training (the default).
   * "behind-identity": BatchNorms folded into Conv, as exported for inference. Biases that are equal, here
   * all of a width, are stored once and the other layers read them through Identity. That trap is the
   * exporter's own: a quantiser that does not see through Identity leaves those layers in float.
   */
  readonly batchNorms?: "separate" | "behind-identity";
}

/** Residual branches speak softly, or the spread would grow with each of the 16 blocks. */
const branchGain = 0.5;
/** Roughly the mean square of the largest of nine rectified normal values: what MaxPool hands on. */
const powerAfterPool = 2;

/** Input `input` `[N, 3, H, W]`, output `logits` `[N, classes]`. */
export function resnet50(options: ResNet50Options = {}): Model {
  const { width = 64, imageSize = 224, classes = 1000, seed = 1, batchNorms = "separate" } = options;
  const model = untrainedResnet50({ classes, width, input: [3, imageSize, imageSize], seed });
  const random = createRandom(seed);
  setBatchNorms(model, random);
  if (batchNorms === "behind-identity") foldBehindIdentity(model, random);
  return model;
}

/** Follows the mean square of the activations through the graph, by calculation. */
function setBatchNorms(model: Model, random: Random): void {
  const powers = new Map<Value, number>();
  const powerOf = (value: Value | null): number => (value && powers.get(value)) ?? 1;
  const rules: Readonly<Record<string, (node: Node, power: number) => number>> = {
    // He's variance by fan out, 2 / (outputs k^2), times the inputs k^2 that are summed.
    Conv: (node, power) => {
      const [outputs, inputs] = node.input(1)!.constant!.dims as readonly [number, number];
      return (power * 2 * inputs) / outputs;
    },
    BatchNormalization: (node, variance) => {
      const gain = node.name.includes(".bn3/") ? branchGain : 1;
      setBatchNorm(model, node, { variance, gain, random });
      return gain * gain;
    },
    // Of a sum with what was at least 0 already, little is cut off.
    Relu: (node, power) => (node.input(0)!.producer!.inputs.some(isRectified) ? power : power / 2),
    MaxPool: () => powerAfterPool,
    Add: (node, power) => power + powerOf(node.input(1)),
  };
  for (const node of model.graph.nodes) {
    const power = powerOf(node.input(0));
    powers.set(node.output, own(rules, node.opType)?.(node, power) ?? power);
  }
}

function isRectified(value: Value | null): boolean {
  return value?.producer?.is("Relu") ?? false;
}

function setBatchNorm(
  { graph }: Model,
  node: Node,
  { variance, gain, random }: { variance: number; gain: number; random: Random },
): void {
  const around = (centre: number, spread: number): number =>
    centre * (1 + spread * (2 * random.uniform() - 1));
  const draws = [
    () => around(gain, 0.5),
    () => 0.1 * gain * random.normal(),
    () => 0.1 * Math.sqrt(variance) * random.normal(),
    () => around(variance, 0.2),
  ];
  for (const [index, draw] of draws.entries()) {
    const parameter = node.input(index + 1)!;
    const { dims } = parameter.constant!;
    graph.setConstant(parameter, Tensor.float32(dims, Array.from({ length: dims[0]! }, draw)));
  }
}

function foldBehindIdentity(model: Model, random: Random): void {
  const { graph } = model;
  /** The first bias of each width. */
  const biases = new Map<number, Value>();
  for (const norm of [...graph.nodes].filter((node) => node.is("BatchNormalization"))) {
    const convolution = norm.input(0)!.producer!;
    const weight = convolution.input(1)!;
    const channels = weight.constant!.dims[0]!;
    scaleChannels(model, weight, norm);
    const name = weight.name.replace(/weight$/, "bias");
    const stored = biases.get(channels);
    if (stored) {
      const identity = { opType: "Identity", name: `/${name}/Identity`, inputs: [stored] };
      convolution.setInput(2, graph.insertBefore(convolution, identity).output);
    } else {
      const values = Array.from({ length: channels }, () => 0.05 * random.normal());
      biases.set(channels, graph.addConstant(name, Tensor.float32([channels], values)));
      convolution.setInput(2, biases.get(channels)!);
    }
    graph.absorb(convolution, norm);
  }
  removeDeadCode.run(model);
}

/** The weight takes over scale and variance of the BatchNorm behind it. */
function scaleChannels({ graph }: Model, weight: Value, norm: Node): void {
  const [gammas, variances] = [1, 4].map((index) => norm.input(index)!.constant!.toFloat32());
  const { dims } = weight.constant!;
  const values = weight.constant!.toFloat32();
  const block = values.length / dims[0]!;
  const scaled = values.map((value, index) => {
    const channel = Math.floor(index / block);
    return (value * gammas![channel]!) / Math.sqrt(variances![channel]!);
  });
  graph.setConstant(weight, Tensor.float32(dims, scaled));
}
