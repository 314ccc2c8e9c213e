/** Whole families of networks through the compiled step: they learn, and what is exported is what was trained. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { attribute, Emitter, encodeModelBytes, Model, readModelFile, Tensor, type Value } from "@cupel/onnx";
import { float32Of, openSession, type TensorData } from "@cupel/runtime";
import { mobilenetV2, openTrainer, resnet18, resnetCifar, type Trainer } from "@cupel/train";
import { formulaParameter, formulaTensor } from "./support/formula-tensor.ts";

const batch = 8;
const classes = 3;
const steps = 10;
const data = join(
  process.env.CUPEL_DATA ?? resolve(import.meta.dirname, "../../../../shared/data"),
  "models",
);

const networks: Readonly<Record<string, () => Model>> = {
  "resnet18, strides and projections": () =>
    resnet18({ classes, width: 4, input: [3, 12, 12], stem: "cifar" }),
  "resnetCifar, shortcuts by Slice and Pad": () =>
    resnetCifar({ depth: 8, classes, width: 4, input: [3, 12, 12] }),
  "mobilenetV2, depthwise and Clip": () =>
    mobilenetV2({ classes, width: 0.25, input: [3, 16, 16], stem: "cifar" }),
  "a transformer block": transformer,
};

for (const [name, build] of Object.entries(networks)) {
  suite(name, () => {
    test("with frozen statistics the loss of a step is that of the network exported before it", async () => {
      const network = build();
      await using trainer = await openTrainer(network, { batch, threads: 1, statistics: "frozen" });
      await train(trainer, network, 2, 0.01);
      await assertExportIsState(trainer, network);
    });

    test("learns a batch by heart; exported on the way it is the original but for its parameters and statistics", async () => {
      const network = build();
      network.metadata.set("labels", "good,scratch,dent");
      // Adam moves even a parameter whose gradient is all but 0, the bias of attention's keys.
      await using trainer = await openTrainer(network, { batch, threads: 1, optimiser: { kind: "adamw" } });
      const [first] = await train(trainer, network, 1, 0.01);
      const exported = await trainer.exportModel();
      // A fixed number of images is left open, where it was.
      const forms = ({ inputs, outputs }: Model["graph"]) =>
        [...inputs, ...outputs].map(({ name, shape }) => ({ name, shape: shape?.with(0, "images") }));
      assert.deepEqual(forms(exported.graph), forms(network.graph));
      assert.equal(exported.metadata.get("labels"), "good,scratch,dent");
      assert.deepEqual(
        [...exported.graph.nodes].map(({ name, opType }) => ({ name, opType })),
        [...network.graph.nodes].map(({ name, opType }) => ({ name, opType })),
      );
      const changed = [...network.graph.initializers].filter((value) => {
        const now = exported.graph.value(value.name)!.constant!;
        assert.deepEqual(now.dims, value.constant!.dims);
        return !Buffer.from(now.bytes()).equals(value.constant!.bytes());
      });
      const state = trainer.compiled.state
        .filter(({ role }) => role !== "moment")
        .map((tensor) => tensor.name);
      assert.deepEqual(new Set(changed.map((value) => value.name)), new Set(state));
      const others = await train(trainer, network, steps - 1, 0.01);
      assert.ok(others.at(-1)! < 0.8 * first!, `losses: ${first}, ${others}`);
    });
  });
}

test("parameters that are not chosen stay as they are, bit for bit", async () => {
  const network = resnet18({ classes, width: 4, input: [3, 8, 8], stem: "cifar" });
  const trainable = (name: string) => name.startsWith("layer4.") || name.startsWith("fc.");
  await using trainer = await openTrainer(network, { batch, threads: 1, trainable, statistics: "frozen" });
  await train(trainer, network, 2, 0.05);
  const { graph } = await trainer.exportModel();
  for (const value of network.graph.initializers) {
    const isTrained = trainable(value.name) && /\.(weight|bias)$/.test(value.name);
    const isSame = Buffer.from(graph.value(value.name)!.constant!.bytes()).equals(value.constant!.bytes());
    assert.equal(isSame, !isTrained, value.name);
  }
});

test("convolutions that share a weight train it together", async () => {
  const network = twoConvolutions(true);
  await using trainer = await openTrainer(network, { batch, threads: 1 });
  const losses = await train(trainer, network, steps, 0.05);
  assert.ok(losses.at(-1)! < losses[0]!, `losses: ${losses}`);
  assert.equal(trainer.compiled.state.filter(({ role }) => role === "parameter").length, 1);
  await assertExportIsState(trainer, network);
});

test("normalisations whose equal constants an exporter has merged are trained apart", async () => {
  const build = () => resnetCifar({ depth: 8, classes, width: 4, input: [3, 8, 8] });
  const [apart, merged] = [build(), build()];
  const { graph } = merged;
  for (const node of graph.nodes) {
    if (!node.is("BatchNormalization")) continue;
    const channels = node.input(1)!.constant!.dims[0]!;
    for (const [index, value] of [1, 0, 0, 1].entries()) {
      const name = `all ${value}, ${channels}`;
      const tensor = Tensor.float32([channels], new Array(channels).fill(value));
      node.setInput(index + 1, graph.value(name) ?? graph.addConstant(name, tensor));
    }
  }
  const losses = [];
  for (const network of [apart, merged]) {
    await using trainer = await openTrainer(network, { batch, threads: 1 });
    losses.push(await train(trainer, network, 3, 0.05));
  }
  assert.deepEqual(losses[1], losses[0]);
});

test("only the first output is trained; what only others need is left as it is", async () => {
  const network = twoConvolutions(false);
  await using trainer = await openTrainer(network, { batch, threads: 1 });
  await train(trainer, network, 1, 0.05);
  assert.ok(!trainer.compiled.state.some(({ name }) => name.startsWith("side.")));
  const exported = await trainer.exportModel();
  assert.equal(exported.graph.outputs.length, 2);
});

test("a network that ends in probabilities is trained by its logits and keeps its Softmax", async () => {
  const network = withProbabilities(transformer());
  await using trainer = await openTrainer(network, { batch, threads: 1 });
  const { loss } = await trainer.step(batchFor(network), 0);
  const exported = await trainer.exportModel();
  assert.equal(exported.graph.outputs[0]!.name, "probabilities");
  const logits = await logitsOf(transformer(), batchFor(network).inputs);
  assert.ok(
    Math.abs(loss - crossEntropy(logits, batchFor(network).labels)) < 1e-5,
    `${loss} is not ${crossEntropy(logits, batchFor(network).labels)}`,
  );
});

test("a mean squared error is that of the output, probabilities included", async () => {
  const network = withProbabilities(transformer());
  const target = formulaTensor("target", [batch, classes], 0.5, 0.5).toFloat32();
  await using trainer = await openTrainer(network, { batch, threads: 1, loss: { kind: "mse" } });
  const { loss } = await trainer.step({ ...batchFor(network), target }, 0);
  const output = await logitsOf(network, batchFor(network).inputs);
  const expected =
    output.reduce((sum, value, index) => sum + (value - target[index]!) ** 2, 0) / output.length;
  assert.ok(Math.abs(loss - expected) < 1e-5, `${loss} instead of ${expected}`);
});

/** Published networks of operator sets 17 and 13, with the parameters their publishers count; the second ends in a Softmax. */
for (const [name, parameters] of Object.entries({ resnet20_cifar10: 269_722, resnet8_cifar10: 78_186 })) {
  const path = join(data, `${name}.onnx`);
  const skip = existsSync(path) ? false : "the test data is not here (set CUPEL_DATA)";
  test(`${name} is fine-tuned, and exported in the operator set it was trained in`, { skip }, async () => {
    const network = await readModelFile(path);
    await using trainer = await openTrainer(network, { batch, threads: 1 });
    const losses = await train(trainer, network, 3, 0.01);
    assert.ok(losses.at(-1)! < losses[0]!, `losses: ${losses}`);
    const exported = await trainer.exportModel();
    assert.equal(exported.opset, 18);
    const logits = await logitsOf(exported, batchFor(network).inputs);
    assert.equal(logits.length, batch * 10);
    assert.ok(logits.every(Number.isFinite));
    assert.equal(trainer.compiled.parameters, parameters);
  });
}

