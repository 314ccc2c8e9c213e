/**
 * Quantisation-aware training on tiny networks: what is trained is what is written, and it is better than what rounding
 * alone gives on images that neither trained nor chose it.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom, type Progress } from "@cupel/base";
import { encodeModelBytes, type Model, writtenBytes } from "@cupel/onnx";
import { evaluate } from "@cupel/predict";
import { openTrainer } from "@cupel/train";
import type { ImageSource } from "@cupel/vision";
import { emitModel } from "../src/emit/emit-model.ts";
import { type CompressOptions, compress, parseRecipe } from "../src/index.ts";
import { readBack } from "../src/retrain/read-back.ts";
import { roundedNetwork } from "../src/retrain/rounded-network.ts";
import { made, stateOf } from "../src/stage/stage.ts";
import { runStage } from "../src/stage/stages.ts";
import { unmeasured } from "./support/compressing.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { refused } from "./support/refused.ts";
import { feed, largestDifference, outputs } from "./support/run.ts";

/** Four quarters of a colour each, and some noise: scores of a random network differ from one to the next. */
function patches(count: number, seed: number): ImageSource {
  return {
    kind: "synthetic",
    location: "patches",
    length: count,
    classes: null,
    labelled: false,
    id: (index) => `patches ${seed} ${index}`,
    label: () => null,
    async image(index) {
      const random = createRandom(seed * 100_003 + index);
      const colours = Array.from({ length: 12 }, () => random.integer(256));
      const data = Uint8Array.from({ length: 192 }, (_, at) => {
        const [x, y] = [Math.floor(at / 3) % 8, Math.floor(at / 24)];
        const colour = colours[3 * (2 * Math.floor(y / 4) + Math.floor(x / 4)) + (at % 3)]!;
        return Math.max(0, Math.min(255, colour + random.integer(41) - 20));
      });
      return { kind: "raw", width: 8, height: 8, channels: 3, data };
    },
  };
}

const recipe = (quantise: object, retrain: object | null, calibrate: object = {}) =>
  parseRecipe(
    {
      stages: [
        { stage: "clean" },
        { stage: "calibrate", ...calibrate },
        { stage: "quantise", kernels: "wherever-possible", ...quantise },
        ...(retrain ? [{ stage: "retrain", ...retrain }] : []),
      ],
    },
    "test",
  );

const options = (changes: Partial<CompressOptions>): CompressOptions => ({
  images: patches(32, 1),
  training: patches(256, 2),
  preprocessing: plain(),
  recipe: recipe({}, null),
  threads: 1,
  ...changes,
});

/** Of every operator with a part in rounding: joined, moved, clipped, depthwise, dense. */
function manyForms(seed = 3): Model {
  const net = new Network(["N", 3, 8, 8], seed);
  const first = net.relu(net.conv("first", net.x, 3, 8));
  const clipped = net.node("Clip", "clipped", [
    net.conv("second", first, 8, 8, { group: 8 }),
    net.scalar("low", 0),
    net.scalar("high", 6),
  ]);
  const left = net.conv("left", clipped, 8, 4, { kernel: 1, bias: false });
  const right = net.relu(net.conv("right", clipped, 8, 4, { stride: 1 }));
  const both = net.node("Concat", "both", [left, right], { axis: 1 });
  const pooled = net.node("MaxPool", "pooled", [both], { kernel_shape: [2, 2], strides: [2, 2] });
  const sum = net.relu(net.node("Add", "sum", [net.conv("third", pooled, 8, 8), pooled]));
  return net.done(net.head(sum, 8));
}

/** Each session of a training takes a second to open: three cases do in every run. */
const isLong = process.env.CUPEL_LONG_TESTS ? false : "it takes long: set CUPEL_LONG_TESTS";

/** Steps enough to learn something on these networks, in about a second. */
const quick = { epochs: 6, batch: 16, learningRate: 0.01 };

/** Mean of sum p log(p / q) over images for this only, p and q the probabilities that the scores of both models stand for. */
async function divergence(float: Model, rounded: Model): Promise<number> {
  const [p, q] = await Promise.all(
    [float, rounded].map(async (model) => {
      const { scores } = await evaluate(encodeModelBytes(model), patches(200, 3), plain(), { threads: 1 });
      return Array.from({ length: 200 }, (_, image) => {
        const powers = Array.from(scores.subarray(4 * image, 4 * image + 4), Math.exp);
        return powers.map((power) => power / powers.reduce((sum, each) => sum + each, 0));
      });
    }),
  );
  const each = p!.flatMap((row, image) => row.map((x, at) => x * Math.log(x / q![image]![at]!)));
  return each.reduce((sum, x) => sum + x, 0) / 200;
}

