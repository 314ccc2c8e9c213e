/** Sizes, names and shapes of the built networks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkModel, graphSummary, inferShapes, type Model } from "@cupel/onnx";
import { mlp, mobilenetV2, resnet18, resnet34, resnet50, resnetCifar } from "@cupel/train";

const imagenet = { classes: 1000, input: [3, 224, 224] } as const;
const cifar = { classes: 10, input: [3, 32, 32] } as const;

/** Trained parameters: running statistics are none. */
function parametersOf(model: Model): number {
  return [...model.graph.initializers]
    .filter((value) => /\.(weight|bias)$/.test(value.name))
    .reduce((total, value) => total + value.constant!.size, 0);
}

const published: readonly {
  name: string;
  build: () => Model;
  parameters: number;
  /** Multiply-accumulates as published, in units of the last digit that is. */
  macs: { count: number; unit: number };
}[] = [
  {
    name: "resnet18",
    build: () => resnet18(imagenet),
    parameters: 11_689_512,
    macs: { count: 1.81, unit: 1e9 },
  },
  {
    name: "resnet34",
    build: () => resnet34(imagenet),
    parameters: 21_797_672,
    macs: { count: 3.66, unit: 1e9 },
  },
  {
    name: "resnet50",
    build: () => resnet50(imagenet),
    parameters: 25_557_032,
    macs: { count: 4.09, unit: 1e9 },
  },
  {
    name: "mobilenetV2",
    build: () => mobilenetV2(imagenet),
    parameters: 3_504_872,
    macs: { count: 0.3, unit: 1e9 },
  },
  // github.com/akamaster/pytorch_resnet_cifar10: 0.27, 0.46 and 0.85 M.
  {
    name: "resnet20",
    build: () => resnetCifar({ depth: 20, ...cifar }),
    parameters: 269_722,
    macs: { count: 40.6, unit: 1e6 },
  },
  {
    name: "resnet32",
    build: () => resnetCifar({ depth: 32, ...cifar }),
    parameters: 464_154,
    macs: { count: 68.9, unit: 1e6 },
  },
  {
    name: "resnet56",
    build: () => resnetCifar({ depth: 56, ...cifar }),
    parameters: 853_018,
    macs: { count: 125.5, unit: 1e6 },
  },
];

for (const { name, build, parameters, macs } of published) {
  test(`${name} has the published ${parameters} parameters and ${macs.count}e${Math.log10(macs.unit)} multiply-accumulates`, () => {
    const model = build();
    assert.equal(parametersOf(model), parameters);
    assert.ok(
      Math.abs(graphSummary(model).macs / macs.unit - macs.count) < 0.01 * macs.count,
      `${graphSummary(model).macs / macs.unit} is not ${macs.count}`,
    );
  });
}

test("an mlp has (inputs + 1) x outputs parameters a layer", () => {
  assert.equal(
    parametersOf(mlp({ inputs: 7, hidden: [6, 4], classes: 3 })),
    (7 + 1) * 6 + (6 + 1) * 4 + (4 + 1) * 3,
  );
});

test("parameters have the names of PyTorch's state dict", () => {
  const names = (model: Model) => [...model.graph.initializers].map((value) => value.name);
  const resnet = names(resnet50({ classes: 2, width: 4, input: [3, 32, 32] }));
  for (const name of [
    "conv1.weight",
    "bn1.running_var",
    "layer1.0.downsample.1.bias",
    "layer4.2.conv3.weight",
  ]) {
    assert.ok(resnet.includes(name), name);
  }
  assert.deepEqual(resnet.slice(-2), ["fc.weight", "fc.bias"]);
  const mobile = names(mobilenetV2({ classes: 2, width: 0.25, input: [3, 32, 32] }));
  for (const name of [
    "features.0.0.weight",
    "features.1.conv.0.0.weight",
    "features.1.conv.1.weight",
    "features.2.conv.1.1.running_mean",
    "features.17.conv.3.bias",
    "features.18.1.weight",
    "classifier.1.weight",
  ]) {
    assert.ok(mobile.includes(name), name);
  }
});

const small = { classes: 3, width: 4 } as const;
const shaped: Readonly<Record<string, () => Model>> = {
  "resnet18, 33x47": () => resnet18({ ...small, input: [1, 33, 47] }),
  "resnet18, cifar stem, 9x8": () => resnet18({ ...small, input: [4, 9, 8], stem: "cifar" }),
  "resnet50, 64x32": () => resnet50({ ...small, input: [3, 64, 32] }),
  "resnetCifar, 29x31": () => resnetCifar({ ...small, depth: 8, input: [3, 29, 31] }),
  "mobilenetV2, 96x50": () => mobilenetV2({ classes: 3, width: 0.35, input: [3, 96, 50] }),
  "mobilenetV2, cifar stem, 28x28": () => mobilenetV2({ classes: 3, input: [1, 28, 28], stem: "cifar" }),
  "mlp without a hidden layer": () => mlp({ inputs: 4, hidden: [], classes: 3 }),
};

for (const [name, build] of Object.entries(shaped)) {
  test(`${name}: a valid model, every value of which has the shape that inference finds`, () => {
    const model = build();
    assert.equal(model.opset, 18);
    checkModel(model);
    const produced = [...model.graph.nodes].flatMap((node) => node.outputs);
    const declared = produced.map((value) => value.shape);
    for (const value of produced) value.type = null;
    assert.deepEqual(inferShapes(model).unknown, []);
    assert.deepEqual(
      produced.map((value) => value.shape),
      declared,
    );
    assert.deepEqual(
      model.graph.outputs.map((output) => [output.name, output.shape]),
      [["logits", ["N", 3]]],
    );
  });
}