/** The loss of the next step is what the exported network's logits say. Without batch statistics only. */
async function assertExportIsState(trainer: Trainer, network: Model): Promise<void> {
  const exported = await trainer.exportModel();
  const { loss } = await trainer.step(batchFor(network), 0);
  const logits = await logitsOf(exported, batchFor(network).inputs);
  const expected = crossEntropy(logits, batchFor(network).labels);
  assert.ok(Math.abs(loss - expected) < 1e-5 * expected, `${loss} instead of ${expected}`);
}

async function train(
  trainer: Trainer,
  network: Model,
  count: number,
  learningRate: number,
): Promise<number[]> {
  const losses: number[] = [];
  for (let step = 0; step < count; step++)
    losses.push((await trainer.step(batchFor(network), learningRate)).loss);
  return losses;
}

/** The network, ending in a Softmax over its logits. */
function withProbabilities(network: Model): Model {
  const { graph } = network;
  const softmax = graph.append({
    opType: "Softmax",
    inputs: [graph.outputs[0]!],
    outputs: ["probabilities"],
    attributes: { axis: attribute.int(-1) },
  });
  graph.outputs[0] = softmax.output;
  return network;
}

function batchFor(network: Model) {
  const dims = [batch, ...network.graph.inputs[0]!.shape!.slice(1).map(Number)];
  const input: TensorData = { type: "float32", dims, data: formulaTensor("input", dims, 0, 2).toFloat32() };
  return {
    inputs: { [network.graph.inputs[0]!.name]: input },
    labels: Int32Array.from({ length: batch }, (_, item) => item % classes),
  };
}

