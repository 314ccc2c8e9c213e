/** Learned rounding against brute force, against formulas, and against the outputs of whole networks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import { encodeModelBytes, type Model } from "@cupel/onnx";
import { evaluate } from "@cupel/predict";
import { stratifiedOrder, subset } from "@cupel/vision";
import { type CompressOptions, compress, type Recipe } from "../src/index.ts";
import { biasOf, layerOf, weightedLayers, weightRows } from "../src/layer.ts";
import { openBlockStep } from "../src/rounding/block-step.ts";
import { blocksOf } from "../src/rounding/blocks.ts";
import type { InputMoments } from "../src/rounding/input-moments.ts";
import { learnedWeights, rowFactors } from "../src/rounding/learned-weights.ts";
import { errorOfCodes, type RowGrid, roundRow } from "../src/rounding/round-row.ts";
import { SoftCodes } from "../src/rounding/soft-codes.ts";
import { solved, triangularFactor } from "../src/rounding/triangular-factor.ts";
import { mostPairSum } from "../src/weights/pair-safe-levels.ts";
import { quantiseWeights } from "../src/weights/quantise-weights.ts";
import { dequantise } from "../src/weights/quantised-weights.ts";
import { RoundingLevels } from "../src/weights/rounding-levels.ts";
import { options, pixels, quantise } from "./support/compressing.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { outputs, sqnr } from "./support/run.ts";

/** E[x x^T] of inputs that resemble each other, [size, size]. */
function resembling(size: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const products = new Float64Array(size * size);
  for (let n = 0; n < 4 * size; n++) {
    const common = random.normal();
    const x = Array.from({ length: size }, () => common + 0.5 * random.normal());
    for (let i = 0; i < size; i++)
      for (let k = 0; k < size; k++) products[i * size + k]! += (x[i]! * x[k]!) / (4 * size);
  }
  return products;
}

function gridOf(levels: readonly number[], size: number): RowGrid {
  const rounding = new RoundingLevels(Int8Array.from(levels));
  return { rounding, steps: new Float64Array(size).fill(0.1), lowest: 0, highest: levels.length - 1 };
}

/** e^T (H + what was added) e by its definition. */
function errorBy(
  products: Float64Array,
  added: number,
  row: Float32Array,
  rounded: readonly number[],
): number {
  const e = Array.from(row, (w, k) => w - rounded[k]!);
  return e.reduce(
    (sum, a, i) =>
      sum +
      e.reduce((inner, b, k) => inner + a * b * (products[i * e.length + k]! + (i === k ? added : 0)), 0),
    0,
  );
}

const weights = (size: number, seed: number): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: size }, () => 0.15 * random.normal());
};

for (const [name, levels] of [
  ["uniform", [-2, -1, 0, 1]],
  ["fitted", [-4, -1, 1, 3]],
] as const) {
  test(`short rows get the best of all codes, long ones better ones than the nearest: ${name} levels`, () => {
    const size = 6;
    let [nearestSum, greedySum, bestSum] = [0, 0, 0];
    for (let seed = 1; seed <= 30; seed++) {
      const products = resembling(size, seed);
      const factor = triangularFactor(products, null, size);
      const row = weights(size, 100 + seed);
      const grid = gridOf(levels, size);
      const valuesOf = (codes: readonly number[]) => codes.map((code) => 0.1 * levels[code]!);
      let best = Number.POSITIVE_INFINITY;
      for (let n = 0; n < 4 ** size; n++) {
        const codes = Array.from({ length: size }, (_, k) => Math.floor(n / 4 ** k) % 4);
        best = Math.min(best, errorBy(products, factor.added, row, valuesOf(codes)));
      }
      const found = roundRow(row, grid, factor);
      const own = errorBy(products, factor.added, row, valuesOf([...found.codes]));
      assert.ok(Math.abs(own - found.error) < 1e-9, `${found.error} is told for ${own}`);
      assert.ok(Math.abs(own - best) < 1e-9, `${own} for ${best} at best`);
      // As a long row is rounded: the same twice, one behind the other, without a search.
      const twice = triangularFactor(twiceDiagonally(products, size, 3), null, size * 3);
      const long = Float32Array.from({ length: size * 3 }, (_, k) => row[k % size]!);
      greedySum += roundRow(long, gridOf(levels, size * 3), twice).error / 3;
      const nearest = Uint8Array.from(row, (w) => grid.rounding.codeOf(w / 0.1));
      nearestSum += errorOfCodes(row, nearest, grid, factor);
      bestSum += best;
    }
    assert.ok(greedySum < 0.7 * nearestSum, `${greedySum} for ${nearestSum} of the nearest`);
    assert.ok(greedySum < 2 * bestSum, `${greedySum} for ${bestSum} at best`);
  });
}