async function trainedAndWritten(model: Model, bits: number, isByTensor: boolean, how: object) {
  const used = recipe({ bits, granularity: isByTensor ? "tensor" : "channel", ...how }, null);
  const given = options({ recipe: used });
  const context = {
    ...unmeasured(model),
    ...given,
    stopwatch: unmeasured(model).stopwatch,
    heldOut: given.images,
    training: null,
    seed: 1,
    threads: 1,
    strict: false,
    onUnreadable: undefined,
    open: undefined,
    bytesOf: (written: Model) => writtenBytes(written, "model.onnx"),
  };
  let state = stateOf(model);
  for (const entry of used.stages) state = await runStage(entry, state, context);
  const calibrated = made(state.calibrated, "calibrate");
  const quantised = made(state.quantised, "quantise");
  const rounded = roundedNetwork(state.model, calibrated, quantised, {
    learnsActivations: true,
    isByTensor,
    mostLevelOf: () => 63,
    evenly: () => assert.fail("none is in blocks"),
  });
  const { parameters } = rounded.network;
  const isOurs = (name: string) => parameters.has(name);
  await using trainer = await openTrainer(rounded.network.model, {
    batch: 8,
    imageDims: [3, 8, 8],
    optimiser: { kind: "adamw", weightDecay: 0 },
    statistics: "frozen",
    parameters: isOurs,
    trainable: isOurs,
    threads: 1,
  });
  for (let step = 0; step < 12; step++) {
    const labels = Int32Array.from({ length: 8 }, (_, at) => (at + step) % 4);
    await trainer.step({ inputs: { x: feed([8, 3, 8, 8], step) }, labels }, 0.02);
  }
  const trained = await trainer.exportModel();
  const read = await readBack(trained, rounded, calibrated.scales, { threads: 1 });
  const emitted = emitModel(
    state.model,
    { placement: calibrated.placement, scales: read.scales },
    { variants: read.variants, plan: quantised.plan },
  );
  const { model: untrained } = emitModel(state.model, calibrated, quantised);
  const begun = rounded.network.model;
  return {
    begun,
    trained,
    emitted: emitted.model,
    untrained,
    scales: read.scales,
    firstScales: calibrated.scales,
  };
}

/**
 * Integer kernels and the trained float graph add in different orders, so that a value on the border of two levels may come
 * out one level apart; on the few thousand values of these networks none has. What is left is the rounding of float32 itself.
 */
const roundingOfFloat = 2e-6;

describe("what is trained is what is written, by the engine with its optimiser on", () => {
  const evenly = { levels: "uniform" };
  for (const [name, model, bits, isByTensor, how, skip] of [
    ["many forms at 8 bits", manyForms(), 8, false, {}, isLong],
    ["many forms at 2 bits", manyForms(), 2, false, evenly, isLong],
    ["many forms at 3 bits, fitted, rounded by moments", manyForms(), 3, false, { rounding: "gptq" }, false],
    ["a residual block at 4 bits", smallClassifier(), 4, false, evenly, isLong],
    ["a residual block at 3 bits, a step a tensor", smallClassifier(), 3, true, evenly, isLong],
  ] as const) {
    test(name, { skip }, async () => {
      const { begun, trained, emitted, untrained, scales, firstScales } = await trainedAndWritten(
        model,
        bits,
        isByTensor,
        how,
      );
      const x = feed([64, 3, 8, 8], 99);
      // The engine would round the float weights of the trained graph once more.
      const asItIs = { configEntries: { "session.disable_quant_qdq": "1" } };
      const [[wanted], [found], [before], [first]] = [
        await outputs(trained, x, asItIs),
        await outputs(emitted, x),
        await outputs(untrained, x),
        await outputs(begun, x, asItIs),
      ];
      // Of 8 bits single rows may have more levels than are trained.
      if (bits < 8) {
        assert.ok(largestDifference(first!, before!) < roundingOfFloat, "training begins at what was found");
      }
      assert.ok(
        largestDifference(wanted!, found!) < roundingOfFloat,
        `${largestDifference(wanted!, found!)}`,
      );
      assert.ok(largestDifference(wanted!, before!) > 0.1, "it was trained");
      for (const [value, { scale }] of scales) {
        assert.notEqual(scale, firstScales.get(value)!.scale, `the step of ${value} is learned`);
      }
    });
  }
});

