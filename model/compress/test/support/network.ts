/** Tiny networks with seeded weights, built a node at a time. */
import { createRandom, type Random } from "@cupel/base";
import { attribute, inferShapes, Model, type Node, type Shape, Tensor, tensorType, Value } from "@cupel/onnx";

type Attributes = Readonly<Record<string, number | string | readonly number[]>>;

export interface ConvOptions {
  readonly kernel?: number;
  readonly group?: number;
  readonly bias?: boolean;
  readonly stride?: number;
  readonly opType?: "Conv" | "ConvTranspose";
}

export class Network {
  readonly model: Model;
  readonly x: Value;
  readonly random: Random;

  constructor(shape: Shape = ["N", 3, 8, 8], seed = 1, opset = 13) {
    this.model = new Model({ irVersion: 8, opsets: new Map([["", opset]]) });
    this.random = createRandom(seed);
    this.x = this.model.graph.add(new Value("x", tensorType("float32", shape)));
    this.model.graph.inputs.push(this.x);
  }

  constant(name: string, dims: readonly number[], spread = 1, middle = 0): Value {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const values = Array.from({ length: size }, () => middle + spread * this.random.normal());
    return this.model.graph.addConstant(name, Tensor.float32(dims, values));
  }

  integers(name: string, values: readonly number[]): Value {
    return this.model.graph.addConstant(name, Tensor.int64([values.length], values));
  }

  integer(name: string, value: number): Value {
    return this.model.graph.addConstant(name, Tensor.int64([], [value]));
  }

  scalar(name: string, value: number): Value {
    return this.model.graph.addConstant(name, Tensor.float32([], [value]));
  }

  /** One node named after its output. */
  node(opType: string, name: string, inputs: readonly (Value | null)[], attributes: Attributes = {}): Value {
    return this.append(opType, name, inputs, attributes).output;
  }

  append(opType: string, name: string, inputs: readonly (Value | null)[], attributes: Attributes = {}): Node {
    return this.model.graph.append({
      opType,
      name,
      inputs,
      outputs: [name],
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([key, value]) => [
          key,
          typeof value === "string"
            ? attribute.string(value)
            : typeof value !== "number"
              ? attribute.ints(value)
              : floats.has(key)
                ? attribute.float(value)
                : attribute.int(value),
        ]),
      ),
    });
  }

  /** "Same" padding; weights keep the variance of what passes. */
  conv(name: string, x: Value, from: number, to: number, options: ConvOptions = {}): Value {
    const { kernel = 3, group = 1, bias = true, stride = 1, opType = "Conv" } = options;
    const dims = opType === "Conv" ? [to, from / group, kernel, kernel] : [from, to / group, kernel, kernel];
    const weight = this.constant(`${name}.weight`, dims, Math.sqrt((2 * group) / (from * kernel * kernel)));
    const pad = (kernel - 1) / 2;
    return this.node(
      opType,
      name,
      bias ? [x, weight, this.constant(`${name}.bias`, [to], 0.3)] : [x, weight],
      { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [stride, stride], group },
    );
  }

  /** Along axis 1. */
  split(name: string, x: Value, sizes: Value): readonly Value[] {
    const outputs = Array.from({ length: sizes.constant!.size }, (_, i) => `${name}.${i}`);
    return this.model.graph.append({
      opType: "Split",
      name,
      inputs: [x, sizes],
      outputs,
      attributes: { axis: attribute.int(1) },
    }).outputs;
  }

  batchNorm(name: string, x: Value, channels: number): Value {
    const { graph } = this.model;
    const variance = Array.from({ length: channels }, () => 0.2 + this.random.uniform());
    return this.node("BatchNormalization", name, [
      x,
      this.constant(`${name}.gamma`, [channels], 0.3, 1),
      this.constant(`${name}.beta`, [channels], 0.3),
      this.constant(`${name}.mean`, [channels], 0.5),
      graph.addConstant(`${name}.var`, Tensor.float32([channels], variance)),
    ]);
  }

  relu(x: Value): Value {
    return this.node("Relu", `${x.name}.relu`, [x]);
  }

  /** Pooling, and a dense layer to `classes` scores. */
  head(x: Value, channels: number, classes = 4): Value {
    const pooled = this.node("GlobalAveragePool", "pool", [x]);
    return this.gemm("scores", this.node("Flatten", "flat", [pooled]), channels, classes);
  }

  gemm(name: string, x: Value, from: number, to: number, transB = 1): Value {
    const weight = this.constant(`${name}.weight`, transB ? [to, from] : [from, to], 1 / Math.sqrt(from));
    return this.node("Gemm", name, [x, weight, this.constant(`${name}.bias`, [to], 0.1)], { transB });
  }

  /** Names the outputs and infers shapes. */
  done(...outputs: Value[]): Model {
    this.model.graph.outputs.push(...outputs);
    inferShapes(this.model);
    for (const output of outputs) output.type ??= tensorType("float32", null);
    return this.model;
  }
}

const floats = new Set(["epsilon", "alpha", "beta"]);

/** Conv, Relu, depthwise Conv, Relu, Conv beside a shortcut, and a dense layer: 8 x 8 images, 4 classes. */
export function smallClassifier(seed = 1, width = 8, inputShape: Shape = ["N", 3, 8, 8]): Model {
  const net = new Network(inputShape, seed);
  const first = net.relu(net.conv("first", net.x, 3, width));
  const depthwise = net.relu(net.conv("depthwise", first, width, width, { group: width }));
  const last = net.conv("last", depthwise, width, width, { kernel: 1 });
  const sum = net.relu(net.node("Add", "sum", [last, first]));
  return net.done(net.head(sum, width));
}
