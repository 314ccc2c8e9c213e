/** Widths of groups against brute force, and pruning by a target with a machine that is a formula. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Model } from "@cupel/onnx";
import { cloneModel, encodeModel, writtenBytes } from "@cupel/onnx";
import { optimisedGraph } from "@cupel/runtime";
import fc from "fast-check";
import { compress, parseRecipe, type Stopwatch, stageForm } from "../src/index.ts";
import type { layersIn } from "../src/latency/layer-shape.ts";
import { channelGroups } from "../src/prune/channel-groups.ts";
import { followChannels } from "../src/prune/follow-channels.ts";
import { optionsOf, placesLeft, valueWidths } from "../src/prune/group-widths.ts";
import { removeChannels } from "../src/prune/remove-channels.ts";
import { shapeTwin } from "../src/prune/shape-twin.ts";
import {
  costOf,
  firstWithin,
  type GroupOptions,
  type LimitedCost,
  widthPath,
  withStepsBetween,
} from "../src/search/choose-widths.ts";
import { options } from "./support/compressing.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";
import { refused } from "./support/refused.ts";
import { operators } from "./support/run.ts";

const group = fc
  .array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 4 })
  .map((harms): GroupOptions => {
    const narrower = harms.map((_, i) => ({
      width: harms.length - i,
      harm: harms.slice(0, i + 1).reduce((sum, more) => sum + more, 0),
    }));
    return [{ width: harms.length + 1, harm: 0 }, ...narrower];
  });

/** Each group's cost by its width, of a table; and of pairs of neighbours their product, as a layer's is. */
const tables = fc.array(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 6, maxLength: 6 }), {
  minLength: 4,
  maxLength: 4,
});

const byTable = (count: number, table: readonly (readonly number[])[], limit: number): LimitedCost => ({
  fixed: 7,
  limit,
  terms: Array.from({ length: count }, (_, i) => ({ groups: [i], at: (kept) => table[i]![kept[i]!]! })),
});

const byPairs = (count: number, limit: number): LimitedCost => ({
  fixed: 1,
  limit,
  terms: Array.from({ length: count - 1 }, (_, i) => ({
    groups: [i, i + 1],
    at: (kept) => 3 + kept[i]! * kept[i + 1]! + kept[i]!,
  })),
});

/** Every way to choose, with its harm. */
function everyChoice(groups: readonly GroupOptions[]): { kept: number[]; harm: number }[] {
  return groups.reduce<{ kept: number[]; harm: number }[]>(
    (found, choices) =>
      found.flatMap(({ kept, harm }) =>
        choices.map((each) => ({ kept: [...kept, each.width], harm: harm + each.harm })),
      ),
    [{ kept: [], harm: 0 }],
  );
}

