/** A small residual network with seeded weights: every kind of layer the report tells apart, and fast. */
import { createRandom } from "@cupel/base";
import { attribute, Model, Tensor, tensorType, Value } from "@cupel/onnx";

const channels = 8;
const classes = 7;

/**
 * [N, 1, 64, 64] -> [N, 7]: stem, MaxPool, a residual block, GlobalAveragePool, Gemm.
 * Activations compared in a quantised copy: relu0, pool0, relu1, norm2, relu2, mean, scores.
 */
export function residualNetwork(seed = 1): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = model;
  const random = createRandom(seed);
  const normal = (dims: number[], deviation: number, mean = 0) =>
    Tensor.float32(
      dims,
      Float32Array.from(
        { length: dims.reduce((a, b) => a * b, 1) },
        () => mean + deviation * random.normal(),
      ),
    );
  const image = graph.add(new Value("image", tensorType("float32", ["N", 1, 64, 64])));
  graph.inputs.push(image);

  const add = (opType: string, name: string, inputs: Value[], output: string, attributes = {}) =>
    graph.append({ opType, name, inputs, outputs: [output], attributes }).output;
  const convolution = (index: number, input: Value, depth: number, stride: number) => {
    const weight = graph.addConstant(
      `conv${index}.weight`,
      normal([channels, depth, 3, 3], Math.sqrt(2 / (9 * depth))),
    );
    const made = add("Conv", `conv${index}`, [input, weight], `conv${index}_out`, {
      kernel_shape: attribute.ints([3, 3]),
      pads: attribute.ints([1, 1, 1, 1]),
      strides: attribute.ints([stride, stride]),
    });
    const parameters = [
      normal([channels], 0.1, 1),
      normal([channels], 0.1),
      normal([channels], 0.1),
      Tensor.float32(
        [channels],
        Array.from({ length: channels }, () => 0.5 + random.uniform()),
      ),
    ].map((tensor, i) => graph.addConstant(`norm${index}.${i}`, tensor));
    return add("BatchNormalization", `norm${index}`, [made, ...parameters], `norm${index}_out`);
  };

  const stem = add("Relu", "relu0", [convolution(0, image, 1, 2)], "relu0_out");
  const pooled = add("MaxPool", "pool0", [stem], "pool0_out", {
    kernel_shape: attribute.ints([2, 2]),
    strides: attribute.ints([2, 2]),
  });
  const inner = add("Relu", "relu1", [convolution(1, pooled, channels, 1)], "relu1_out");
  const sum = add("Add", "sum", [convolution(2, inner, channels, 1), pooled], "sum_out");
  const block = add("Relu", "relu2", [sum], "relu2_out");
  const mean = add("GlobalAveragePool", "mean", [block], "mean_out");
  const flat = add("Flatten", "flat", [mean], "flat_out");
  const scores = add(
    "Gemm",
    "dense",
    [
      flat,
      graph.addConstant("dense.weight", normal([classes, channels], 0.5)),
      graph.addConstant("dense.bias", normal([classes], 0.1)),
    ],
    "scores",
    { transB: attribute.int(1) },
  );
  graph.outputs.push(scores);
  return model;
}
