/** Which channels go, what takes over what they carried, and what the stage says of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cloneModel, encodeModel, type Model, Tensor, writtenBytes } from "@cupel/onnx";
import { batches } from "@cupel/vision";
import fc from "fast-check";
import { compress, parseRecipe, stageOf } from "../src/index.ts";
import { channelGroups } from "../src/prune/channel-groups.ts";
import { chooseChannels } from "../src/prune/choose-channels.ts";
import { compensate } from "../src/prune/compensate.ts";
import { channelImportance } from "../src/prune/importance.ts";
import { layerInputs, measuredOnce } from "../src/prune/layer-inputs.ts";
import { measureChannels } from "../src/prune/measure-channels.ts";
import { removeChannels } from "../src/prune/remove-channels.ts";
import { solveSymmetric } from "../src/prune/solve-symmetric.ts";
import { taylorScores } from "../src/prune/taylor-scores.ts";
import { pruneStage } from "../src/stage/prune.ts";
import { type StageContext, stateOf } from "../src/stage/stage.ts";
import { options, pixels, unmeasured } from "./support/compressing.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { refused } from "./support/refused.ts";
import { largestDifference, outputs } from "./support/run.ts";
import { sideBySide } from "./support/side-by-side.ts";

const recipeWith = (settings: object, bits: 8 | 16 = 8) =>
  parseRecipe(
    {
      stages: [
        { stage: "clean" },
        { stage: "prune", sensitivity: false, multipleOf: 1, ...settings },
        ...(bits === 16 ? [] : [{ stage: "calibrate" }]),
        { stage: "quantise", bits },
      ],
    },
    "test",
  );

const contextOf = (changes: Partial<StageContext> = {}): StageContext => ({
  ...unmeasured(smallClassifier()),
  recipe: recipeWith({}),
  images: noiseImages(24),
  heldOut: noiseImages(24, { seed: 2 }),
  training: null,
  preprocessing: plain(),
  seed: 1,
  threads: 1,
  strict: false,
  onUnreadable: undefined,
  open: undefined,
  bytesOf: (written) => writtenBytes(written, "model.onnx"),
  ...changes,
});

const pruned = (model: Model, settings: object, changes: Partial<StageContext> = {}) =>
  pruneStage.run(stateOf(model), stageOf(recipeWith(settings), "prune")!, contextOf(changes));

describe("compensation", () => {
  /** Every group's first channels but so many, with or without compensation. */
  async function reduced(model: Model, group: string, left: number, compensates: boolean): Promise<Model> {
    const copy = cloneModel(model);
    const { groups, followed } = channelGroups(copy);
    const removed = new Set(groups.find(({ name }) => name === group)!.channels.slice(left));
    const moments = await measureChannels(model, measuredOnce(layerInputs(followed)), contextOf());
    if (compensates) assert.equal(compensate(copy.graph, followed, removed, moments), 1);
    removeChannels(copy, followed, removed);
    return copy;
  }

  async function errors(model: Model, group: string, left: number) {
    const x = pixels([4, 3, 8, 8]);
    const [wanted] = await outputs(model, x);
    const scale = wanted!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = async (compensates: boolean) => {
      const [found] = await outputs(await reduced(model, group, left, compensates), x);
      return largestDifference(wanted!, found!) / scale;
    };
    return { before: await error(false), after: await error(true) };
  }

  test("is exact where the channels that stay tell those that went", async () => {
    // Three colours and a bias make eight channels: any three tell the others.
    const net = new Network(["N", 3, 8, 8]);
    const made = net.conv("made", net.x, 3, 8, { kernel: 1 });
    const model = net.done(net.head(net.conv("last", made, 8, 5, { kernel: 1 }), 5));
    const { before, after } = await errors(model, "made", 3);
    assert.ok(before > 0.2, `${before}`);
    assert.ok(after < 0.02, `${after}`);
  });

  test("follows the places of a channel through Flatten", async () => {
    const net = new Network(["N", 3, 8, 8]);
    const made = net.conv("made", net.x, 3, 6, { kernel: 1 });
    const pooled = net.node("AveragePool", "pool", [made], { kernel_shape: [4, 4], strides: [4, 4] });
    const model = net.done(net.gemm("scores", net.node("Flatten", "flat", [pooled]), 24, 4));
    const { before, after } = await errors(model, "made", 3);
    assert.ok(before > 0.2, `${before}`);
    assert.ok(after < before / 4, `${after} of ${before}`);
  });

  test("helps behind an activation, in a larger kernel", async () => {
    const net = new Network(["N", 3, 8, 8]);
    const made = net.relu(net.conv("made", net.x, 3, 16));
    const { before, after } = await errors(net.done(net.head(net.conv("last", made, 16, 5), 5)), "made", 10);
    assert.ok(after < 0.8 * before, `${after} of ${before}`);
  });

  test("solves its equations, also where the matrix is singular", () => {
    // [[4, 2], [2, 3]] x = [8, 7] at (5/4, 3/2); [[1, 1], [1, 1]] x = [2, 2] has (2, 0) among others.
    const found = solveSymmetric(Float64Array.of(4, 2, 2, 3), 2, Float64Array.of(8, 7, 4, 2));
    for (const [i, value] of [1.25, 1.5, 1, 0].entries()) assert.ok(Math.abs(found[i]! - value) < 1e-12);
    assert.deepEqual([...solveSymmetric(Float64Array.of(1, 1, 1, 1), 2, Float64Array.of(2, 2))], [2, 0]);
  });
});

