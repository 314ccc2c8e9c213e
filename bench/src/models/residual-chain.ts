/** A chain of small residual blocks of as many nodes as asked for: all overhead, hardly any arithmetic. */
import { attribute, Model, Tensor, tensorType, Value } from "@cupel/onnx";

const channels = 8;
const dims = [1, channels, 8, 8];

export interface ResidualChain {
  /** From "x", [1, 8, 8, 8], to "y" of the same shape, and with a loss to "loss", its mean. */
  readonly model: Model;
  /** Names of the weights of the convolutions. */
  readonly weights: readonly string[];
}

/** Nodes without the loss: one Conv, then blocks of Conv 1 x 1, Relu and Add. `nodes` MUST be 1 more than a multiple of 3. */
export function residualChain(nodes: number, options: { readonly loss?: boolean } = {}): ResidualChain {
  const model = new Model({ irVersion: 10, opsets: new Map([["", 18]]) });
  const { graph } = model;
  const type = tensorType("float32", dims);
  const weights: string[] = [];
  const conv = (from: Value): Value => {
    const name = `weight${weights.length}`;
    weights.push(name);
    // Small enough that a thousand sums stay far from the ends of float32.
    const weight = Tensor.float32(
      [channels, channels, 1, 1],
      new Float32Array(channels * channels).fill(1e-3),
    );
    const inputs = [from, graph.addConstant(name, weight)];
    const attributes = { kernel_shape: attribute.ints([1, 1]) };
    return graph.append({ opType: "Conv", inputs, attributes, type }).output;
  };
  const x = graph.add(new Value("x", type));
  graph.inputs.push(x);
  let last = conv(x);
  for (let node = 1; node < nodes; node += 3) {
    const relu = graph.append({ opType: "Relu", inputs: [conv(last)], type }).output;
    const outputs = node + 3 >= nodes ? ["y"] : 1;
    last = graph.append({ opType: "Add", inputs: [relu, last], outputs, type }).output;
  }
  if (options.loss) {
    const inputs = [last];
    const attributes = { keepdims: attribute.int(0) };
    last = graph.append({
      opType: "ReduceMean",
      inputs,
      attributes,
      outputs: ["loss"],
      type: tensorType("float32", []),
    }).output;
  }
  graph.outputs.push(last);
  return { model, weights };
}
