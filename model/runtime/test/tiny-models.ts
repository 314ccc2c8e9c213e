/** Models small enough to check by hand, as bytes. */

import type { ElementType, Shape } from "@cupel/onnx";
import { attribute, encodeModelBytes, Model, Tensor, tensorType, Value } from "@cupel/onnx";

export function emptyModel(): Model {
  return new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
}

export function input(model: Model, name: string, type: ElementType, shape: Shape): Value {
  const value = model.graph.add(new Value(name, tensorType(type, shape)));
  model.graph.inputs.push(value);
  return value;
}

/** y = relu(x + x), with the sum "twice" in between; x is [n, 3]. */
export function doubler(): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const type = tensorType("float32", ["n", 3]);
  const x = input(model, "x", "float32", ["n", 3]);
  const twice = graph.append({ opType: "Add", inputs: [x, x], outputs: ["twice"], type });
  graph.outputs.push(graph.append({ opType: "Relu", inputs: [twice.output], outputs: ["y"], type }).output);
  return encodeModelBytes(model);
}

/** y = x, of any element type that the engine copies; x is [n]. */
export function identity(type: ElementType): Uint8Array {
  const model = emptyModel();
  const x = input(model, "x", type, ["n"]);
  model.graph.outputs.push(
    model.graph.append({ opType: "Identity", inputs: [x], outputs: ["y"], type: tensorType(type, ["n"]) })
      .output,
  );
  return encodeModelBytes(model);
}

/** before = sum, next_sum = sum + scale x, count = the elements of x as an int64 [1]; sum and x are [n] and [m]. */
export function accumulator(): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const x = input(model, "x", "float32", ["m"]);
  const sum = input(model, "sum", "float32", ["n"]);
  const scale = input(model, "scale", "float32", []);
  const type = tensorType("float32", ["n"]);
  const before = graph.append({ opType: "Identity", inputs: [sum], outputs: ["before"], type });
  const term = graph.append({
    opType: "Mul",
    inputs: [x, scale],
    outputs: ["term"],
    type: tensorType("float32", ["m"]),
  });
  const next = graph.append({ opType: "Add", inputs: [sum, term.output], outputs: ["next_sum"], type });
  const count = graph.append({
    opType: "Shape",
    inputs: [x],
    outputs: ["count"],
    type: tensorType("int64", [1]),
  });
  graph.outputs.push(before.output, next.output, count.output);
  return encodeModelBytes(model);
}

/** y = x reshaped to `shape`, of a rank that is not known beforehand; same_shape = shape + 0. */
export function reshaper(): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const x = input(model, "x", "float32", ["n"]);
  const shape = input(model, "shape", "int64", ["rank"]);
  const zero = graph.addConstant("zero", Tensor.int64([], [0]));
  const y = graph.append({
    opType: "Reshape",
    inputs: [x, shape],
    outputs: ["y"],
    type: tensorType("float32", null),
  });
  const type = tensorType("int64", ["rank"]);
  const same = graph.append({ opType: "Add", inputs: [shape, zero], outputs: ["same_shape"], type });
  graph.outputs.push(y.output, same.output);
  return encodeModelBytes(model);
}

/** y = w x with a w of [1024, 512], 2 MiB, given by `weight`. */
export function matrixModel(weight: Tensor): Model {
  const model = emptyModel();
  const { graph } = model;
  const x = input(model, "x", "float32", ["n", 1024]);
  const w = graph.addConstant("w", weight);
  graph.outputs.push(
    graph.append({
      opType: "MatMul",
      inputs: [x, w],
      outputs: ["y"],
      type: tensorType("float32", ["n", 512]),
    }).output,
  );
  return model;
}

/** Forty matrix products, 11 GFLOP, or more: the engine is busy for a tenth of a second or more. x is [512, 512]. */
export function slowModel(products = 40): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const x = input(model, "x", "float32", [512, 512]);
  let value = x;
  for (let i = 0; i < products; i++) {
    value = graph.append({
      opType: "MatMul",
      inputs: [value, x],
      outputs: [`product${i}`],
      type: tensorType("float32", [512, 512]),
    }).output;
  }
  graph.outputs.push(value);
  return encodeModelBytes(model);
}

export type Flaw =
  | "none"
  | "float input"
  | "float weights"
  | "computed bias"
  | "graph output"
  | "float reader";

/** One QDQ convolution, x [1, 8, 8, 8] to y [1, 8, 8, 8], with at most one piece of the pattern missing. */
export function quantisedConv(flaw: Flaw): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const float = tensorType("float32", [1, 8, 8, 8]);
  const x = input(model, "x", "float32", [1, 8, 8, 8]);
  const scale = graph.addConstant("scale", Tensor.float32([], [0.05]));
  const zero = graph.addConstant("zero", Tensor.uint8([], [128]));
  const pair = (value: Value, name: string): Value => {
    const q = graph.append({
      opType: "QuantizeLinear",
      inputs: [value, scale, zero],
      outputs: [`${name}_q`],
      type: tensorType("uint8", [1, 8, 8, 8]),
    });
    return graph.append({
      opType: "DequantizeLinear",
      inputs: [q.output, scale, zero],
      outputs: [name],
      type: float,
    }).output;
  };
  const weightScale = graph.addConstant("weight_scale", Tensor.float32([], [0.01]));
  const weight =
    flaw === "float weights"
      ? graph.addConstant("weight", Tensor.float32([8, 8, 3, 3], new Float32Array(576).fill(0.5)))
      : graph.append({
          opType: "DequantizeLinear",
          inputs: [
            graph.addConstant(
              "weight_q",
              Tensor.int8(
                [8, 8, 3, 3],
                new Int8Array(576).map((_, i) => (i % 21) - 10),
              ),
            ),
            weightScale,
            graph.addConstant("weight_zero", Tensor.int8([], [0])),
          ],
          outputs: ["weight"],
        }).output;
  const constantBias = () =>
    graph.append({
      opType: "DequantizeLinear",
      inputs: [
        graph.addConstant("bias_q", Tensor.int32([8], new Int32Array(8).fill(100))),
        graph.addConstant("bias_scale", Tensor.float32([], [0.0005])),
        graph.addConstant("bias_zero", Tensor.int32([], [0])),
      ],
      outputs: ["bias"],
    }).output;
  const bias = flaw === "computed bias" ? input(model, "late_bias", "float32", [8]) : constantBias();
  const conv = graph.append({
    opType: "Conv",
    name: "conv",
    inputs: [flaw === "float input" ? x : pair(x, "x_dq"), weight, bias],
    outputs: ["conv_out"],
    attributes: { kernel_shape: attribute.ints([3, 3]), pads: attribute.ints([1, 1, 1, 1]) },
    type: float,
  }).output;
  graph.outputs.push(flaw === "graph output" ? conv : readerOf(conv));
  return encodeModelBytes(model);

  function readerOf(value: Value): Value {
    if (flaw !== "float reader") return pair(value, "y");
    return graph.append({ opType: "Sin", name: "sine", inputs: [value], outputs: ["y"], type: float }).output;
  }
}