describe("retraining", () => {
  for (const [bits, skip] of [
    [2, false],
    [4, isLong],
  ] as const) {
    test(`at ${bits} bits is nearer to the original on other images than rounding alone`, {
      skip,
    }, async () => {
      const model = smallClassifier(7, 8);
      const [plainly, retrained] = [
        await compress(model, options({ recipe: recipe({ bits }, null) })),
        await compress(model, options({ recipe: recipe({ bits }, quick) })),
      ];
      const { epochs, kept } = retrained.retrained!;
      assert.ok(kept > 0, JSON.stringify(epochs));
      assert.ok(epochs.at(-1)!.loss! < epochs[1]!.loss!, "the loss falls");
      const [before, after] = [
        await divergence(model, plainly.model),
        await divergence(model, retrained.model),
      ];
      assert.ok(after < 0.7 * before, `${after}, ${before} by rounding alone`);
      assert.equal(plainly.retrained, null);
      assert.match(retrained.notes.at(-1)!, /Retrained for 6 epochs, the best of them \d: of 25 images/);
    });
  }

  test("gives the same file to the byte for the same seed", { skip: isLong }, async () => {
    const given = options({
      recipe: recipe({ bits: 3 }, { ...quick, epochs: 1, augmentation: "flip,crop=1" }),
    });
    const [a, b, c] = [
      await compress(smallClassifier(), given),
      await compress(smallClassifier(), given),
      await compress(smallClassifier(), { ...given, seed: 2 }),
    ];
    assert.deepEqual(encodeModelBytes(a.model), encodeModelBytes(b.model));
    assert.notDeepEqual(a.retrained, c.retrained);
  });

  test("learns from labels where there are any", async () => {
    // Labels that the network, which is random, does not give: only they can teach them.
    const labelled = { ...patches(256, 2), labelled: true, classes: ["a", "b", "c", "d"], label: () => 2 };
    const used = recipe({ bits: 4 }, { ...quick, epochs: 3, labelShare: 1 });
    const { retrained } = await compress(
      smallClassifier(),
      options({ training: labelled, classes: ["a", "b", "c", "d"], recipe: used }),
    );
    assert.ok(retrained!.epochs[0]!.accuracy! < 0.9);
    assert.equal(retrained!.epochs[retrained!.kept]!.accuracy, 1);
  });

  test("keeps what rounding alone gave where nothing is better", { skip: isLong }, async () => {
    const used = { bits: 8, reduceRange: false };
    const [plainly, { model, retrained, notes }] = [
      await compress(smallClassifier(), options({ recipe: recipe(used, null) })),
      await compress(
        smallClassifier(),
        options({ recipe: recipe(used, { ...quick, epochs: 1, learningRate: 0.9 }) }),
      ),
    ];
    assert.equal(retrained!.kept, 0);
    assert.deepEqual(encodeModelBytes(model), encodeModelBytes(plainly.model));
    assert.match(notes.at(-1)!, /nothing better/);
  });

  test("is refused before anything is measured: without images, for boxes", async () => {
    const used = recipe({}, {});
    let read = 0;
    const images = noiseImages(8, { onRead: () => read++ });
    const given = { images, training: undefined, recipe: used };
    await refused(
      () => compress(smallClassifier(), options(given)),
      "TRAINING_IMAGES_NEEDED",
      /--train-images/,
    );
    await refused(
      () => compress(smallClassifier(), options({ ...given, training: patches(1, 1) })),
      "SELECTION_INVALID",
      /1 images/,
    );
    const net = new Network();
    const map = net.done(net.conv("map", net.x, 3, 4));
    await refused(
      () => compress(map, options({ ...given, training: patches(8, 1) })),
      "OUTPUT_UNSUPPORTED",
      /"map"/,
    );
    assert.equal(read, 0);
  });

  test("stops when it is cancelled, and leaves the model given as it was", async () => {
    const model = smallClassifier();
    const before = encodeModelBytes(model);
    const controller = new AbortController();
    const progress: Progress = {
      start: (what) => ({
        advance: () => what === "Retraining" && controller.abort(),
        note: () => {},
        [Symbol.dispose]() {},
      }),
    };
    const used = recipe({ bits: 4 }, { ...quick, epochs: 1000 });
    await refused(
      () => compress(model, options({ recipe: used, progress, signal: controller.signal })),
      "CANCELLED",
    );
    assert.deepEqual(encodeModelBytes(model), before);
  });
});
