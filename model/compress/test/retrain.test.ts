/**
 * Quantisation-aware training on tiny networks: what is trained is what is written, and it is better than what rounding
 * alone gives on images that neither trained nor chose it.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import { encodeModelBytes, type Model } from "@cupel/onnx";
import { float32Of, openSession } from "@cupel/runtime";
import { openTrainer } from "@cupel/train";
import type { ImageSource } from "@cupel/vision";
import { type CompressOptions, compress, parseRecipe } from "../src/index.ts";
import { emitModel } from "../src/emit/emit-model.ts";
import { readBack } from "../src/retrain/read-back.ts";
import { roundedNetwork } from "../src/retrain/rounded-network.ts";
import { made, stateOf } from "../src/stage/stage.ts";
import { runStage } from "../src/stage/stages.ts";
import { plain } from "./support/images.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { refused } from "./support/refused.ts";
import { feed, outputs } from "./support/run.ts";

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

async function trainedAndWritten(model: Model, bits: number, quantise: object = {}) {
  const used = recipe({ bits, ...quantise }, null);
  const given = options({ recipe: used });
  const context = {
    ...given,
    heldOut: given.images,
    training: null,
    seed: 1,
    threads: 1,
    strict: false,
    onUnreadable: undefined,
    open: undefined,
  };
  let state = stateOf(model);
  for (const entry of used.stages) state = await runStage(entry, state, context);
  const calibrated = made(state.calibrated, "calibrate");
  const quantised = made(state.quantised, "quantise");
  const rounded = roundedNetwork(state.model, calibrated, quantised, {
    learnsActivations: true,
    isByTensor: false,
    mostLevelOf: () => 63,
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
  const before = emitModel(state.model, calibrated, quantised);
  return { trained, trainer, emitted: emitted.model, before: before.model, read, calibrated };
}

describe("what is trained is what is written", () => {
  for (const [name, model] of [["many forms", manyForms()], ["a residual block", smallClassifier()]] as const) {
    for (const bits of [8, 4, 3, 2]) {
      test(`${name} at ${bits} bits`, async () => {
        const { trained, emitted, before, read, calibrated } = await trainedAndWritten(model, bits);
        const x = feed([64, 3, 8, 8], 99);
        // The engine would round the float weights of the trained graph once more.
        const float = { configEntries: { "session.disable_quant_qdq": "1" } };
        const [[wanted], [found], [untrained]] = [
          await outputs(trained, x, float),
          await outputs(emitted, x),
          await outputs(before, x),
        ];
        const apart = (one: Float32Array) =>
          Float32Array.from(one, (value, at) => Math.abs(value - wanted![at]!)).toSorted();
        console.log(name, bits, apart(found!).at(-1), apart(found!)[200], apart(untrained!)[128], wanted!.slice(0, 4));
        const moved = [...read.scales].filter(([each, { scale }]) => scale !== calibrated.scales.get(each)!.scale);
        console.log(moved.length, read.scales.size);
      });
    }
  }
});
