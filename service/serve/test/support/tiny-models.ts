/** Models small enough to check by hand, as bytes. */
import {
  attribute,
  type ElementType,
  encodeModelBytes,
  Model,
  type Shape,
  Tensor,
  tensorType,
  Value,
} from "@cupel/onnx";
import { writeMetadata } from "@cupel/predict";

function emptyModel(): Model {
  return new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
}

function input(model: Model, name: string, type: ElementType, shape: Shape): Value {
  const value = model.graph.add(new Value(name, tensorType(type, shape)));
  model.graph.inputs.push(value);
  return value;
}

/** y = x * factor; x is [n, 3]. */
export function scaler(factor = 2): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const type = tensorType("float32", ["n", 3]);
  const x = input(model, "x", "float32", ["n", 3]);
  const scale = graph.addConstant("scale", Tensor.float32([], [factor]));
  graph.outputs.push(graph.append({ opType: "Mul", inputs: [x, scale], outputs: ["y"], type }).output);
  return encodeModelBytes(model);
}

/** y = x, of any element type; x is [n]. */
export function identity(type: ElementType): Uint8Array {
  const model = emptyModel();
  const x = input(model, "x", type, ["n"]);
  const sized = tensorType(type, ["n"]);
  model.graph.outputs.push(
    model.graph.append({ opType: "Identity", inputs: [x], outputs: ["y"], type: sized }).output,
  );
  return encodeModelBytes(model);
}

/**
 * A classifier of two classes, "dark" and "bright": the mean of a grey image of 8 x 8, x/255, against 0.5. Its metadata
 * says its task, its preprocessing and its classes.
 */
export function brightness(): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const x = input(model, "image", "float32", ["n", 1, 8, 8]);
  const type = tensorType("float32", ["n", 2]);
  const mean = graph.append({
    opType: "ReduceMean",
    inputs: [x],
    outputs: ["mean"],
    attributes: { axes: attribute.ints([2, 3]), keepdims: attribute.int(0) },
    type: tensorType("float32", ["n", 1]),
  });
  const weight = graph.addConstant("weight", Tensor.float32([1, 2], [-20, 20]));
  const bias = graph.addConstant("bias", Tensor.float32([2], [10, -10]));
  const product = graph.append({
    opType: "MatMul",
    inputs: [mean.output, weight],
    outputs: ["product"],
    type,
  });
  graph.outputs.push(
    graph.append({ opType: "Add", inputs: [product.output, bias], outputs: ["logits"], type }).output,
  );
  writeMetadata(model, {
    preprocessing: {
      width: 8,
      height: 8,
      colour: "grey",
      resize: { kind: "stretch" },
      interpolation: "bilinear",
      layout: "NCHW",
      scale: 1 / 255,
      mean: [0],
      std: [1],
    },
    classes: ["dark", "bright"],
    task: "classification",
  });
  return encodeModelBytes(model);
}

/** y = x times x, `products` times, of [size, size]: 40 products of 512 are 11 GFLOP, a tenth of a second or more. */
export function slow(products = 40, size = 512): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const type = tensorType("float32", [size, size]);
  const x = input(model, "x", "float32", [size, size]);
  let value = x;
  for (let i = 0; i < products; i++) {
    value = graph.append({ opType: "MatMul", inputs: [value, x], outputs: [`product${i}`], type }).output;
  }
  graph.outputs.push(value);
  return encodeModelBytes(model);
}

/** A sum whose second input is not there, which the engine reads all the same: its process ends. */
export function missingInput(): Uint8Array {
  const model = emptyModel();
  const x = input(model, "x", "float32", [1, 3]);
  const type = tensorType("float32", [1, 3]);
  const sum = model.graph.append({ opType: "Sum", inputs: [x, null], outputs: ["y"], type });
  model.graph.outputs.push(sum.output);
  return encodeModelBytes(model);
}
