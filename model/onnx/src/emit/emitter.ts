/**
 * Writes nodes into a graph, so that a formula reads like a formula: at its end, where the shape of
 * everything written is known (the gradients, losses and optimisers of training), or before and behind nodes
 * that stand there already (quantisation).
 */
import { elementCount } from "@cupel/base";
import { onnxErrors } from "../errors.ts";
import {
  type Attribute,
  attribute,
  type ElementType,
  elementTypes,
  type Model,
  type NewNode,
  type Node,
  type Shape,
  Tensor,
  tensorType,
  Value,
} from "../graph/index.ts";
import { followShapes } from "../infer/infer-shapes.ts";

export type Dims = readonly number[];

/** A number stands for a float32 scalar. */
export type Operand = Value | number;

export interface EmitterOptions {
  /**
   * Whether outputs get their types as they are written; the types of the whole model are inferred first.
   * Without it, `dims` knows only what had a type before. Default true.
   */
  readonly typed?: boolean;
}

export class Emitter {
  readonly model: Model;
  /** What the names of nodes at the end of the graph begin with, such as "layer1.0.conv1/". */
  scope = "";
  #infer: ((node: Node) => void) | null;
  /** Where nodes go, and what their outputs are called; null for the end of the graph. */
  #place: { readonly insert: (spec: NewNode) => Node; readonly name: string } | null = null;
  /** Constants made before, by type, shape and content: formulas ask for the same few again and again. */
  #constants = new Map<string, Value>();
  #shared = new Map<string, Value>();

  /** @throws SHAPE_CONFLICT */
  constructor(model: Model, { typed = true }: EmitterOptions = {}) {
    this.model = model;
    this.#infer = typed ? followShapes(model) : null;
  }

  /**
   * An emitter that shares this one's constants and writes right before `anchor`. Its nodes have no names of
   * their own; each output is called `name`, or `name_1` and so on.
   */
  before(anchor: Node, name: string): Emitter {
    return this.#at(name, (spec) => this.model.graph.insertBefore(anchor, spec));
  }

  /** As `before`, right behind `anchor`, one node behind the other; null for the start of the graph. */
  behind(anchor: Node | null, name: string): Emitter {
    const { graph } = this.model;
    let last = anchor;
    return this.#at(name, (spec) => {
      const [first] = graph.nodes;
      last = last
        ? graph.insertAfter(last, spec)
        : first
          ? graph.insertBefore(first, spec)
          : graph.append(spec);
      return last;
    });
  }

  #at(name: string, insert: (spec: NewNode) => Node): Emitter {
    const placed = new Emitter(this.model, { typed: false });
    placed.#infer = this.#infer;
    placed.#constants = this.#constants;
    placed.#shared = this.#shared;
    placed.#place = { insert, name };
    return placed;
  }

  /** Declares an input of the graph. @throws GRAPH_EDIT_INVALID when the name is taken */
  input(name: string, elementType: ElementType, shape: Shape): Value {
    const { graph } = this.model;
    const value = graph.add(new Value(name, tensorType(elementType, shape)));
    graph.inputs.push(value);
    return value;
  }

  /** Writes a node like another, of another graph, and returns its outputs. */
  append(like: Node, inputs: readonly (Value | null)[]): readonly Value[] {
    return this.node(
      like.opType,
      inputs,
      Object.fromEntries(like.attributes),
      like.outputs.length,
      like.domain,
    );
  }

  /**
   * Writes a node and returns its outputs.
   * @param outputs how many, or their names, which must be free
   */
  node(
    opType: string,
    inputs: readonly (Value | null)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs: number | readonly string[] = 1,
    domain = "",
  ): readonly Value[] {
    const node = this.#write({ opType, inputs, attributes, outputs, domain });
    this.#infer?.(node);
    return node.outputs;
  }

  #write(spec: NewNode & { readonly outputs: number | readonly string[] }): Node {
    const { graph } = this.model;
    if (this.#place) {
      const { insert, name } = this.#place;
      const outputs =
        typeof spec.outputs === "number"
          ? Array.from({ length: spec.outputs }, (_, i) => graph.uniqueName(i === 0 ? name : `${name}.${i}`))
          : spec.outputs;
      return insert({ ...spec, outputs });
    }
    const node = graph.append({ ...spec, name: `${this.scope}${spec.opType}` });
    // As unique as its output: profiles name nodes.
    node.name = node.output.name;
    return node;
  }

  /** Writes a node with one output and returns that. */
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
    throw onnxErrors.error(
      "SHAPE_NOT_STATIC",
      `"${value.name}" has the shape ${shape ? `[${shape.map((size) => size ?? "?").join(", ")}]` : "(unknown)"}; ` +
        "its sizes must be numbers here. Fix the symbolic dimensions, for instance the batch size, first.",
      { details: { value: value.name, shape } },
    );
  }

  elementType(value: Value): ElementType {
    if (value.constant) return value.constant.type;
    return value.type?.kind === "tensor" ? value.type.elementType : "float32";
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
    return this.computed(key, () => this.model.graph.addConstant(key, make()));
  }

  /** A value that is the same wherever the key is. Who asks first writes it, so that all who read it MUST stand behind. */
  computed(key: string, make: () => Value): Value {
    const held = this.#shared.get(key) ?? make();
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

  // Arithmetic, broadcasting as ONNX does.

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
  cast(a: Value, to: ElementType): Value {
    return this.op("Cast", [a], { to: attribute.int(elementTypes[to].code) });
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
   * Undoes broadcasting: sums over the axes along which a tensor of shape `dims` was repeated. The one place
   * that does this; the gradient of every operator with broadcast inputs ends here.
   */
  sumTo(a: Value, dims: Dims): Value {
    const from = this.dims(a);
    const lead = from.length - dims.length;
    const axes = from.flatMap((size, axis) =>
      axis < lead || (dims[axis - lead] === 1 && size !== 1) ? [axis] : [],
    );
    const rows = elementCount(from.slice(0, axes.length));
    const columns = elementCount(from.slice(axes.length));
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

function sameDims(a: Dims, b: Dims): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