async function logitsOf(model: Model, inputs: Readonly<Record<string, TensorData>>): Promise<Float32Array> {
  await using session = await openSession(encodeModelBytes(model), { threads: 1 });
  const outputs = await session.run(inputs);
  return float32Of(outputs[model.graph.outputs[0]!.name]!);
}

/** By its definition, in double precision. */
function crossEntropy(logits: Float32Array, labels: Int32Array): number {
  const width = logits.length / labels.length;
  const losses = Array.from(labels, (label, item) => {
    const row = logits.subarray(item * width, (item + 1) * width);
    return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[label]!;
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / labels.length;
}

/** Two heads over 5 tokens of 8 features, normalisation first, then a classifier of the mean. */
function transformer(): Model {
  const model = new Model({ irVersion: 9, opsets: new Map([["", 20]]) });
  const emit = new Emitter(model);
  const parameter = (name: string, dims: readonly number[]): Value =>
    model.graph.addConstant(name, formulaParameter(name, dims));
  const normalised = (x: Value, name: string): Value =>
    emit.op("LayerNormalization", [x, parameter(`${name}.weight`, [8]), parameter(`${name}.bias`, [8])]);
  const product = (x: Value, name: string, outputs: number): Value => {
    const weight = parameter(`${name}.weight`, [emit.dims(x).at(-1)!, outputs]);
    return emit.add(emit.matMul(x, weight), parameter(`${name}.bias`, [outputs]));
  };
  const x = emit.input("input", "float32", [batch, 5, 8]);
  const before = normalised(x, "norm1");
  const heads = (name: string): Value =>
    emit.transpose(emit.reshape(product(before, name, 8), [0, 5, 2, 4]), [0, 2, 1, 3]);
  const scores = emit.div(emit.matMul(heads("query"), emit.transpose(heads("key"), [0, 1, 3, 2])), 2);
  const attended = emit.matMul(emit.op("Softmax", [scores], { axis: attribute.int(-1) }), heads("value"));
  const merged = emit.reshape(emit.transpose(attended, [0, 2, 1, 3]), [0, 5, 8]);
  const attention = emit.add(x, product(merged, "projection", 8));
  const hidden = emit.op("Gelu", [product(normalised(attention, "norm2"), "mlp1", 16)]);
  const pooled = emit.reduce("ReduceMean", emit.add(attention, product(hidden, "mlp2", 8)), [1], false);
  model.graph.outputs.push(product(pooled, "fc", classes));
  return model;
}

/** One weight at stride 1 behind nothing trained, behind itself, and at stride 2; or a side exit with its own. */
function twoConvolutions(isShared: boolean): Model {
  const model = new Model({ irVersion: 9, opsets: new Map([["", 18]]) });
  const emit = new Emitter(model);
  const { graph } = model;
  const weight = graph.addConstant("conv.weight", formulaParameter("conv.weight", [3, 3, 3, 3]));
  const conv = (x: Value, w: Value, stride: number): Value =>
    emit.op("Conv", [x, w], {
      pads: attribute.ints([1, 1, 1, 1]),
      strides: attribute.ints([stride, stride]),
    });
  const x = emit.input("input", "float32", [batch, 3, 6, 6]);
  const first = emit.op("Relu", [conv(x, weight, 1)]);
  const second = isShared ? conv(emit.op("Relu", [conv(first, weight, 1)]), weight, 2) : first;
  graph.outputs.push(emit.reduce("ReduceMean", second, [2, 3], false));
  if (!isShared) {
    const side = graph.addConstant("side.weight", formulaParameter("side.weight", [2, 3, 1, 1]));
    graph.outputs.push(emit.op("Conv", [first, side]));
  }
  return model;
}
