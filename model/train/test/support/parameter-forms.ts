/**
 * Networks whose parameters are read in the forms that exporters write, with equal constants kept once: the twins of
 * fixtures/make_parameter_forms.py, for a batch of 4.
 */
import { type Attribute, attribute, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { formulaTensor } from "./formula-tensor.ts";

const { int, ints } = attribute;

export class GraphWriter {
  readonly model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
  readonly input: Value;

  constructor(dims: readonly number[]) {
    this.input = this.model.graph.add(new Value("input", tensorType("float32", dims)));
    this.model.graph.inputs.push(this.input);
  }

  /** By formula. */
  constant(name: string, dims: readonly number[], centre = 0, spread = 0.6): Value {
    return this.model.graph.addConstant(name, formulaTensor(name, dims, centre, spread));
  }

  filled(name: string, dims: readonly number[], value: number): Value {
    const size = dims.reduce((product, dim) => product * dim, 1);
    return this.model.graph.addConstant(name, Tensor.float32(dims, new Float32Array(size).fill(value)));
  }

  integers(...values: number[]): Value {
    return this.model.graph.addConstant("integers", Tensor.int64([values.length], values));
  }

  node(
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value {
    return this.model.graph.append({ opType, inputs, attributes }).output;
  }

  /** @returns the model, whose output is the value, [4, 5] */
  finish(logits: Value): Model {
    logits.type = tensorType("float32", [4, 5]);
    this.model.graph.outputs.push(logits);
    return this.model;
  }
}

/**
 * One block: a class token read by Expand, scales by Sub and Div behind a normalisation of the input, a one-number Mul
 * (ReZero), attention scaled by a number without a name. All scales of 1 are "ln_1.weight", all offsets of 0 "ln_1.bias".
 */
export function transformer(): Model {
  const net = new GraphWriter([4, 3, 8]);
  const node = net.node.bind(net);
  const [ones, zeros] = [net.filled("ln_1.weight", [8], 1), net.filled("ln_1.bias", [8], 0)];
  const norm = (x: Value) => node("LayerNormalization", [x, ones, zeros]);
  const centred = node("Sub", [net.input, net.constant("mean", [1, 1, 8], 0.5, 0.1)]);
  const normalised = node("Div", [centred, net.constant("std", [1, 1, 8], 1, 0.2)]);
  const shifted = node("Sub", [normalised, net.constant("affine.shift", [1, 1, 8], 0, 0.2)]);
  const x = node("Div", [shifted, net.constant("affine.factor", [1, 1, 8], 1, 0.2)]);
  const token = node("Expand", [net.constant("class_token", [1, 1, 8], 0, 1), net.integers(4, 1, 8)]);
  const joined = node("Concat", [token, x], { axis: int(1) });
  const tokens = node("Add", [joined, net.constant("pos_embedding", [1, 4, 8], 0, 0.5)]);
  const h = norm(tokens);
  const [q, k, v] = ["q", "k", "v"].map((name) =>
    node("Add", [node("MatMul", [h, net.constant(`${name}.weight`, [8, 8])]), zeros]),
  );
  const scores = node("MatMul", [q!, node("Transpose", [k!], { perm: ints([0, 2, 1]) })]);
  const scaled = node("Mul", [scores, net.filled("onnx::Mul_9", [1], 8 ** -0.5)]);
  const attended = node("MatMul", [node("Softmax", [scaled], { axis: int(-1) }), v!]);
  const branch = node("Mul", [net.constant("block.alpha", [1], 0.5, 0.1), attended]);
  const normed = norm(node("Add", [tokens, branch]));
  const first = net.model.graph.addConstant("first", Tensor.int64([], [0]));
  const chosen = node("Gather", [normed, first], { axis: int(1) });
  const head = [chosen, net.constant("head.weight", [5, 8]), net.filled("head.bias", [5], 0)];
  return net.finish(node("Gemm", head, { transB: int(1) }));
}

/** Names that the parameters of `transformer` have in the fixture, where the file has "ln_1.weight" or "ln_1.bias". */
export const mergedIn: Readonly<Record<string, readonly string[]>> = {
  "ln_1.weight": ["ln_1.weight", "ln_2.weight"],
  "ln_1.bias": ["ln_1.bias", "q.bias", "k.bias", "v.bias", "ln_2.bias"],
};

/** A standardised weight, a matrix that is read twice, and one power that is read as it is and as its reciprocal. */
export function perceptron(): Model {
  const net = new GraphWriter([4, 8]);
  const node = net.node.bind(net);
  const mean = (x: Value) => node("ReduceMean", [x, net.integers(1)], { keepdims: int(1) });
  const w = net.constant("in.weight", [6, 8]);
  const centred = node("Sub", [w, mean(w)]);
  const variance = node("Add", [mean(node("Mul", [centred, centred])), net.filled("onnx::Add_2", [1], 1e-5)]);
  const standardised = node("Div", [centred, node("Sqrt", [variance])]);
  const turned = node("Transpose", [standardised], { perm: ints([1, 0]) });
  const a = node("Tanh", [node("Add", [node("MatMul", [net.input, turned]), net.filled("in.bias", [6], 0)])]);
  const table = net.constant("mid.weight", [6, 6], 0, 0.5);
  const b = node("MatMul", [node("Tanh", [node("MatMul", [a, table])]), table]);
  const p = net.constant("pool.p", [1], 3, 0.1);
  const pooled = mean(node("Pow", [node("Exp", [b]), p]));
  const rooted = node("Pow", [pooled, node("Reciprocal", [p])]);
  const head = [node("Mul", [rooted, b]), net.constant("out.weight", [5, 6]), net.filled("out.bias", [5], 0)];
  return net.finish(node("Gemm", head, { transB: int(1) }));
}