function twiceDiagonally(products: Float64Array, size: number, times: number): Float64Array {
  const all = new Float64Array((size * times) ** 2);
  for (let t = 0; t < times; t++)
    for (let i = 0; i < size; i++)
      for (let k = 0; k < size; k++)
        all[(t * size + i) * size * times + t * size + k] = products[i * size + k]!;
  return all;
}

test("inputs that do not resemble each other leave every weight at its nearest level", () => {
  const size = 40;
  const identity = Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 3 : 0));
  const grid = gridOf([-7, -3, -1, 0, 2, 5], size);
  for (const length of [size, 12]) {
    const row = weights(length, length);
    const products =
      length === size ? identity : identity.filter((_, i) => i % size < length && i < size * length);
    const found = roundRow(
      row,
      gridOf([-7, -3, -1, 0, 2, 5], length),
      triangularFactor(products, null, length),
    );
    assert.deepEqual(
      [...found.codes],
      Array.from(row, (w) => grid.rounding.codeOf(w / 0.1)),
    );
  }
});

test("the factor solves: (H + what was added) x is b again", () => {
  for (const size of [1, 2, 7, 30]) {
    const products = resembling(size, size);
    const factor = triangularFactor(products, null, size);
    const b = Float64Array.from(weights(size, 9));
    const x = solved(factor, b);
    for (let i = 0; i < size; i++) {
      let sum = factor.added * x[i]!;
      for (let k = 0; k < size; k++) sum += products[i * size + k]! * x[k]!;
      assert.ok(Math.abs(sum - b[i]!) < 1e-9, `${sum} is not ${b[i]}`);
    }
  }
});

test("moments that are none, of inputs that are always zero, can be decomposed", () => {
  const { added, diagonal } = triangularFactor(new Float64Array(9), null, 3);
  assert.ok(added > 0 && diagonal.every((x) => x > 0));
  // Rank one, and what the mean takes out is all of it.
  const ones = new Float64Array(9).fill(1);
  assert.ok(triangularFactor(ones, Float64Array.of(1, 1, 1), 3).diagonal.every((x) => x > 0));
});

test("8-bit rows keep to what a pair of products may add up to", async () => {
  const [rows, columns] = [12, 24];
  const net = new Network(["N", columns, 4, 4]);
  const layer = layerOf([...net.done(net.conv("c", net.x, columns, rows, { kernel: 1 })).graph.nodes][0]!)!;
  const original = weights(rows * columns, 4);
  const nearest = quantiseWeights(
    {
      weights: original,
      rows,
      columns,
      importanceOf: () => new Float32Array(columns).fill(1),
      leastScaleOf: () => 0,
    },
    { bits: 8, levels: "uniform", granularity: "channel", blockSize: null, maxLevel: 63 },
  );
  const products = [resembling(columns, 8)];
  const moments: InputMoments = { columns, products, means: [new Float64Array(columns)], float: null };
  const learned = await learnedWeights(layer, original, nearest, rowFactors(layer, moments, false), {
    ownScales: true,
    leastScaleOf: () => 0,
    maxLevel: 63,
  });
  assert.ok(learned.noise < learned.nearestNoise);
  for (let row = 0; row < rows; row++) {
    const levels = Array.from(
      learned.weights.codes.subarray(row * columns, (row + 1) * columns),
      (code) => code - 127,
    );
    const sorted = levels.toSorted((a, b) => a - b);
    assert.ok(
      sorted.at(-1)! + sorted.at(-2)! <= mostPairSum && -sorted[0]! - sorted[1]! <= mostPairSum,
      `${sorted}`,
    );
  }
});

