/** A multilayer perceptron: linear layers with an activation between, none behind the last. */
import type { Model } from "@cupel/onnx";
import { assertOneOf, assertSizes } from "./check-options.ts";
import { constant, glorot, heFanIn } from "./initialiser.ts";
import { NetworkBuilder } from "./network-builder.ts";

export interface MlpOptions {
  /** Features of the input. */
  readonly inputs: number;
  /** Features of each hidden layer, in order; none makes a linear classifier. */
  readonly hidden: readonly number[];
  /** Features of the output. */
  readonly classes: number;
  /** Default "relu". */
  readonly activation?: keyof typeof activations;
  /** Of the initial weights. Default 1. */
  readonly seed?: number;
}

/** Weights suit the activation: He where it rectifies, Glorot where it saturates. Biases begin at 0. */
const activations = {
  relu: { opType: "Relu", weight: heFanIn },
  tanh: { opType: "Tanh", weight: glorot },
  sigmoid: { opType: "Sigmoid", weight: glorot },
} as const;

/**
 * Input `input` [N, inputs], output `logits` [N, classes]; parameters "fc1.weight", "fc1.bias", "fc2.weight", ...
 * @throws TRAINING_CONFIG_INVALID
 */
export function mlp(options: MlpOptions): Model {
  const { inputs, hidden, classes, activation = "relu", seed = 1 } = options;
  assertSizes({
    inputs,
    classes,
    ...Object.fromEntries(hidden.map((size, index) => [`hidden[${index}]`, size])),
  });
  assertOneOf("activation", activation, Object.keys(activations));
  const { opType, weight } = activations[activation];
  const initialisers = { weight, bias: constant(0) };
  const net = new NetworkBuilder([inputs], seed);
  let stream = net.input;
  for (const [index, size] of hidden.entries()) {
    const layer = net.linear(stream, `fc${index + 1}`, size, initialisers);
    stream = net.activation(layer, `${opType.toLowerCase()}${index + 1}`, opType);
  }
  return net.build(net.linear(stream, `fc${hidden.length + 1}`, classes, initialisers));
}
