/**
 * What differences cannot check: the gradient at a kink, where each convention is the one of PyTorch 2.15
 * (a tie in Max, which PyTorch halves, goes to the first), and the forms that are refused.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CupelError } from "@cupel/base";
import { type Attribute, attribute, Emitter, encodeModelBytes, Model, Tensor, type Value } from "@cupel/onnx";
import { float32Of, openSession } from "@cupel/runtime";
import { differentiate, gradientName } from "../src/differentiate.ts";

interface Application {
  readonly opType: string;
  /** Numbers are inputs to differentiate, tensors constants. */
  readonly inputs: readonly (readonly number[] | Tensor | null)[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

function differentiated({ opType, inputs, attributes }: Application): Model {
  const emit = new Emitter(new Model({ irVersion: 10, opsets: new Map([["", 20]]) }));
  const wrt: string[] = [];
  const values = inputs.map((input, index): Value | null => {
    if (input === null) return null;
    if (input instanceof Tensor) return emit.model.graph.addConstant("given", input);
    wrt.push(`x${index}`);
    return emit.input(`x${index}`, "float32", [input.length]);
  });
  const loss = emit.op("ReduceSum", [emit.op(opType, values, attributes)], { keepdims: attribute.int(0) });
  emit.model.graph.outputs.push(loss);
  return differentiate(emit.model, { loss: loss.name, wrt });
}

async function gradientsOf(application: Application): Promise<number[][]> {
  await using session = await openSession(encodeModelBytes(differentiated(application)), { threads: 1 });
  const drawn = application.inputs.flatMap((input, index) =>
    input === null || input instanceof Tensor ? [] : [[`x${index}`, input] as const],
  );
  const outputs = await session.run(
    Object.fromEntries(
      drawn.map(([name, data]) => [
        name,
        { type: "float32", dims: [data.length], data: Float32Array.from(data) },
      ]),
    ),
  );
  return drawn.map(([name]) => Array.from(float32Of(outputs[gradientName(name)]!)));
}

const kinks: readonly (Application & { readonly name: string; readonly gradients: readonly number[][] })[] = [
  { name: "Relu at 0 is flat", opType: "Relu", inputs: [[-1, 0, 1]], gradients: [[0, 0, 1]] },
  { name: "Abs at 0 is flat", opType: "Abs", inputs: [[-1, 0, 1]], gradients: [[-1, 0, 1]] },
  {
    name: "Clip at its bounds is flat",
    opType: "Clip",
    inputs: [[-2, -1, 0, 1, 2], Tensor.float32([], [-1]), Tensor.float32([], [1])],
    gradients: [[0, 0, 1, 0, 0]],
  },
  {
    name: "a tie in Max goes to the first",
    opType: "Max",
    inputs: [
      [1, 2, 3],
      [3, 2, 1],
      [0, 2, 3],
    ],
    gradients: [
      [0, 1, 1],
      [1, 0, 0],
      [0, 0, 0],
    ],
  },
  {
    name: "a tie in ReduceMax is shared",
    opType: "ReduceMax",
    inputs: [[1, 4, 4, 0]],
    gradients: [[0, 0.5, 0.5, 0]],
  },
  { name: "the norm of zeros is flat", opType: "ReduceL2", inputs: [[0, 0]], gradients: [[0, 0]] },
  {
    name: "a power of 0 does not move with its exponent",
    opType: "Pow",
    inputs: [
      [0, 2],
      [2, 2],
    ],
    // 2^2 ln 2
    gradients: [
      [0, 4],
      [0, Math.fround(4 * Math.LN2)],
    ],
  },
];

for (const { name, gradients, ...application } of kinks) {
  test(name, async () => {
    const found = await gradientsOf(application);
    // Negative zeros are zeros.
    assert.deepEqual(
      found.map((gradient) => gradient.map((value) => value + 0)),
      gradients,
    );
  });
}

const refused: readonly (Application & { readonly name: string; readonly says: RegExp })[] = [
  {
    name: "Dropout in training mode is refused",
    opType: "Dropout",
    inputs: [[1, 2], Tensor.float32([], [0.5]), Tensor.fromBytes("bool", [], Uint8Array.of(1))],
    says: /Dropout .* cannot be differentiated: it draws its mask anew/,
  },
  {
    name: "an operator without a rule is refused by name",
    opType: "Hardmax",
    inputs: [[1, 2]],
    says: /Hardmax .* cannot be differentiated: it has no gradient rule/,
  },
];

for (const { name, says, ...application } of refused) {
  test(name, () => {
    assert.throws(
      () => differentiated(application),
      (error) =>
        error instanceof CupelError && error.code === "GRADIENT_UNSUPPORTED" && says.test(error.message),
    );
  });
}
