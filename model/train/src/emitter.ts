/**
 * Writes nodes at the end of a graph and knows the shape of everything it wrote. All of training's graph
 * algebra (gradients, losses, optimisers) is written with it, so that a formula reads like a formula.
 */
import {
  type Attribute,
  attribute,
  type ElementType,
  followShapes,
  type Model,
  type Node,
  Tensor,
  tensorType,
  Value,
} from "@cupel/onnx";
import { trainErrors } from "./errors.ts";

export type Dims = readonly number[];

/**
 * Several nodes that are differentiated as one, by a rule of their own: what JAX calls a custom VJP. For
 * functions whose gradient in closed form is cheaper than that of their parts.
 */
export interface Composite {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** One entry an input; `incoming` has one an output, null where the loss does not depend on it. */
  backward(incoming: readonly (Value | null)[], wants: (input: number) => boolean): readonly (Value | null)[];
}

export class Emitter {
  readonly model: Model;
  /** What the names of new nodes begin with, such as "layer1.0.conv1/". */
  scope = "";
  readonly #infer: (node: Node) => void;
  /** Constants made before, by type, shape and content: formulas ask for the same few again and again. */
  readonly #constants = new Map<string, Value>();
  readonly #shared = new Map<string, Value>();
  readonly #composites = new Map<Node, Composite>();
  /** What the composite being built consists of so far. */
  #parts: Node[] | null = null;

  /** Infers the shapes of the model first. @throws SHAPE_CONFLICT */
  constructor(model: Model) {
    this.model = model;
    this.#infer = followShapes(model);
  }

  /** Declares an input of the graph. @throws GRAPH_EDIT_INVALID when the name is taken */
  input(name: string, elementType: ElementType, dims: Dims): Value {
    const { graph } = this.model;
    const value = graph.add(new Value(name, tensorType(elementType, dims)));
    graph.inputs.push(value);
    return value;
  }

  /** Appends a node like another, of another graph, and returns its outputs. */
  append(like: Node, inputs: readonly (Value | null)[]): readonly Value[] {
    return this.node(
      like.opType,
      inputs,
      Object.fromEntries(like.attributes),
      like.outputs.length,
      like.domain,
    );
  }

  /** Appends a node and returns its outputs. */
  node(
    opType: string,
    inputs: readonly (Value | null)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs: number | readonly string[] = 1,
    domain = "",
  ): readonly Value[] {
    const name = `${this.scope}${opType}`;
    const node = this.model.graph.append({ opType, inputs, attributes, outputs, domain, name });
    // As unique as its output: profiles name nodes.
    node.name = node.output.name;
    this.#infer(node);
    this.#parts?.push(node);
    return node.outputs;
  }

