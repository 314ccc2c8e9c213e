/**
 * Gradients of whole networks against those of PyTorch in double precision (fixtures/make_fixtures.py):
 * the rules are checked one by one elsewhere, here they meet.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute, Emitter, encodeModelBytes, Model, Tensor, type Value } from "@cupel/onnx";
import { fixDimensions, float32Of, openSession } from "@cupel/runtime";
import { differentiate, gradientName } from "@cupel/train";
import fixture from "./fixtures/composite-gradients.json" with { type: "json" };
import { formulaParameter, formulaTensor } from "./support/formula-tensor.ts";
import { residualNetwork } from "./support/residual-network.ts";

interface Expected {
  readonly loss: number;
  /** Elements in row-major order by the name of the parameter. */
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

/** Float32 against double precision, as a share of the largest element of a gradient. */
const tolerance = 1e-4;
/** Of a gradient that vanishes: a bias of the keys moves all scores of a row alike. */
const smallestScale = 1e-2;

const networks: Readonly<Record<keyof typeof fixture, () => Composite>> = { residual, transformer };

for (const [name, build] of Object.entries(networks)) {
  const expected: Expected = fixture[name as keyof typeof fixture];

  test(`${name}: the loss is PyTorch's`, async () => {
    const { model, loss, input } = build();
    model.graph.outputs.splice(0, model.graph.outputs.length, loss);
    const outputs = await run(model, input);
    assert.ok(
      Math.abs(outputs[loss.name]![0]! - expected.loss) < 1e-5 * expected.loss,
      `${outputs[loss.name]![0]!} is not ${expected.loss}`,
    );
  });

  test(`${name}: the gradients of all parameters are PyTorch's`, async () => {
    const { model, loss, input } = build();
    const wrt = Object.keys(expected.gradients);
    const outputs = await run(differentiate(model, { loss: loss.name, wrt }), input);
    for (const [parameter, gradient] of Object.entries(expected.gradients)) {
      const actual = outputs[gradientName(parameter)]!;
      assert.equal(actual.length, gradient.length, parameter);
      const scale = Math.max(smallestScale, ...gradient.map(Math.abs));
      const off = Math.max(...gradient.map((element, index) => Math.abs(element - actual[index]!) / scale));
      assert.ok(off < tolerance, `${parameter}: off by ${off} of its largest element`);
    }
  });
}

interface Composite {
  readonly model: Model;
  readonly loss: Value;
  readonly input: Tensor;
}

function residual(): Composite {
  const input = formulaTensor("input", [3, 3, 16, 16], 0, 2);
  const model = residualNetwork();
  fixDimensions(model, { N: 3 });
  useBatchStatistics(model);
  return { model, input, loss: crossEntropy(new Emitter(model), model.graph.outputs[0]!) };
}

function useBatchStatistics(model: Model): void {
  for (const node of model.graph.nodes) {
    if (!node.is("BatchNormalization")) continue;
    node.attributes.set("training_mode", attribute.int(1));
    node.attributes.set("momentum", attribute.float(0));
    for (const index of [1, 2]) node.setOutput(index, model.graph.newValue(`${node.name}/batch_statistic`));
  }
}

/** A block with normalisation first, two heads of 4, then the mean over the tokens and a classifier. */
function transformer(): Composite {
  const input = formulaTensor("input", [2, 5, 8], 0, 2);
  const model = new Model({ irVersion: 9, opsets: new Map([["", 20]]) });
  const emit = new Emitter(model);
  const parameter = (name: string, dims: readonly number[]): Value =>
    model.graph.addConstant(name, formulaParameter(name, dims));
  const normalised = (x: Value, name: string): Value =>
    emit.op("LayerNormalization", [x, parameter(`${name}.weight`, [8]), parameter(`${name}.bias`, [8])], {
      axis: attribute.int(-1),
      epsilon: attribute.float(1e-5),
    });
  const product = (x: Value, name: string, outputs: number): Value => {
    const weight = parameter(`${name}.weight`, [emit.dims(x).at(-1)!, outputs]);
    return emit.add(emit.matMul(x, weight), parameter(`${name}.bias`, [outputs]));
  };

  const x = emit.input("input", "float32", input.dims);
  const norm1 = normalised(x, "norm1");
  const heads = (name: string): Value =>
    emit.transpose(emit.reshape(product(norm1, name, 8), [2, 5, 2, 4]), [0, 2, 1, 3]);
  const [query, key, value] = [heads("query"), heads("key"), heads("value")];
  const scores = emit.div(emit.matMul(query, emit.transpose(key, [0, 1, 3, 2])), 2);
  const attended = emit.matMul(emit.op("Softmax", [scores], { axis: attribute.int(-1) }), value);
  const merged = emit.reshape(emit.transpose(attended, [0, 2, 1, 3]), [2, 5, 8]);
  const attention = emit.add(x, product(merged, "projection", 8));
  const hidden = emit.op("Gelu", [product(normalised(attention, "norm2"), "mlp1", 16)]);
  const output = emit.add(attention, product(hidden, "mlp2", 8));

  const pooled = emit.reduce("ReduceMean", output, [1], false);
  const weight = parameter("fc.weight", [3, 8]);
  const logits = emit.op("Gemm", [pooled, weight, parameter("fc.bias", [3])], { transB: attribute.int(1) });
  return { model, input, loss: crossEntropy(emit, logits) };
}

/** The label of item i is class i; smoothed by 0.1. Written out, so that the check leans on no loss of ours. */
function crossEntropy(emit: Emitter, logits: Value): Value {
  const [items, classes] = emit.dims(logits) as readonly [number, number];
  const targets = Array.from({ length: items * classes }, (_, index) =>
    Math.floor(index / classes) === index % classes ? 0.9 + 0.1 / classes : 0.1 / classes,
  );
  const logProbabilities = emit.op("LogSoftmax", [logits], { axis: attribute.int(-1) });
  const weighted = emit.mul(logProbabilities, emit.constant(Tensor.float32([items, classes], targets)));
  return emit.div(emit.reduce("ReduceSum", weighted, [0, 1], false), -items);
}

async function run(model: Model, input: Tensor): Promise<Record<string, Float32Array>> {
  await using session = await openSession(encodeModelBytes(model), { threads: 1 });
  const outputs = await session.run({
    input: { type: "float32", dims: input.dims, data: input.toFloat32() },
  });
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, float32Of(output)]));
}
