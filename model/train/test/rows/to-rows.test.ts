/**
 * Where layouts meet: networks that mix rows with operators that keep ONNX's layout. The step's loss and its
 * gradients (a step of plain descent at learning rate 1 is minus the gradient) are those of the network as it stands.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { elementCount } from "@cupel/base";
import { attribute, Emitter, encodeModelBytes, Model, type Value } from "@cupel/onnx";
import { float32Of, openSession, type TensorData } from "@cupel/runtime";
import { differentiate, gradientName, openTrainer } from "@cupel/train";
import { formulaParameter, formulaTensor } from "../support/formula-tensor.ts";

interface Net {
  readonly emit: Emitter;
  parameter(name: string, dims: readonly number[]): Value;
  /** 3x3, stride 1, the size kept. */
  conv(x: Value, name: string, channels: number, groups?: number): Value;
}

const networks: Readonly<Record<string, (net: Net, x: Value) => Value>> = {
  "squeeze and excitation: a factor an image and channel": ({ emit, conv }, x) => {
    const y = conv(x, "a", 4);
    const squeezed = emit.op("Sigmoid", [conv(emit.op("GlobalAveragePool", [y]), "b", 4)]);
    return emit.mul(squeezed, emit.mul(y, squeezed));
  },
  "a factor a channel, as [C, 1, 1], [1, C, 1, 1] and one for all": ({ emit, conv, parameter }, x) => {
    const scaled = emit.mul(conv(x, "a", 4), parameter("b.weight", [4, 1, 1]));
    return emit.mul(emit.add(parameter("c.bias", [1, 4, 1, 1]), scaled), parameter("d.weight", [1, 1, 1]));
  },
  "a factor a position and a factor a line": ({ emit, conv, parameter }, x) =>
    emit.mul(emit.mul(conv(x, "a", 4), parameter("b.weight", [5, 4])), parameter("c.weight", [1, 1, 5, 1])),
  "branches joined by channel, in and out of rows": ({ emit, conv }, x) => {
    const [a, b] = [conv(x, "a", 2), conv(x, "b", 3)];
    const joined = emit.concat([a, b], -3);
    return conv(emit.concat([joined, emit.op("Softplus", [x])], 1), "c", 2);
  },
  "joined along the image": ({ emit, conv }, x) => emit.concat([conv(x, "a", 2), conv(x, "b", 2)], 2),
  "groups between, then pooled": ({ emit, conv }, x) =>
    emit.op("AveragePool", [conv(emit.op("Tanh", [conv(conv(x, "a", 4), "b", 4, 2)]), "c", 3)], {
      kernel_shape: attribute.ints([2, 2]),
    }),
  "a value read in both layouts": ({ emit, conv }, x) => {
    const y = conv(x, "a", 3);
    const turned = emit.transpose(y, [0, 1, 3, 2]);
    return emit.add(emit.matMul(y, turned), emit.reduce("ReduceMean", conv(y, "b", 3), [3]));
  },
  "a slope a channel": ({ emit, conv, parameter }, x) =>
    conv(emit.op("PRelu", [conv(x, "a", 4), parameter("p.weight", [4, 1, 1])]), "b", 2),
};

for (const [name, build] of Object.entries(networks)) {
  // At batch 1 shapes coincide: [1, C, 1, 1] is a value a channel then.
  for (const batch of [1, 3]) {
    test(`${name}; batch ${batch}`, async () => {
      const { model, parameters } = networkOf(build, batch);
      const output = model.graph.outputs[0]!;
      const dims = output.shape!.map(Number);
      const target = formulaTensor("target", dims, 0, 1).toFloat32();
      const input: TensorData = {
        type: "float32",
        dims: [batch, 3, 5, 4],
        data: formulaTensor("input", [batch, 3, 5, 4], 0, 1).toFloat32(),
      };

      await using trainer = await openTrainer(model, {
        batch,
        threads: 1,
        loss: { kind: "mse" },
        optimiser: { kind: "sgd", momentum: 0 },
      });
      const { loss } = await trainer.step({ inputs: { input }, target }, 1);
      const { graph } = await trainer.exportModel();

      const expected = await plainGradients(model, parameters, input, target);
      assert.ok(Math.abs(loss - expected.loss) < 1e-5 * expected.loss, `${loss} instead of ${expected.loss}`);
      for (const parameter of parameters) {
        const before = model.graph.value(parameter)!.constant!.toFloat32();
        const after = graph.value(parameter)!.constant!.toFloat32();
        const gradient = expected.gradients[parameter]!;
        const scale = Math.max(...gradient.map(Math.abs), ...before.map(Math.abs));
        const off = Math.max(...gradient.map((each, i) => Math.abs(before[i]! - each - after[i]!))) / scale;
        assert.ok(off < 1e-5, `${parameter}: off by ${off}`);
      }
    });
  }
}

function networkOf(build: (net: Net, x: Value) => Value, batch: number) {
  const model = new Model({ irVersion: 9, opsets: new Map([["", 18]]) });
  const emit = new Emitter(model);
  const parameters: string[] = [];
  const parameter = (name: string, dims: readonly number[]): Value => {
    // A single number in a product would pass for part of a formula.
    if (elementCount(dims) > 1) parameters.push(name);
    return model.graph.addConstant(name, formulaParameter(name, dims));
  };
  const conv: Net["conv"] = (x, name, channels, groups = 1) =>
    emit.op(
      "Conv",
      [
        x,
        parameter(`${name}.weight`, [channels, emit.dims(x)[1]! / groups, 3, 3]),
        parameter(`${name}.bias`, [channels]),
      ],
      { pads: attribute.ints([1, 1, 1, 1]), group: attribute.int(groups) },
    );
  const x = emit.input("input", "float32", [batch, 3, 5, 4]);
  model.graph.outputs.push(build({ emit, parameter, conv }, x));
  return { model, parameters };
}

/** Of the mean squared error, on the network as ONNX has it. */
async function plainGradients(
  network: Model,
  parameters: readonly string[],
  input: TensorData,
  target: Float32Array,
) {
  const emit = new Emitter(network);
  const [output] = network.graph.outputs;
  const dims = emit.dims(output!);
  const difference = emit.sub(output!, emit.floats(dims, target));
  const axes = dims.map((_, axis) => axis);
  const loss = emit.reduce("ReduceMean", emit.mul(difference, difference), axes, false);
  const gradients = differentiate(network, { loss: loss.name, wrt: parameters });
  await using session = await openSession(encodeModelBytes(gradients), { threads: 1 });
  const outputs = await session.run({ input });
  return {
    loss: float32Of(outputs[loss.name]!)[0]!,
    gradients: Object.fromEntries(parameters.map((name) => [name, float32Of(outputs[gradientName(name)]!)])),
  };
}
