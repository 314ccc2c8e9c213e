/** The weights a network begins with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes, type Model } from "@cupel/onnx";
import { mlp, mobilenetV2, resnet18, resnet50, resnetCifar } from "@cupel/train";

const input = [3, 32, 32] as const;

function elementsOf(model: Model, name: string): Float32Array {
  const tensor = model.graph.value(name)?.constant;
  assert.ok(tensor, name);
  return tensor.toFloat32();
}

/** Standard deviation about 0 and largest magnitude. */
function spreadOf(values: Float32Array): { deviation: number; largest: number } {
  const power = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  return {
    deviation: Math.sqrt(power),
    largest: values.reduce((max, value) => Math.max(max, Math.abs(value)), 0),
  };
}

/** A sample deviation of n normal values strays by a share of 1 / sqrt(2n); five times that is allowed. */
function assertDeviation(values: Float32Array, expected: number): void {
  const { deviation } = spreadOf(values);
  const allowed = (5 * expected) / Math.sqrt(2 * values.length);
  assert.ok(Math.abs(deviation - expected) < allowed, `${deviation} for ${expected} of ${values.length}`);
}

test("the same seed gives the same bytes, another seed other weights", () => {
  const bytes = (seed: number) => encodeModelBytes(resnet18({ classes: 10, width: 8, input, seed }));
  assert.deepEqual(bytes(7), bytes(7));
  assert.notDeepEqual(bytes(7), bytes(8));
});

test("convolutions have He's variance by fan out, 2 / (output channels x kernel area)", () => {
  const model = resnet50({ classes: 10, input, width: 16 });
  assertDeviation(elementsOf(model, "conv1.weight"), Math.sqrt(2 / (16 * 49)));
  assertDeviation(elementsOf(model, "layer1.0.conv3.weight"), Math.sqrt(2 / 64));
  assertDeviation(elementsOf(model, "layer2.0.conv2.weight"), Math.sqrt(2 / (32 * 9)));
  // torchvision counts all channels of a depthwise convolution as outputs.
  const depthwise = elementsOf(
    mobilenetV2({ classes: 10, input, width: 0.5 }),
    "features.15.conv.1.0.weight",
  );
  assertDeviation(depthwise, Math.sqrt(2 / (480 * 9)));
});

test("normal weights have normal tails: 4.6 % beyond two deviations", () => {
  const values = elementsOf(resnet18({ classes: 10, input, width: 32 }), "layer4.1.conv2.weight");
  const { deviation } = spreadOf(values);
  const share = values.filter((value) => Math.abs(value) > 2 * deviation).length / values.length;
  assert.ok(Math.abs(share - 0.0455) < 5 * Math.sqrt(0.0455 / values.length), `${share}`);
});

test("the classifier of a residual network is uniform in 1 / sqrt(features), weight and bias", () => {
  const model = resnet18({ classes: 1000, input, width: 16 });
  const bound = 1 / Math.sqrt(128);
  for (const name of ["fc.weight", "fc.bias"]) {
    const { deviation, largest } = spreadOf(elementsOf(model, name));
    assert.ok(largest <= bound && largest > 0.98 * bound, `${name}: ${largest}`);
    assert.ok(Math.abs(deviation / (bound / Math.sqrt(3)) - 1) < 0.05, `${name}: ${deviation}`);
  }
});

test("the classifier of MobileNetV2 has a deviation of 0.01 and no bias", () => {
  const model = mobilenetV2({ classes: 100, input });
  assertDeviation(elementsOf(model, "classifier.1.weight"), 0.01);
  assert.ok(elementsOf(model, "classifier.1.bias").every((value) => value === 0));
});

test("a perceptron begins with He's variance behind relu and Glorot's bound behind tanh, biases 0", () => {
  const sizes = { inputs: 300, hidden: [200], classes: 100 };
  const he = mlp({ ...sizes, activation: "relu" });
  assertDeviation(elementsOf(he, "fc1.weight"), Math.sqrt(2 / 300));
  const { largest } = spreadOf(elementsOf(mlp({ ...sizes, activation: "tanh" }), "fc2.weight"));
  const bound = Math.sqrt(6 / (200 + 100));
  assert.ok(largest <= bound && largest > 0.99 * bound, `${largest}`);
  assert.ok(elementsOf(he, "fc1.bias").every((value) => value === 0));
});

test("BatchNorms begin as the identity; with zeroInitResidual the last of each block silences it", () => {
  const bounds = (zeroInitResidual: boolean) => {
    const model = resnetCifar({ depth: 8, classes: 10, width: 4, input, zeroInitResidual });
    const parts = ["bn1.weight", "bn2.weight", "bn2.bias", "bn2.running_mean", "bn2.running_var"];
    return parts.map((part) => [...new Set(elementsOf(model, `layer2.0.${part}`))]);
  };
  assert.deepEqual(bounds(false), [[1], [1], [0], [0], [1]]);
  assert.deepEqual(bounds(true), [[1], [0], [0], [0], [1]]);
  const bottleneck = resnet50({ classes: 10, width: 4, input, zeroInitResidual: true });
  assert.deepEqual([...new Set(elementsOf(bottleneck, "layer3.5.bn3.weight"))], [0]);
  assert.deepEqual([...new Set(elementsOf(bottleneck, "layer3.0.downsample.1.weight"))], [1]);
});
