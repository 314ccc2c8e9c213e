/** The whole pipeline on tiny networks. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeModelBytes, type Model, Tensor, tensorType } from "@cupel/onnx";
import { classesFromMetadata, evaluate, preprocessingFromMetadata } from "@cupel/predict";
import { float32Of, fusionReport } from "@cupel/runtime";
import { compress, defaultRecipe, parseRecipe } from "../src/index.ts";
import { options, pixels, quantise } from "./support/compressing.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { refused } from "./support/refused.ts";
import { outputs, run, sqnr } from "./support/run.ts";

test("the same seed gives the same file to the byte, and the model given is left as it was", async () => {
  const model = smallClassifier();
  const before = encodeModelBytes(model);
  const recipe = quantise({ bits: 4, blockSize: 4 }, { images: 12 });
  const [a, b, c] = [
    await compress(model, options({ recipe, seed: 5 })),
    await compress(model, options({ recipe, seed: 5 })),
    await compress(model, options({ recipe, seed: 6 })),
  ];
  assert.deepEqual(encodeModelBytes(a.model), encodeModelBytes(b.model));
  assert.notDeepEqual(encodeModelBytes(a.model), encodeModelBytes(c.model));
  assert.deepEqual(encodeModelBytes(model), before);
});

test("more bits give a closer model", async () => {
  const model = smallClassifier();
  const [float] = await outputs(model, pixels());
  const ratios: number[] = [];
  for (const bits of [8, 4, 2] as const) {
    const { model: small } = await compress(model, options({ recipe: defaultRecipe(bits) }));
    ratios.push(sqnr(float!, (await outputs(small, pixels()))[0]!));
  }
  assert.ok(ratios[0]! > 28, `${ratios}`);
  assert.ok(ratios[0]! > ratios[1]! + 6 && ratios[1]! > ratios[2]! + 3, `${ratios}`);
});

for (const method of ["min-max", "moving-average", "percentile", "entropy", "mse"] as const) {
  for (const symmetry of ["asymmetric", "symmetric"] as const) {
    test(`calibration by ${method}, ${symmetry}, gives a usable model`, async () => {
      const model = smallClassifier();
      const { model: small } = await compress(model, options({ recipe: quantise({}, { method, symmetry }) }));
      const [[float], [rounded]] = [await outputs(model, pixels()), await outputs(small, pixels())];
      assert.ok(sqnr(float!, rounded!) > 18, `${sqnr(float!, rounded!)} dB`);
    });
  }
}

test("bias correction keeps the mean of each score on the images calibrated on", async () => {
  const net = new Network();
  const model = net.done(net.gemm("scores", net.node("Flatten", "flat", [net.x]), 192, 6));
  const at = async (correctBias: boolean) =>
    (await compress(model, options({ recipe: quantise({ bits: 2, correctBias }, { method: "min-max" }) })))
      .model;
  const shifted = plain();
  const mean = async (each: Model) => {
    const { scores } = await evaluate([encodeModelBytes(each)], noiseImages(24), shifted, { threads: 1 });
    return Array.from({ length: 6 }, (_, c) =>
      scores.reduce((sum, s, i) => sum + (i % 6 === c ? s / 24 : 0), 0),
    );
  };
  const [float, without, corrected] = [
    await mean(model),
    await mean(await at(false)),
    await mean(await at(true)),
  ];
  const distance = (found: number[]) => Math.max(...found.map((x, c) => Math.abs(x - float[c]!)));
  assert.ok(distance(corrected) < 0.02, `${distance(corrected)}`);
  assert.ok(distance(corrected) < distance(without) / 2, `${distance(corrected)} for ${distance(without)}`);
});

test("a model for a fixed number of images a run compresses as well", async () => {
  const model = smallClassifier(1, 8, [1, 3, 8, 8]);
  const { model: small, calibration } = await compress(model, options());
  assert.equal(calibration?.images, 24);
  const [[float], [rounded]] = [
    await outputs(model, pixels([1, 3, 8, 8])),
    await outputs(small, pixels([1, 3, 8, 8])),
  ];
  assert.ok(sqnr(float!, rounded!) > 28);
});

test("parameters listed before the image input do not confuse it", async () => {
  const model = smallClassifier();
  const weight = model.graph.value("first.weight")!;
  weight.type = tensorType("float32", weight.shape);
  model.graph.inputs.unshift(weight);
  const { model: small } = await compress(model, options());
  assert.deepEqual(
    small.graph.inputs.map((value) => value.name),
    ["x"],
  );
});

describe("overrides", () => {
  test("by name of a node or a weight, to a width or to float", async () => {
    const recipe = quantise({ bits: 4, overrides: { first: 8, "last.weight": "float" } });
    const { model, layers } = await compress(smallClassifier(), options({ recipe }));
    assert.deepEqual(
      layers.map(({ name, bits }) => [name, bits]),
      [
        ["first", 8],
        ["depthwise", 4],
        ["scores", 4],
      ],
    );
    const { convolutions, unfused } = await fusionReport([encodeModelBytes(model)]);
    assert.equal(convolutions.quantised, 2);
    assert.deepEqual(
      unfused.map(({ node }) => node.includes("last")),
      [true],
    );
  });

  test("of one unnamed node leave the other unnamed nodes alone", async () => {
    const model = smallClassifier();
    for (const node of model.graph.nodes) node.name = "";
    const recipe = quantise({ overrides: { "last.weight": "float" } });
    const { model: small, layers } = await compress(model, options({ recipe }));
    assert.equal(layers.length, 3);
    assert.equal((await fusionReport([encodeModelBytes(small)])).convolutions.quantised, 2);
  });

  test("survive folding, which keeps the weight's name", async () => {
    const net = new Network();
    const y = net.relu(net.batchNorm("norm", net.conv("first", net.x, 3, 8), 8));
    const recipe = quantise({ bits: 4, overrides: { "first.weight": 8 } });
    const { layers } = await compress(net.done(net.head(y, 8)), options({ recipe }));
    assert.deepEqual(
      layers.map(({ weight, bits }) => [weight, bits]),
      [
        ["first.weight", 8],
        ["scores.weight", 4],
      ],
    );
  });

  test("of layers the model does not have are refused", async () => {
    const recipe = quantise({ overrides: { frist: 8 } });
    await refused(
      () => compress(smallClassifier(), options({ recipe })),
      "RECIPE_INVALID",
      /"frist".*Did you mean "first"\?.*first/s,
    );
  });
});

describe("with widths to choose", () => {
  const labels = (index: number) => index % 4;

  test("calibration and held-out images are disjoint, and no other are seen", async () => {
    const reads: string[][] = [];
    let phase: string[] = [];
    const progress = {
      start(title: string) {
        if (title === "Calibrating" || title === "Measuring sensitivity") {
          phase = [];
          reads.push(phase);
        }
        return { advance() {}, note() {}, [Symbol.dispose]() {} };
      },
    };
    const images = noiseImages(40, { labels, onRead: (index) => phase.push(String(index)) });
    const recipe = quantise({ bits: "mixed", heldOut: 10 }, { images: 30 }, { maxDrop: 1 });
    await compress(smallClassifier(), options({ images, recipe, progress }));
    const [calibrated, held] = reads.map((each) => new Set(each));
    assert.equal(held!.size, 10);
    assert.equal(calibrated!.size, 30);
    assert.ok(calibrated!.isDisjointFrom(held!));
  });

  test("the file is no larger than asked for, and the trade-off tells its size", async () => {
    const maxBytes = 12_000;
    const model = smallClassifier(1, 32);
    const recipe = quantise({ bits: "mixed" }, {}, { maxBytes });
    const { model: small, tradeOff, layers } = await compress(model, options({ recipe }));
    const { byteLength } = encodeModelBytes(small);
    assert.ok(byteLength <= maxBytes, `${byteLength}`);
    assert.equal(tradeOff.find((point) => point.chosen)!.bytes, byteLength);
    assert.equal(layers.length, 4);
  });

  test("what cannot be reached is refused", async () => {
    const recipe = quantise({ bits: "mixed" }, {}, { maxBytes: 500 });
    await refused(() => compress(smallClassifier(), options({ recipe })), "BUDGET_UNREACHABLE", /500 bytes/);
  });
});

describe("refused with a code of its own:", () => {
  const cases: Readonly<Record<string, readonly [code: string, build: () => Model, saying: RegExp]>> = {
    "an old operator set": ["OPSET_UNSUPPORTED", () => smallWith(new Network(["N", 3, 8, 8], 1, 6)), /6/],
    "an input of unknown rank": ["RANK_UNKNOWN", () => smallWith(new Network(null)), /"x"/],
    "a weight that is not a number": [
      "WEIGHT_NOT_FINITE",
      () => {
        const model = smallClassifier();
        const weight = model.graph.value("first.weight")!;
        const values = weight.constant!.toFloat32().slice();
        values[3] = Number.NaN;
        model.graph.setConstant(weight, Tensor.float32(weight.constant!.dims, values));
        return model;
      },
      /first\.weight/,
    ],
    "an input that is no image": [
      "INPUT_UNSUPPORTED",
      () => {
        const net = new Network(["N", 10]);
        return net.done(net.gemm("scores", net.x, 10, 4));
      },
      /"x" float32 \[N, 10\]/,
    ],
    "a quantised model": [
      "ALREADY_QUANTISED",
      () => {
        const net = new Network();
        const zero = net.model.graph.addConstant("zero", Tensor.uint8([], [0]));
        const q = net.node("QuantizeLinear", "q", [net.x, net.scalar("s", 0.1), zero]);
        return smallWith(net, net.node("DequantizeLinear", "dq", [q, net.scalar("s2", 0.1), zero]));
      },
      /"q"/,
    ],
    "a model whose layers compute with 8-bit numbers": [
      "ALREADY_QUANTISED",
      () => {
        const net = new Network();
        const { graph } = net.model;
        const outputs = ["q", "scale", "zero"];
        const [q] = graph.append({ opType: "DynamicQuantizeLinear", inputs: [net.x], outputs }).outputs;
        const weight = net.model.graph.addConstant("w", Tensor.int8([4, 3, 1, 1], new Int8Array(12).fill(3)));
        const sums = net.node("ConvInteger", "conv", [q!, weight]);
        return net.done(net.node("Flatten", "flat", [sums]));
      },
      /DynamicQuantizeLinear, ConvInteger/,
    ],
    "a model without layers": [
      "NOTHING_TO_COMPRESS",
      () => {
        const net = new Network();
        return net.done(net.node("Flatten", "flat", [net.relu(net.x)]));
      },
      /Conv, Gemm or MatMul/,
    ],
    "a model for other images": [
      "INPUT_SHAPE_MISMATCH",
      () => smallClassifier(1, 8, ["N", 3, 16, 16]),
      /\[N, 3, 16, 16\]/,
    ],
  };
  for (const [name, [code, build, saying]] of Object.entries(cases)) {
    test(name, () => refused(() => compress(build(), options()), code, saying));
  }

  function smallWith(net: Network, x = net.x): Model {
    return net.done(net.head(net.conv("conv", x, 3, 4), 4));
  }
});

test("an unreadable image is told of and left out; under strict it is an error", async () => {
  const whole = noiseImages(24);
  const images = {
    ...whole,
    image: async (index: number) =>
      index === 3 ? ({ kind: "encoded", bytes: Uint8Array.of(1, 2, 3) } as const) : whole.image(index),
  };
  const unreadable: string[] = [];
  const { calibration } = await compress(
    smallClassifier(),
    options({ images, onUnreadable: ({ id }) => unreadable.push(id) }),
  );
  assert.deepEqual(unreadable, ["noise 3"]);
  assert.equal(calibration?.images, 23);
  await refused(
    () => compress(smallClassifier(), options({ images, strict: true })),
    "IMAGES_UNREADABLE",
    /noise 3/,
  );
});

for (const stage of ["Calibrating", "Rounding weights", "Measuring sensitivity", "Searching bit widths"]) {
  test(`it can be cancelled while ${stage.toLowerCase()}`, async () => {
    const controller = new AbortController();
    const progress = {
      start(title: string) {
        if (title === stage) controller.abort();
        return { advance() {}, note() {}, [Symbol.dispose]() {} };
      },
    };
    const recipe = quantise({ bits: "mixed" }, {}, { maxDrop: 1 });
    const work = compress(smallClassifier(), options({ recipe, progress, signal: controller.signal }));
    await refused(() => work, "CANCELLED");
  });
}

test("a model whose only shared weight feeds two layers gets a copy for each", async () => {
  const net = new Network(["N", 3, 8, 8]);
  const weight = net.constant("shared", [3, 3, 3, 3], 0.3);
  const conv = (name: string, x = net.x) => net.node("Conv", name, [x, weight], { pads: [1, 1, 1, 1] });
  const model = net.done(net.head(net.relu(conv("b", net.relu(conv("a")))), 3));
  const { layers, model: small } = await compress(model, options());
  assert.equal(layers.length, 3);
  const [[float], [rounded]] = [await outputs(model, pixels()), await outputs(small, pixels())];
  assert.ok(sqnr(float!, rounded!) > 28);
});

/** One channel speaks a thousand times as loudly as the others, and the next layer listens a thousandth as much. */
test("what it says of a value's counterpart is true: name, channels and factors", async () => {
  const net = new Network();
  const first = net.relu(net.batchNorm("norm", net.conv("first", net.x, 3, 8), 8));
  const model = net.done(net.head(net.relu(net.conv("second", first, 8, 6)), 6));
  const recipe = parseRecipe(
    { stages: ["clean", "equalise", "calibrate", "quantise"].map((stage) => ({ stage })) },
    "test",
  );
  const { model: small, correspondence } = await compress(model, options({ recipe }));
  assert.equal(correspondence.has("first"), false, "it is folded away");
  const { name, channels, factors } = correspondence.get("norm.relu")!;
  assert.deepEqual([name, channels], ["norm.relu.dq", null]);
  assert.ok(
    factors!.some((factor) => Math.abs(factor - 1) > 0.05),
    "equalised",
  );
  const before = float32Of((await run(model, pixels(), { taps: ["norm.relu"] }))["norm.relu"]!);
  const after = float32Of((await run(small, pixels(), { taps: [name] }))[name]!);
  const restored = after.map((x, i) => x * factors![Math.floor(i / 64) % 8]!);
  assert.ok(sqnr(before, restored) > 28, `${sqnr(before, restored)} dB`);
});

test("the model says how its images are prepared and what its classes are called", async () => {
  const classes = ["a", "b", "c", "d"];
  const { model } = await compress(smallClassifier(), options({ classes }));
  assert.deepEqual(preprocessingFromMetadata(model.metadata), plain());
  assert.deepEqual(classesFromMetadata(model.metadata), classes);
});
