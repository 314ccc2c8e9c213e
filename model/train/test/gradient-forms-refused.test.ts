/** What the rules do not cover is refused, naming node and reason. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Attribute, attribute, Emitter, Model, Tensor } from "@cupel/onnx";
import { differentiate } from "../src/differentiate.ts";

const { int, ints, string } = attribute;

interface Refused {
  readonly opType: string;
  /** The data first, differentiated; the rest has the shape of one number a channel. */
  readonly dims: readonly number[];
  readonly inputs?: readonly (Tensor | null)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly outputs?: number;
  /** The output the loss is made from. */
  readonly differentiated?: number;
  readonly reason: RegExp;
}

const channels = Tensor.float32([2], [1, 1]);
const resized = { dims: [1, 2, 4, 4], inputs: [null, Tensor.float32([4], [1, 1, 2, 2])] };

const refused: Readonly<Record<string, Refused>> = {
  "cubic interpolation": {
    opType: "Resize",
    ...resized,
    attributes: { mode: string("cubic") },
    reason: /cubic interpolation/,
  },
  "antialiased interpolation": {
    opType: "Resize",
    ...resized,
    attributes: { mode: string("linear"), antialias: int(1) },
    reason: /antialias/,
  },
  "column-major positions of maxima": {
    opType: "MaxPool",
    dims: [1, 2, 4, 4],
    attributes: { kernel_shape: ints([2, 2]), storage_order: int(1) },
    reason: /storage_order/,
  },
  "batches of addresses": {
    opType: "GatherND",
    dims: [2, 3],
    inputs: [Tensor.int64([2, 1], [0, 2])],
    attributes: { batch_dims: int(1) },
    reason: /batch_dims/,
  },
  "scattering that multiplies": {
    opType: "ScatterElements",
    dims: [3],
    inputs: [Tensor.int64([1], [1]), Tensor.float32([1], [2])],
    attributes: { reduction: string("mul") },
    reason: /reduction is mul/,
  },
  "a loss made from running statistics": {
    opType: "BatchNormalization",
    dims: [2, 2, 3],
    inputs: [channels, channels, channels, channels],
    attributes: { training_mode: int(1) },
    outputs: 3,
    differentiated: 1,
    reason: /running statistics/,
  },
  "a loss made from the mean of a LayerNormalization": {
    opType: "LayerNormalization",
    dims: [2, 2],
    inputs: [channels],
    attributes: {},
    outputs: 3,
    differentiated: 1,
    reason: /statistics/,
  },
};

suite("refused with GRADIENT_UNSUPPORTED", () => {
  for (const [
    name,
    { opType, dims, inputs = [], attributes, outputs, differentiated, reason },
  ] of Object.entries(refused)) {
    test(name, () => {
      const model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
      const emit = new Emitter(model);
      const x = emit.input("x", "float32", dims);
      const rest = inputs.map((tensor) => tensor && emit.constant(tensor));
      const output = emit.node(opType, [x, ...rest], attributes, outputs)[differentiated ?? 0]!;
      const loss = emit.reduce("ReduceSum", output, [...emit.dims(output).keys()], false);
      model.graph.outputs.push(loss);
      assert.throws(() => differentiate(model, { loss: loss.name, wrt: ["x"] }), {
        code: "GRADIENT_UNSUPPORTED",
        message: new RegExp(`${opType} .*${reason.source}`),
      });
    });
  }
});