test("the mean of each output stays, whatever the layers before have left in theirs", async () => {
  const model = smallClassifier();
  const images = noiseImages(96);
  const recipe = quantise({ bits: 3, rounding: "gptq" }, { method: "min-max" });
  const meansOf = async (each: Model) => {
    const { scores } = await evaluate([encodeModelBytes(each)], images, plain(), { threads: 1 });
    return Array.from({ length: 4 }, (_, c) =>
      scores.reduce((sum, x, i) => sum + (i % 4 === c ? x / 96 : 0), 0),
    );
  };
  const float = await meansOf(model);
  const off = async (by: Recipe) => {
    const { model: small } = await compress(model, options({ images, recipe: by }));
    return Math.max(...(await meansOf(small)).map((x, c) => Math.abs(x - float[c]!)));
  };
  const nearest = await off(quantise({ bits: 3 }, { method: "min-max" }));
  const found = await off(recipe);
  assert.ok(found < 0.01 && found < nearest / 2, `${found}, and ${nearest} rounded to the nearest`);
});

test("blocks lie between values that all later ones follow from", () => {
  const net = new Network(["N", 3, 8, 8]);
  const stem = net.relu(net.conv("stem", net.x, 3, 4));
  const inner = net.conv("b", net.relu(net.conv("a", stem, 4, 4)), 4, 4);
  const sum = net.relu(net.node("Add", "sum", [inner, net.conv("beside", stem, 4, 4, { kernel: 1 })]));
  const model = net.done(net.head(sum, 4));
  const found = blocksOf(model.graph, weightedLayers(model.graph));
  assert.deepEqual(
    found.map(({ from, to, layers }) => [from.name, to.name, layers.map(({ node }) => node.name)]),
    [
      ["x", "stem.relu", ["stem"]],
      // Pooling has no weights to round: it belongs to what is before it.
      ["stem.relu", "flat", ["a", "b", "beside"]],
      ["flat", "scores", ["scores"]],
    ],
  );
});

test("a block pulls at its weights as differences of its loss say", async () => {
  const net = new Network(["N", 3, 8, 8]);
  const model = net.done(net.head(net.relu(net.conv("c", net.x, 3, 4, { group: 1 })), 4));
  const layers = weightedLayers(model.graph);
  const [from, to] = [net.x, model.graph.outputs[0]!];
  await using step = await openBlockStep(model, { from, to, layers }, 2, [3, 8, 8], 1);
  const batch = { input: weights(2 * 192, 3), wanted: weights(8, 4) };
  const at = new Map(
    layers.map((layer) => [layer.weight.name, { weights: weightRows(layer), bias: biasOf(layer) }] as const),
  );
  const gradients = await step.gradients(batch, at);
  const moved = async (name: string, key: "weights" | "bias", index: number, by: number) => {
    const own = at.get(name)!;
    const changed = { ...own, [key]: own[key].map((x, i) => (i === index ? x + by : x)) };
    return await step.loss(batch, new Map([...at, [name, changed]]));
  };
  for (const [name, key, index] of [
    ["c.weight", "weights", 17],
    ["c.weight", "bias", 2],
    ["scores.weight", "weights", 6],
  ] as const) {
    const slope = ((await moved(name, key, index, 0.01)) - (await moved(name, key, index, -0.01))) / 0.02;
    const found = gradients.get(name)![key]![index]!;
    assert.ok(
      Math.abs(found - slope) < 0.01 * Math.abs(slope) + 1e-5,
      `${name} ${key}: ${found} for ${slope}`,
    );
  }
});

