/**
 * A network of nothing but copies of one layer, to be timed. All read the same input and have weights of their own. Of
 * what each makes a MaxPool without a window passes on single pixels: to read the whole of it, or to bring it into the
 * layout of a caller, would cost what no layer costs inside a network.
 */
import { createRandom, elementCount, type Random } from "@cupel/base";
import { attribute, Emitter, Model, newestIrVersion, Tensor, tensorType, Value } from "@cupel/onnx";
import type { LayerShape } from "./layer-shape.ts";

/** The operator set that emitted models are in at least, with DequantizeLinear by channel. */
const opset = 13;

/** Input `x` of one image. */
export function layerModel(shape: LayerShape, copies: number): Model {
  const model = new Model({ irVersion: Math.min(8, newestIrVersion), opsets: new Map([["", opset]]) });
  const { graph } = model;
  const channels = shape.groups === "each" ? shape.outputs : shape.inputs * shape.groups;
  const x = graph.add(new Value("x", tensorType("float32", [1, channels, ...shape.size])));
  graph.inputs.push(x);
  const emit = new Emitter(model, { typed: false });
  const random = createRandom(1);
  const round = (value: Value): Value => (shape.form === "int8" ? rounded(emit, value) : value);
  const read = round(x);
  for (let copy = 0; copy < copies; copy++) {
    const made = layer(emit, read, shape, random);
    const seen = shape.operator === "Conv" ? onePixel(emit, round(made), shape) : made;
    const output = shape.form === "int8" ? quantised(emit, seen) : seen;
    output.type = tensorType(shape.form === "int8" ? "uint8" : "float32", null);
    graph.outputs.push(output);
  }
  return model;
}

function layer(emit: Emitter, read: Value, shape: LayerShape, random: Random): Value {
  const { operator, inputs, outputs, groups, kernel, strides, dilations, pads, form } = shape;
  const dims = operator === "Gemm" ? [outputs, inputs] : [outputs, inputs, ...kernel];
  const weight =
    form === "int8"
      ? rowsOfCodes(emit, dims, random)
      : emit.model.graph.addConstant("weight", Tensor.float32(dims, normals(elementCount(dims), random)));
  const bias =
    form === "int8"
      ? codedBias(emit, outputs)
      : emit.model.graph.addConstant("bias", Tensor.float32([outputs], normals(outputs, random)));
  if (operator === "Gemm") return emit.op("Gemm", [read, weight, bias], { transB: attribute.int(1) });
  return emit.op("Conv", [read, weight, bias], {
    group: attribute.int(groups === "each" ? outputs : groups),
    kernel_shape: attribute.ints(kernel),
    strides: attribute.ints(strides),
    dilations: attribute.ints(dilations),
    pads: attribute.ints(pads),
  });
}

const normals = (count: number, random: Random): Float32Array =>
  Float32Array.from({ length: count }, () => random.normal());

/** Scales do not change the time of a kernel. */
const activationScale = 0.05;
const weightScale = 0.01;

function rowsOfCodes(emit: Emitter, dims: readonly number[], random: Random): Value {
  const { graph } = emit.model;
  // 6 bits: sums of two products do not overflow where the processor adds in 16.
  const codes = Int8Array.from({ length: elementCount(dims) }, () => random.integer(127) - 63);
  const scales = Tensor.float32([dims[0]!], new Float32Array(dims[0]!).fill(weightScale));
  return emit.op(
    "DequantizeLinear",
    [
      graph.addConstant("weight", Tensor.int8(dims, codes)),
      graph.addConstant("scale", scales),
      // A dense layer's kernel asks for one, of zeros.
      graph.addConstant("zero", Tensor.int8([dims[0]!], new Int8Array(dims[0]!))),
    ],
    { axis: attribute.int(0) },
  );
}

function codedBias(emit: Emitter, outputs: number): Value {
  const { graph } = emit.model;
  const scales = new Float32Array(outputs).fill(Math.fround(activationScale * weightScale));
  return emit.op(
    "DequantizeLinear",
    [
      graph.addConstant("bias", Tensor.int32([outputs], new Int32Array(outputs).fill(100))),
      graph.addConstant("bias.scale", Tensor.float32([outputs], scales)),
    ],
    { axis: attribute.int(0) },
  );
}

function quantised(emit: Emitter, value: Value): Value {
  const zero = emit.constant(Tensor.uint8([], [128]));
  return emit.op("QuantizeLinear", [value, emit.scalar(activationScale), zero]);
}

function rounded(emit: Emitter, value: Value): Value {
  const zero = emit.constant(Tensor.uint8([], [128]));
  return emit.op("DequantizeLinear", [quantised(emit, value), emit.scalar(activationScale), zero]);
}

function onePixel(emit: Emitter, value: Value, { size }: LayerShape): Value {
  return emit.op("MaxPool", [value], {
    kernel_shape: attribute.ints(size.map(() => 1)),
    strides: attribute.ints(size),
  });
}
