/** Widths of a model, and pruning by a target with a machine that is a formula. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Model } from "@cupel/onnx";
import { cloneModel, encodeModel, writtenBytes } from "@cupel/onnx";
import { optimisedGraph } from "@cupel/runtime";
import { compress, parseRecipe, type Stopwatch, stageForm } from "../src/index.ts";
import type { layersIn } from "../src/latency/layer-shape.ts";
import { channelGroups } from "../src/prune/channel-groups.ts";
import { followChannels } from "../src/prune/follow-channels.ts";
import { optionsOf, placesLeft, valueWidths } from "../src/prune/group-widths.ts";
import { removeChannels } from "../src/prune/remove-channels.ts";
import { shapeTwin } from "../src/prune/shape-twin.ts";
import { options } from "./support/compressing.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";
import { refused } from "./support/refused.ts";
import { operators } from "./support/run.ts";

/** A block with a shortcut, and a dense layer that reads every place of its channels, so that answers vary with the image. */
function block(seed = 1): Model {
  const net = new Network(["N", 3, 8, 8], seed);
  const first = net.relu(net.conv("first", net.x, 3, 16));
  const inner = net.relu(net.conv("inner", first, 16, 24));
  const sum = net.node("Add", "sum", [net.conv("last", inner, 24, 16), first]);
  const pool = { kernel_shape: [2, 2], strides: [2, 2] };
  const flat = net.node("Flatten", "flat", [net.node("MaxPool", "pool", [sum], pool)]);
  return net.done(net.gemm("scores", flat, 256, 4));
}

describe("widths of a model", () => {
  test("are what removing channels makes of them", () => {
    const model = block();
    const groups = channelGroups(model);
    const widths = valueWidths(groups);
    const kept = groups.groups.map(({ channels }) => channels.length - 8);
    const copy = cloneModel(model);
    const removed = new Set(groups.groups.flatMap(({ channels }, i) => channels.slice(kept[i])));
    removeChannels(copy, followChannels(copy), removed);
    assert.ok(widths.size > 6);
    for (const [name, width] of widths) {
      const axis = 1;
      assert.equal(placesLeft(width, kept), copy.graph.value(name)!.shape![axis], name);
    }
  });

  test("are multiples, a quarter at least, with harm on the line between measured points that never falls", () => {
    const channels = Array.from({ length: 20 }, (_, i) => i);
    const curve = [
      { kept: 20, divergence: 0 },
      { kept: 15, divergence: 0.1 },
      { kept: 10, divergence: 0.05 },
      { kept: 5, divergence: 0.4 },
    ];
    const found = optionsOf({ name: "g", channels, layers: [] }, curve, 4).map(({ width, harm }) => [
      width,
      +harm.toFixed(3),
    ]);
    assert.deepEqual(found, [
      [20, 0],
      [16, 0.08],
      [12, 0.08],
      [8, 0.19],
    ]);
  });
});

/** A machine that takes a nanosecond for each product of 8 bits, four in float, and a tenth more than its layers for the whole. */
function machine(): Stopwatch {
  const nanoseconds = { int8: 1, float32: 4 } as const;
  const product = (sizes: readonly number[]) => sizes.reduce((all, each) => all * each, 1);
  const ofShape = (shape: ReturnType<typeof layersIn>["layers"][number]["shape"]) =>
    1e-6 *
    nanoseconds[shape.form] *
    product([shape.inputs, shape.outputs, ...shape.size, ...shape.kernel]) *
    // A kernel that takes so many channels at once.
    1.2 ** (shape.outputs % 8 === 0 ? 0 : 1);
  return {
    layers: async (shapes) => shapes.map(ofShape),
    async networks(models) {
      const times = models.map((model) => {
        const isRounded = [...model.graph.nodes].some((node) => node.is("QuantizeLinear"));
        let ms = 0;
        for (const node of model.graph.nodes) {
          if (!node.is("Conv", "Gemm")) continue;
          const dims = weightDims(node.input(1)!);
          const pixels = node.is("Conv") ? 64 : 1;
          ms += 1e-6 * (isRounded ? 1 : 4) * product(dims) * pixels;
        }
        return ms * 1.1;
      });
      return times.map((ms) => ({ ms, share: ms / times[0]! }));
    },
  };
}

/** Of a constant, or of what is made of one. */
function weightDims(value: NonNullable<ReturnType<Model["graph"]["value"]>>): readonly number[] {
  if (value.constant) return value.constant.dims;
  const maker = value.producer!;
  return weightDims(maker.input(0)!);
}

type How = { readonly prune?: object | null; readonly bits?: number | "mixed" };

const recipe = (target: object, { prune = {}, bits = 8 }: How = {}) =>
  parseRecipe(
    {
      stages: [
        { stage: "clean" },
        ...(prune
          ? [{ stage: "prune", rounds: 1, images: 8, multipleOf: 1, importance: "norm", ...prune }]
          : []),
        ...(bits === 16 ? [] : [{ stage: "calibrate", method: "min-max", images: 8 }]),
        { stage: "quantise", bits, ...(bits === 16 ? {} : { kernels: "wherever-possible" }) },
      ],
      target,
    },
    "test",
  );