describe("importance", () => {
  test("by Taylor is the change of the outputs under some signs, as finite differences find it", async () => {
    const model = smallClassifier(3);
    const images = noiseImages(1);
    const names = ["first", "last"];
    const made = names.map((name) => ({ name, axis: 1 }));
    const found = await taylorScores(model, made, contextOf({ images }));
    let data = new Float32Array();
    for await (const batch of batches(images, plain(), { batchSize: 1 })) data = batch.data;
    const step = 0.01;
    const changes = names.flatMap((name) => [0, 2, 3, 5, 6, 7].map((channel) => ({ name, channel })));
    const scaled = (name: string, channel: number, factor: number) => {
      const copy = cloneModel(model);
      for (const suffix of ["weight", "bias"]) {
        const value = copy.graph.value(`${name}.${suffix}`)!;
        const { dims, size } = value.constant!;
        const perRow = size / dims[0]!;
        const values = value
          .constant!.toFloat32()
          .map((each, i) => (Math.floor(i / perRow) === channel ? each * factor : each));
        copy.graph.setConstant(value, Tensor.float32(dims, values));
      }
      return copy;
    };
    const models = changes.flatMap(({ name, channel }) =>
      [1 + step, 1 - step].map((factor) => scaled(name, channel, factor)),
    );
    const scores = await outputs(sideBySide(models), { type: "float32", dims: [1, 3, 8, 8], data });
    const distances = Array.from({ length: 16 }, (_, signs) => {
      const apart = changes.map(({ name, channel }, i) => {
        const [more, less] = [scores[2 * i]!, scores[2 * i + 1]!];
        const change = more.reduce(
          (sum, each, k) => sum + ((signs >> k) % 2 ? -1 : 1) * (each - less[k]!),
          0,
        );
        return Math.abs(Math.abs(change / (2 * step)) - found.get(name)![channel]!);
      });
      return Math.max(...apart);
    });
    const [best, ...others] = distances.sort((a, b) => a - b);
    // A sign vector and its opposite say the same.
    assert.ok(best! < 0.01 && others[1]! > 10 * best!, distances.join());
  });

  test("is relative to the mean of the layer", async () => {
    const net = new Network(["N", 3, 8, 8]);
    const made = net.node("Conv", "made", [
      net.x,
      net.model.graph.addConstant("w", Tensor.float32([2, 3, 1, 1], [3, 0, 4, 0, 15, 0])),
    ]);
    const model = net.done(net.head(net.conv("last", made, 2, 4), 4));
    const groups = channelGroups(model);
    const found = await channelImportance(model, groups, "norm", contextOf(), new Map());
    // Norms 5 and 15, mean 10.
    assert.deepEqual(
      groups.groups[0]!.channels.map((channel) => found.get(channel)),
      [0.5, 1.5],
    );
  });
});

describe("which channels go", () => {
  const grouped = fc.array(
    fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 1, maxLength: 40 }),
    {
      minLength: 1,
      maxLength: 6,
    },
  );

  test("never more than asked, never a whole group, and what is left are multiples", () => {
    fc.assert(
      fc.property(
        grouped,
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 8 }),
        (given, keep, multipleOf) => {
          let next = 0;
          const importance = new Map<number, number>();
          const groups = given.map((scores, i) => ({
            name: `${i}`,
            layers: [],
            channels: scores.map((score) => {
              importance.set(next, score);
              return next++;
            }),
          }));
          const removed = chooseChannels(groups, importance, { keep, multipleOf });
          assert.ok(importance.size - removed.size >= keep * importance.size - 1e-6);
          for (const { channels } of groups) {
            const kept = channels.filter((channel) => !removed.has(channel));
            assert.ok(kept.length >= Math.max(1, (channels.length * keep) / 2));
            assert.ok(kept.length === channels.length || kept.length % multipleOf === 0);
            // What went matters no more than what stayed.
            const most = Math.max(
              0,
              ...channels.filter((each) => removed.has(each)).map((each) => importance.get(each)!),
            );
            assert.ok(kept.every((channel) => importance.get(channel)! >= most));
          }
        },
      ),
    );
  });
});

