/**
 * Which nodes of an optimised graph let their output lie in an input: the kernels that ONNX Runtime 1.30 registers for the
 * CPU with `Alias` or `MayInplace`. `Add`, `Mul` and `QLinearAdd` are not among them: the sum of a residual block takes memory
 * of its own, unless the engine fuses it into the convolution before it, whose fourth input it then is.
 */
import { own } from "@cupel/base";
import type { Node, ReuseRule } from "@cupel/onnx";

const alias: ReuseRule = { kind: "alias", inputs: [0] };
const inPlace: ReuseRule = { kind: "in place", inputs: [0] };
/** Input 3 of a fused convolution is what is added to its sums. */
const fusedSum: ReuseRule = { kind: "in place", inputs: [3] };

const standard: Readonly<Record<string, ReuseRule>> = {
  Dropout: alias,
  Flatten: alias,
  Identity: alias,
  Reshape: alias,
  Squeeze: alias,
  Unsqueeze: alias,
  Cast: inPlace,
  Celu: inPlace,
  Clip: inPlace,
  Elu: inPlace,
  HardSigmoid: inPlace,
  LeakyRelu: inPlace,
  LogSoftmax: inPlace,
  Relu: inPlace,
  Selu: inPlace,
  Sigmoid: inPlace,
  Softmax: inPlace,
  Softplus: inPlace,
  Softsign: inPlace,
  Tanh: inPlace,
  ThresholdedRelu: inPlace,
};

const ofDomain: Readonly<Record<string, Readonly<Record<string, ReuseRule>>>> = {
  "com.microsoft": { FusedConv: fusedSum },
  "com.microsoft.nchwc": { Conv: fusedSum },
};

export function engineReuse(node: Node): ReuseRule | null {
  const rows = node.isStandard ? standard : own(ofDomain, node.domain);
  return (rows && own(rows, node.opType)) ?? null;
}