test("shares of the way to the next level end at one of the two, where the loss wants them", () => {
  // The loss is the sum of the weights times a sign each: half want to be large, half small.
  const size = 64;
  const signs = Float32Array.from({ length: size }, (_, i) => (i % 2 === 0 ? 1 : -1));
  const start = quantiseWeights(
    {
      weights: weights(size, 2),
      rows: 4,
      columns: 16,
      importanceOf: () => new Float32Array(16).fill(1),
      leastScaleOf: () => 0,
    },
    { bits: 3, levels: "uniform", granularity: "channel", blockSize: null, maxLevel: 127 },
  );
  const soft = new SoftCodes(start, weights(size, 2));
  for (let n = 0; n < 300; n++) soft.step(signs, 0.05, 1, 4);
  const [ended, rounded] = [soft.weights(), dequantise(soft.rounded())];
  for (let i = 0; i < size; i++)
    assert.ok(Math.abs(ended[i]! - rounded[i]!) < 1e-6, `${ended[i]} is no level`);
  const { codes } = soft.rounded();
  for (const [i, code] of codes.entries()) {
    const own = start.codes[i]!;
    assert.ok(signs[i]! > 0 ? code <= own : code >= own, `weight ${i} went from ${own} to ${code}`);
    assert.ok(Math.abs(code - own) <= 1);
  }
});

test("auto takes what is better on images kept apart, tells of each block, and says the same again", async () => {
  const model = smallClassifier();
  const recipe = quantise({ bits: 2, rounding: "auto", roundingSteps: 40 });
  const once = async (seed: number) =>
    await compress(model, options({ images: noiseImages(48), recipe, seed }));
  const [a, b] = [await once(1), await once(1)];
  assert.deepEqual(encodeModelBytes(a.model), encodeModelBytes(b.model));
  const trained = a.rounding.filter(({ block }) => block !== null);
  assert.ok(trained.length > 0);
  for (const { method, block } of trained)
    assert.equal(method, block!.reconstruct < block!.gptq ? "reconstruct" : "gptq");
});

test("one image is enough to round by, and too few to train a block", async () => {
  const recipe = quantise({ bits: 4, rounding: "auto", roundingSteps: 2 });
  const { rounding, notes } = await compress(smallClassifier(), options({ images: noiseImages(1), recipe }));
  assert.deepEqual(
    rounding.map(({ method, block }) => [method, block]),
    rounding.map(() => ["gptq", null]),
  );
  assert.ok(
    rounding.length === 4 && notes.some((note) => /^Rounded by gptq alone, .*: first/.test(note)),
    `${notes}`,
  );
});

test("a search for bits leaves what rounding makes of the plan that it chose", async () => {
  const images = noiseImages(30);
  const model = smallClassifier(1, 64);
  const by = async (changes: Partial<CompressOptions>) =>
    await compress(model, options({ ...changes, seed: 1 }));
  const whole = encodeModelBytes((await by({})).model).byteLength;
  const target = { maxBytes: whole - 1500 };
  const recipe = quantise({ bits: "mixed", rounding: "gptq", heldOut: 10 }, {}, target);
  const searched = await by({ images, recipe });
  const bits = searched.layers.map((layer) => [layer.name, layer.bits] as const);
  assert.ok(new Set(bits.map(([, each]) => each)).size > 1, `${bits}`);
  // Images that calibrate beside ten that are held out.
  const order = stratifiedOrder(images, 1).slice(10);
  const given = await by({
    images: subset(
      images,
      order.sort((a, b) => a - b),
    ),
    recipe: quantise({ bits: 8, rounding: "gptq", overrides: Object.fromEntries(bits) }),
  });
  assert.deepEqual(searched.rounding, given.rounding);
  assert.deepEqual(encodeModelBytes(searched.model), encodeModelBytes(given.model));
});

for (const bits of [4, 3] as const) {
  test(`${bits} bits rounded by moments are closer to the original than rounded to the nearest`, async () => {
    const model = smallClassifier();
    const [float] = await outputs(model, pixels());
    const by = async (rounding: string) => {
      const result = await compress(
        model,
        options({ images: noiseImages(96), recipe: quantise({ bits, rounding }) }),
      );
      return { ...result, ratio: sqnr(float!, (await outputs(result.model, pixels()))[0]!) };
    };
    const [nearest, gptq] = [await by("nearest"), await by("gptq")];
    assert.ok(gptq.ratio > nearest.ratio + 1, `${gptq.ratio} dB for ${nearest.ratio}`);
  });
}