describe("the stage", () => {
  test("says what it removed, and which channels of the original are left", async () => {
    const model = smallClassifier();
    const state = await pruned(model, {
      keep: 0.5,
      compensate: false,
      importance: "norm",
      sensitivity: true,
    });
    const { pruned: said } = state;
    assert.equal(said!.kept, 4);
    assert.match(state.notes.at(-1)!, /^Removed \d+ of 8 channels: first 8 to 4/);
    const [group] = said!.groups;
    assert.deepEqual(
      group!.layers,
      ["first", "depthwise", "last"].filter((name) => group!.layers.includes(name)),
    );
    assert.deepEqual(
      group!.sensitivity.map(({ kept }) => kept),
      [8, 6, 4, 2],
    );
    assert.equal(group!.sensitivity[0]!.divergence, 0);
    assert.ok(group!.sensitivity.at(-1)!.divergence > 0);
    const { channels } = state.correspondence.get("first")!;
    assert.equal(channels!.length, 4);
    const weight = (each: Model) => each.graph.value("first.weight")!.constant!.toFloat32();
    const [before, after] = [weight(model), weight(state.model)];
    for (const [i, channel] of channels!.entries()) {
      assert.deepEqual(
        after.subarray(27 * i, 27 * (i + 1)),
        before.subarray(27 * channel, 27 * (channel + 1)),
      );
    }
  });

  test("a model that cannot be differentiated is ranked by norms, and a note says so", async () => {
    const odd = new Network();
    const made = odd.relu(odd.conv("made", odd.x, 3, 8));
    const whole = odd.done(
      odd.head(
        odd.node("LpPool", "pool2", [odd.conv("last", made, 8, 8)], {
          kernel_shape: [2, 2],
        }),
        8,
      ),
    );
    const state = await pruned(whole, { keep: 0.5, compensate: false });
    assert.ok(state.pruned!.kept < state.pruned!.channels);
    assert.ok(
      state.notes.some((note) => /ranked by the norm/.test(note)),
      state.notes.join("\n"),
    );
  });

  test("gives the same twice", async () => {
    const model = smallClassifier();
    const again = async () => encodeModel((await pruned(model, { keep: 0.5, rounds: 2 })).model);
    assert.deepEqual(await again(), await again());
  });

  test("is part of a whole compression, also to 16 bits", async () => {
    const model = smallClassifier();
    for (const bits of [8, 16] as const) {
      const { pruned: said, model: small } = await compress(
        model,
        options({ recipe: recipeWith({ keep: 0.5, rounds: 1 }, bits) }),
      );
      assert.equal(said!.kept, 4);
      const [scores] = await outputs(small, pixels());
      assert.equal(scores!.length, 16);
    }
  });

  test("fine-tuning brings the outputs nearer to the original's", async () => {
    const model = smallClassifier();
    const settings = { keep: 0.5, compensate: false, importance: "norm" };
    const rough = await pruned(model, settings);
    const fineTune = { epochs: 4, batch: 16, learningRate: 0.05 };
    const tuned = await pruned(model, { ...settings, fineTune }, { training: noiseImages(64, { seed: 3 }) });
    assert.ok(
      tuned.pruned!.divergence < rough.pruned!.divergence / 2,
      `${tuned.pruned!.divergence} of ${rough.pruned!.divergence}`,
    );
    assert.match(tuned.notes.at(-1)!, /^Fine-tuning took/);
    assert.ok(tuned.correspondence.get("first")?.channels?.length === 4);
  });

  test("is refused without images to train with, and where nothing can go", async () => {
    const model = smallClassifier();
    await refused(() => pruned(model, { fineTune: {} }), "TRAINING_IMAGES_NEEDED", /"prune"/);
    await refused(
      () => pruned(model, { multipleOf: 8 }),
      "NOTHING_TO_PRUNE",
      /widest group has 8.*"multipleOf"/s,
    );
    const net = new Network();
    const only = net.done(net.conv("only", net.x, 3, 8));
    await refused(() => pruned(only, {}), "NOTHING_TO_PRUNE", /Leave out the stage/);
  });
});