describe("the path of widths", () => {
  const groups = fc.array(group, { minLength: 1, maxLength: 4 });

  test("where groups cost by themselves, does the least harm of all networks that cost as little", () => {
    fc.assert(
      fc.property(groups, tables, (each, table) => {
        const cost = byTable(each.length, table, Number.POSITIVE_INFINITY);
        const all = everyChoice(each).map(({ kept, harm }) => ({ harm, cost: costOf(cost, kept) }));
        const path = widthPath(each, [cost]);
        for (const { kept, harm, costs } of path) {
          assert.ok(Math.abs(costs[0]! - costOf(cost, kept)) < 1e-9);
          const least = Math.min(
            ...all.filter((other) => other.cost <= costs[0]! + 1e-9).map((other) => other.harm),
          );
          assert.ok(harm <= least + 1e-9, `${harm} where ${least} would do`);
        }
        assert.equal(path.at(-1)!.costs[0], Math.min(...all.map((other) => other.cost)));
      }),
    );
  });

  test("where layers cost by what they read and make, does little more harm than the best of all", () => {
    const shares: number[] = [];
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 2, maxLength: 4 }),
        fc.double({ min: 0.3, max: 1, noNaN: true }),
        (each, part) => {
          const all = everyChoice(each);
          const free = byPairs(each.length, 0);
          const dearest = costOf(
            free,
            each.map(([full]) => full.width),
          );
          const limit = part * dearest;
          const able = all.filter(({ kept }) => costOf(free, kept) <= limit);
          const found = widthPath(each, [{ ...free, limit }]).find(({ costs }) => costs[0]! <= limit);
          assert.equal(found === undefined, able.length === 0);
          if (!found) return;
          assert.ok(Math.abs(found.costs[0]! - costOf(free, found.kept)) < 1e-9);
          const best = Math.min(...able.map(({ harm }) => harm));
          const most = Math.max(...all.map(({ harm }) => harm));
          assert.ok(found.harm >= best - 1e-9);
          if (most > 0) shares.push((found.harm - best) / most);
        },
      ),
      { numRuns: 300, seed: 4 },
    );
    const mean = shares.reduce((sum, each) => sum + each, 0) / shares.length;
    assert.ok(mean < 0.08, `${mean} of the most harm above the best`);
  });

  test("with the steps between costs less and harms more from point to point, and no jump is left", () => {
    fc.assert(
      fc.property(groups, tables, (each, table) => {
        const cost = byTable(each.length, table, Number.POSITIVE_INFINITY);
        const path = widthPath(each, [cost]);
        const steps = withStepsBetween(path, each, [cost]);
        assert.ok(path.every((point) => steps.includes(point)));
        for (const [i, { kept, harm, costs }] of steps.entries()) {
          assert.equal(costs[0], costOf(cost, kept));
          const sum = kept.reduce((all, width, g) => all + each[g]!.find((o) => o.width === width)!.harm, 0);
          assert.equal(harm, sum);
          if (i > 0) assert.ok(costs[0]! <= steps[i - 1]!.costs[0]! && harm >= steps[i - 1]!.harm);
        }
      }),
    );
    const wide: GroupOptions = [
      { width: 4, harm: 0 },
      { width: 3, harm: 2 },
      { width: 2, harm: 3 },
      { width: 1, harm: 3 },
    ];
    const cost = byTable(1, [[0, 1, 2, 3, 4]], 0);
    const path = widthPath([wide], [cost]);
    assert.deepEqual(
      path.map(({ kept }) => kept[0]),
      [4, 1],
    );
    assert.deepEqual(
      withStepsBetween(path, [wide], [cost]).map(({ kept }) => kept[0]),
      [4, 3, 2, 1],
    );
  });

  test("goes by what is still above its limit, and by all once nothing is", () => {
    const each: GroupOptions[] = [0, 1].map(() => [
      { width: 2, harm: 0 },
      { width: 1, harm: 1 },
    ]);
    // The first group is all of the time, the second all of the bytes.
    const alone = (group: number, limit: number): LimitedCost => ({
      fixed: 0,
      limit,
      terms: [{ groups: [group], at: (kept) => kept[group]! }],
    });
    const order = (time: number, bytes: number) =>
      widthPath(each, [alone(0, time), alone(1, bytes)]).map(({ kept }) => kept.join());
    assert.deepEqual(order(1, 2), ["2,2", "1,2", "1,1"]);
    assert.deepEqual(order(2, 1), ["2,2", "2,1", "1,1"]);
  });
});

describe("the first point within a limit by measure", () => {
  const falling = fc
    .array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 })
    .map((steps) => steps.map((_, i) => steps.slice(i).reduce((sum, each) => sum + each, 0)));

  test("is found, to the slack, where predictions are off by a factor and a bend", async () => {
    await fc.assert(
      fc.asyncProperty(
        falling,
        fc.double({ min: 0.2, max: 5, noNaN: true }),
        fc.double({ min: 0.8, max: 1.25, noNaN: true }),
        fc.double({ min: 0.02, max: 1.2, noNaN: true }),
        async (predicted, factor, bend, part) => {
          const real = predicted.map((each) => factor * each ** bend);
          const limit = part * real[0]!;
          const seen: number[] = [];
          const measure = async (at: number) => {
            assert.ok(!seen.includes(at), "nothing is measured twice");
            seen.push(at);
            return real[at]!;
          };
          const found = await firstWithin(predicted, limit, measure, { rounds: 60, slack: 0.03 });
          const first = real.findIndex((each) => each <= limit);
          if (first < 0) return assert.equal(found, null);
          assert.ok(found!.measured <= limit);
          assert.ok(found!.at === first || found!.measured >= 0.97 * limit, `${found!.at}, not ${first}`);
          const few = await firstWithin(predicted, limit, async (at) => real[at]!, {
            rounds: 3,
            slack: 0.03,
          });
          assert.ok(few!.measured <= limit);
        },
      ),
    );
  });

  test("is found in twice as many measures as halving takes, where predictions say next to nothing", async () => {
    await fc.assert(
      fc.asyncProperty(falling, fc.double({ min: 0.02, max: 1.2, noNaN: true }), async (real, part) => {
        const predicted = real.map((_, i) => 1 - i / 1e6);
        const limit = part * real[0]!;
        const rounds = 2 * Math.ceil(Math.log2(real.length + 1)) + 1;
        const found = await firstWithin(predicted, limit, async (at) => real[at]!, { rounds, slack: 0.03 });
        const first = real.findIndex((each) => each <= limit);
        if (first < 0) return assert.equal(found, null);
        assert.ok(found!.measured <= limit);
        assert.ok(found!.at === first || found!.measured >= 0.97 * limit, `${found!.at}, not ${first}`);
      }),
    );
  });
});

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