describe("pruning by a target", () => {
  const given = block();
  const images = noiseImages(40);
  const size = (model: Model) => writtenBytes(model, "model.onnx");
  const run = (target: object, how: How = {}) =>
    compress(given, options({ images, recipe: recipe(target, how), stopwatch: machine() }));

  test("of time comes as near as widths allow, and says what was foretold", async () => {
    const { targets, pruned, notes } = await run({ maxLatency: "15%" });
    const [figure] = targets;
    assert.deepEqual(
      { ...figure, measured: 0, predicted: 0 },
      { quantity: "latencyShare", target: 0.15, measured: 0, predicted: 0 },
    );
    assert.ok(figure!.measured <= 0.15 && figure!.measured > 0.93 * 0.15, JSON.stringify(figure));
    assert.ok(Math.abs(figure!.predicted! / figure!.measured - 1) < 0.3);
    assert.ok(pruned!.kept < pruned!.channels);
    assert.match(notes.join("\n"), /Removed \d+ of \d+ channels/);
  });

  test("of bytes is kept by the very file, at the bits that are given", async () => {
    const bitsTried = process.env.CUPEL_LONG_TESTS ? ([8, 3, 16] as const) : ([3] as const);
    for (const bits of bitsTried) {
      const twin = shapeTwin(given, { recipe: recipe({}, { bits, prune: null }), preprocessing: plain() });
      const maxBytes = Math.round(0.8 * size(twin));
      const { model, targets } = await run({ maxBytes }, { bits });
      assert.ok(
        size(model) <= maxBytes && size(model) > 0.9 * maxBytes,
        `${bits}: ${size(model)} of ${maxBytes}`,
      );
      const { predicted } = targets[0]!;
      assert.deepEqual(targets, [{ quantity: "bytes", target: maxBytes, predicted, measured: size(model) }]);
      assert.ok(Math.abs(predicted! / size(model) - 1) < 0.05, `${predicted}`);
    }
  });

  test("out of reach says how far it comes, under one code", async () => {
    await refused(() => run({ maxLatency: "1%" }), "BUDGET_UNREACHABLE", /time of 1\.00 %.*quarter.*has \d/s);
    await refused(() => run({ maxBytes: 500 }), "BUDGET_UNREACHABLE", /size of 500 bytes.*has \d+ bytes/s);
  });

  test("looks at a twin that is as large as the file", async () => {
    const { model, recipe: used } = await run({}, { bits: 4, prune: null });
    const twin = shapeTwin(given, { recipe: used, preprocessing: plain() });
    assert.ok(Math.abs(size(twin) / size(model) - 1) < 0.05, `${size(twin)} and ${size(model)}`);
  });

  test("looks at a twin that runs by the kernels of the file, whatever clips its values", async () => {
    const net = new Network();
    const relu = net.relu(net.conv("relu.conv", net.x, 3, 8));
    const six = net.node("Clip", "six", [
      net.conv("six.conv", relu, 8, 8),
      net.scalar("low", 0),
      net.scalar("high", 6),
    ]);
    const around = net.node("Clip", "around", [
      net.conv("around.conv", six, 8, 8),
      net.scalar("below", -0.5),
      net.scalar("above", 1.5),
    ]);
    const free = net.conv("free", around, 8, 8);
    const sum = net.relu(net.node("Add", "sum", [free, relu]));
    const clipped = net.done(net.head(sum, 8));
    const { model, recipe: used } = await compress(
      clipped,
      options({ images, recipe: recipe({}, { prune: null }) }),
    );
    const twin = shapeTwin(await stageForm(clipped, { threads: 1 }), {
      recipe: used,
      preprocessing: plain(),
    });
    const kernels = async (of: Model) => operators(await optimisedGraph(encodeModel(of))).sort();
    assert.deepEqual(await kernels(twin), await kernels(model));
    assert.equal((await kernels(twin)).filter((each) => each === "QLinearConv").length, 4);
  });

  describe("in full", { skip: process.env.CUPEL_LONG_TESTS ? false : "CUPEL_LONG_TESTS absent" }, () => {
    test("of milliseconds is as one of a share", async () => {
      const [whole] = await machine().networks([given]);
      const { targets } = await run({ maxLatency: 0.1 * whole!.ms });
      const [{ quantity, target, measured }] = targets as [(typeof targets)[number]];
      assert.deepEqual([quantity, target], ["latencyMs", 0.1 * whole!.ms]);
      assert.ok(measured <= target && measured > 0.93 * target);
    });

    test("that the whole network keeps to removes nothing", async () => {
      const { pruned, targets } = await run({ maxLatency: "99%" });
      assert.equal(pruned!.kept, pruned!.channels);
      assert.equal(targets.length, 1);
    });

    test("of a drop keeps to it on held-out images, and removes more where more is allowed", async () => {
      const kept: number[] = [];
      for (const maxDrop of [0.05, 0.4]) {
        const { targets, pruned } = await run({ maxDrop });
        assert.equal(targets[0]!.quantity, "drop");
        assert.ok(targets[0]!.measured <= maxDrop);
        // What was looked at is what is written.
        assert.equal(targets[0]!.measured, targets[0]!.predicted);
        kept.push(pruned!.kept);
      }
      assert.ok(kept[1]! < kept[0]!, kept.join());
    });

    test("is refused where the drop is passed before the time is met", async () => {
      await refused(
        () => run({ maxLatency: "6%", maxDrop: 0 }),
        "BUDGET_UNREACHABLE",
        /points are lost on the held-out images/,
      );
    });

    test("leaves the rest to bits where they are searched for too, and counts a drop from the original", async () => {
      const { targets, pruned, tradeOff } = await run({ maxDrop: 0.4 }, { bits: "mixed" });
      const [figure] = targets;
      assert.ok(figure!.measured <= 0.4 && figure!.predicted! <= 0.2);
      assert.ok(pruned!.kept < pruned!.channels);
      assert.equal(tradeOff.find(({ chosen }) => chosen)!.loss, figure!.measured);
    });
  });
});
