/** A network that is slower on integers: its convolutions gain less than the conversions around them cost. */
import { createRandom } from "@cupel/base";
import { attribute, Model, Tensor, tensorType, Value } from "@cupel/onnx";

/** Image [N, 1, 64, 64] to [N, 8]. What is between the convolutions has no 8-bit kernel. */
export function conversionsOnly(): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = model;
  const random = createRandom(1);
  let y = graph.add(new Value("image", tensorType("float32", ["N", 1, 64, 64])));
  graph.inputs.push(y);
  const add = (opType: string, name: string, inputs: Value[], attributes = {}) =>
    graph.append({ opType, name, inputs, outputs: [`${name}_out`], attributes }).output;
  for (let layer = 0; layer < 6; layer++) {
    const depth = layer === 0 ? 1 : 8;
    const values = Float32Array.from({ length: 8 * depth }, () => random.normal());
    const weight = graph.addConstant(`weight${layer}`, Tensor.float32([8, depth, 1, 1], values));
    y = add("Abs", `abs${layer}`, [
      add("Conv", `conv${layer}`, [y, weight], { kernel_shape: attribute.ints([1, 1]) }),
    ]);
  }
  graph.outputs.push(add("Flatten", "flat", [add("GlobalAveragePool", "mean", [y])]));
  return model;
}