  /** Appends a node with one output and returns that. */
  op(
    opType: string,
    inputs: readonly (Value | null)[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value {
    return this.node(opType, inputs, attributes)[0]!;
  }

  /** @throws SHAPE_NOT_STATIC */
  dims(value: Value): Dims {
    const { shape } = value;
    if (shape?.every((size): size is number => typeof size === "number")) return shape;
    throw trainErrors.error(
      "SHAPE_NOT_STATIC",
      `"${value.name}" has the shape ${shape ? `[${shape.map((size) => size ?? "?").join(", ")}]` : "(unknown)"}; ` +
        "a training graph needs numbers. Fix the symbolic dimensions, for instance the batch size, first.",
      { details: { value: value.name, shape } },
    );
  }

  elementType(value: Value): ElementType {
    if (value.constant) return value.constant.type;
    return value.type?.kind === "tensor" ? value.type.elementType : "float32";
  }

  /** Marks the nodes that `build` appends as one function of `inputs`. */
  composite(
    inputs: readonly Value[],
    build: () => Pick<Composite, "outputs" | "backward">,
  ): readonly Value[] {
    this.#parts = [];
    const composite = { inputs, ...build() };
    for (const part of this.#parts) this.#composites.set(part, composite);
    this.#parts = null;
    return composite.outputs;
  }

  /** The composite a node is part of. */
  compositeOf(node: Node): Composite | undefined {
    return this.#composites.get(node);
  }

  // Constants.

  constant(tensor: Tensor): Value {
    if (tensor.size > 64) return this.model.graph.addConstant("constant", tensor);
    const key = `${tensor.type} ${tensor.dims} ${Buffer.from(tensor.bytes()).toString("base64")}`;
    const held = this.#constants.get(key) ?? this.model.graph.addConstant("constant", tensor);
    this.#constants.set(key, held);
    return held;
  }

  /** A constant that is large, and the same wherever the key is. */
  shared(key: string, make: () => Tensor): Value {
    const held = this.#shared.get(key) ?? this.model.graph.addConstant(key, make());
    this.#shared.set(key, held);
    return held;
  }

  /** A float32 scalar. */
  scalar(value: number): Value {
    return this.constant(Tensor.float32([], [value]));
  }

  floats(dims: Dims, values: Float32Array): Value {
    return this.constant(Tensor.float32(dims, values));
  }

  /** A list of int64: axes, sizes, indices. */
  integers(values: readonly number[]): Value {
    return this.constant(Tensor.int64([values.length], values));
  }

  /** A float32 tensor of one value throughout, made by the graph itself: it costs no bytes in the file. */
  filled(dims: Dims, value: number): Value {
    return this.op("ConstantOfShape", [this.integers(dims)], {
      value: attribute.tensor(Tensor.float32([1], [value])),
    });
  }

  // Arithmetic, broadcasting as ONNX does. A number stands for a float32 scalar.

  add(a: Operand, b: Operand): Value {
    return this.op("Add", [this.#value(a), this.#value(b)]);
  }

  sub(a: Operand, b: Operand): Value {
    return this.op("Sub", [this.#value(a), this.#value(b)]);
  }

  mul(a: Operand, b: Operand): Value {
    return this.op("Mul", [this.#value(a), this.#value(b)]);
  }

  div(a: Operand, b: Operand): Value {
    return this.op("Div", [this.#value(a), this.#value(b)]);
  }

  neg(a: Value): Value {
    return this.op("Neg", [a]);
  }

  /** `a` where `condition` holds, `b` elsewhere. */
  where(condition: Value, a: Operand, b: Operand): Value {
    return this.op("Where", [condition, this.#value(a), this.#value(b)]);
  }

  /**
   * `a` where `condition` holds, 0 elsewhere, for a finite `a`. As a product: the engine's Where takes about
   * twice as long, and this is the gradient of every Relu.
   */
  masked(a: Value, condition: Value): Value {
    return this.mul(a, this.cast(condition, "float32"));
  }

  /** A boolean tensor as 1 and 0, or any other change of element type. */
  cast(a: Value, to: "float32" | "int64" | "int32" | "bool"): Value {
    return this.op("Cast", [a], { to: attribute.int(castCodes[to]) });
  }

  matMul(a: Value, b: Value): Value {
    return this.op("MatMul", [a, b]);
  }

  // Shapes.

  /** The value itself when it has that shape already. */
  reshape(a: Value, dims: Dims): Value {
    if (sameDims(this.dims(a), dims)) return a;
    return this.op("Reshape", [a, this.integers(dims)]);
  }

  transpose(a: Value, permutation: readonly number[]): Value {
    if (permutation.every((axis, index) => axis === index)) return a;
    return this.op("Transpose", [a], { perm: attribute.ints(permutation) });
  }

  expand(a: Value, dims: Dims): Value {
    if (sameDims(this.dims(a), dims)) return a;
    return this.op("Expand", [a, this.integers(dims)]);
  }

  concat(parts: readonly Value[], axis: number): Value {
    return parts.length === 1 ? parts[0]! : this.op("Concat", parts, { axis: attribute.int(axis) });
  }

  slice(
    a: Value,
    starts: readonly number[],
    ends: readonly number[],
    axes: readonly number[],
    steps: readonly number[] = axes.map(() => 1),
  ): Value {
    return this.op("Slice", [a, ...[starts, ends, axes, steps].map((list) => this.integers(list))]);
  }

  /** Sizes kept at 1 by default, so that the result broadcasts against what was reduced. No axes: nothing to do. */
  reduce(
    kind: "ReduceSum" | "ReduceMean" | "ReduceMax",
    a: Value,
    axes: readonly number[],
    keep = true,
  ): Value {
    if (axes.length === 0) return a;
    return this.op(kind, [a, this.integers(axes)], { keepdims: attribute.int(keep ? 1 : 0) });
  }

  /**
   * The gradient of broadcasting: sums over the axes along which a tensor of shape `dims` was repeated.
   * The one place that does this; every rule with broadcast inputs ends here.
   */
  sumTo(a: Value, dims: Dims): Value {
    const from = this.dims(a);
    const lead = from.length - dims.length;
    const axes = from.flatMap((size, axis) =>
      axis < lead || (dims[axis - lead] === 1 && size !== 1) ? [axis] : [],
    );
    const rows = product(from.slice(0, axes.length));
    const columns = product(from.slice(axes.length));
    // The engine's ReduceSum over leading axes, as for a bias on the last one, takes five to seven times as
    // long as a product with ones.
    if (rows > 1 && columns > 1 && axes.at(-1) === axes.length - 1) {
      return this.reshape(this.matMul(this.filled([1, rows], 1), this.reshape(a, [rows, columns])), dims);
    }
    return this.reshape(this.reduce("ReduceSum", a, axes), dims);
  }

  #value(operand: Operand): Value {
    return typeof operand === "number" ? this.scalar(operand) : operand;
  }
}

export type Operand = Value | number;

/** TensorProto.DataType, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const castCodes = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;

function sameDims(a: Dims, b: Dims): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** How many elements a tensor of that shape has. */
export function product(dims: Dims): number {
  return dims.reduce((count, size) => count * size, 1);
}
