/** Equalisation changes weights, never the function. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cloneModel, type Model, Tensor, type Value } from "@cupel/onnx";
import { float32Of } from "@cupel/runtime";
import { equaliseLayers } from "../src/equalise/equalise-layers.ts";
import { weightedLayers, weightRows } from "../src/layer.ts";
import { Network } from "./support/network.ts";
import { assertSameFunction, feed, largestDifference, run } from "./support/run.ts";

/** Makes the channels of a Conv's output very unequal. */
function unequal(net: Network, conv: Value): Value {
  const weight = conv.producer!.input(1)!;
  const { dims } = weight.constant!;
  const perRow = weight.constant!.size / dims[0]!;
  const values = weight.constant!.toFloat32().map((w, i) => w * 4 ** ((Math.floor(i / perRow) % 5) - 2));
  net.model.graph.setConstant(weight, Tensor.float32(dims, values));
  return conv;
}

async function equalised(model: Model, channels = 3): Promise<{ model: Model; modified: boolean }> {
  const copy = cloneModel(model);
  const modified = equaliseLayers(copy.graph).pairs > 0;
  await assertSameFunction(model, copy, feed([2, channels, 8, 8]));
  return { model: copy, modified };
}

/** Largest weight by output channel. */
function ranges(model: Model, at: number): number[] {
  const layer = weightedLayers(model.graph)[at]!;
  const rows = weightRows(layer);
  return Array.from({ length: layer.rows }, (_, row) =>
    Math.max(...rows.subarray(row * layer.columns, (row + 1) * layer.columns).map(Math.abs)),
  );
}

/** Largest weight by input channel of an ungrouped layer with `kernel` weights each. */
function readRanges(model: Model, at: number): number[] {
  const layer = weightedLayers(model.graph)[at]!;
  const rows = weightRows(layer);
  const found = new Array(layer.columns / layer.kernelSize).fill(0);
  rows.forEach((w, i) => {
    const channel = Math.floor((i % layer.columns) / layer.kernelSize);
    found[channel] = Math.max(found[channel], Math.abs(w));
  });
  return found;
}

test("a channel has the same range on both sides: the geometric mean of their ranges", async () => {
  const net = new Network();
  const first = net.relu(unequal(net, net.conv("first", net.x, 3, 10)));
  const before = net.done(net.conv("second", first, 10, 4));
  const { model: after } = await equalised(before);
  const [own, next] = [ranges(before, 0), readRanges(before, 1)];
  const [ownAfter, nextAfter] = [ranges(after, 0), readRanges(after, 1)];
  for (let c = 0; c < 10; c++) {
    const expected = Math.sqrt(own[c]! * next[c]!);
    assert.ok(Math.abs(ownAfter[c]! / expected - 1) < 1e-3, `${ownAfter[c]} for ${expected}`);
    assert.ok(Math.abs(nextAfter[c]! / expected - 1) < 1e-3, `${nextAfter[c]! / expected} is not 1`);
  }
});

for (const [name, group] of [
  ["depthwise", 8],
  ["grouped", 2],
] as const) {
  test(`a ${name} layer is equalised with both its neighbours`, async () => {
    const net = new Network();
    const first = net.relu(unequal(net, net.conv("first", net.x, 3, 8)));
    const middle = net.relu(unequal(net, net.conv("middle", first, 8, 8, { group })));
    const before = net.done(net.conv("last", middle, 8, 4));
    const { model: after, modified } = await equalised(before);
    assert.ok(modified);
    const spread = (values: number[]) => Math.max(...values) / Math.min(...values);
    assert.ok(spread(ranges(after, 0)) < spread(ranges(before, 0)) / 3);
  });
}

for (const [name, between] of Object.entries<(net: Network, y: Value) => Value[]>({
  "a Clip stands between": (net, y) => [
    net.node("Clip", "clip", [y, net.scalar("low", 0), net.scalar("high", 1)]),
  ],
  "two nodes read the value": (net, y) => [net.node("Relu", "r", [y]), net.node("Sigmoid", "s", [y])],
  "the value is an output": (_, y) => [y, y],
  "a Sigmoid stands between": (net, y) => [net.node("Sigmoid", "s", [y])],
})) {
  test(`layers stay as they are when ${name}`, async () => {
    const net = new Network();
    const [value, ...others] = between(net, unequal(net, net.conv("first", net.x, 3, 8)));
    const model = net.done(net.conv("second", value!, 8, 4), ...others);
    assert.equal((await equalised(model)).modified, false);
  });
}

test("a channel without weights is left alone", async () => {
  const net = new Network();
  const conv = net.conv("first", net.x, 3, 4);
  const weight = conv.producer!.input(1)!;
  const values = weight.constant!.toFloat32().slice().fill(0, 0, 27);
  net.model.graph.setConstant(weight, Tensor.float32(weight.constant!.dims, values));
  const { model } = await equalised(net.done(net.conv("second", net.relu(conv), 4, 4)));
  assert.ok(ranges(model, 1).every(Number.isFinite));
});

test("the factors it reports bring every value in between back to what it was", async () => {
  const net = new Network();
  const first = net.relu(unequal(net, net.conv("first", net.x, 3, 8)));
  const second = net.relu(unequal(net, net.conv("second", first, 8, 6)));
  const model = net.done(net.conv("third", second, 6, 4));
  const copy = cloneModel(model);
  const { factors } = equaliseLayers(copy.graph);
  const taps = ["first", "first.relu", "second", "second.relu"];
  const [before, after] = [
    await run(model, feed([1, 3, 8, 8]), { taps }),
    await run(copy, feed([1, 3, 8, 8]), { taps }),
  ];
  for (const tap of taps) {
    const restored = float32Of(after[tap]!).map((x, i) => x * factors.get(tap)![Math.floor(i / 64)]!);
    assert.ok(largestDifference(float32Of(before[tap]!), restored) < 1e-4, tap);
  }
});

/** Two branches and the image itself, joined and read by a layer; `behind` stands between. */
function joined(axis: number, behind: (net: Network, y: Value) => readonly Value[]): Model {
  const net = new Network();
  const first = net.relu(unequal(net, net.conv("first", net.x, 3, 10)));
  const second = unequal(net, net.conv("second", net.x, 3, 5));
  const both = net.node("Concat", "both", [first, net.x, second], { axis });
  const [value, ...others] = behind(net, both);
  return net.done(net.conv("last", value!, axis === 1 ? 18 : 10, 4), ...others);
}

for (const [name, behind] of Object.entries<(net: Network, y: Value) => Value[]>({
  "a Concat": (_, y) => [y],
  "a Concat, a LeakyRelu and a MaxPool": (net, y) => [
    net.node("MaxPool", "pool", [net.node("LeakyRelu", "leaky", [y])], { kernel_shape: [2, 2] }),
  ],
  "a Concat that two layers read": (net, y) => [y, net.conv("other", y, 18, 2)],
})) {
  test(`branches are equalised through ${name}, each with its slice of the next layer`, async () => {
    const before = joined(1, behind);
    const { model: after, modified } = await equalised(before);
    assert.ok(modified);
    const last = weightedLayers(after.graph).findIndex(({ node }) => node.output.name === "last");
    const [own, next] = [ranges(after, 0), readRanges(after, last)];
    const spread = (values: number[]) => Math.max(...values) / Math.min(...values);
    assert.ok(spread(own) < spread(ranges(before, 0)) / 3);
    assert.ok(spread(ranges(after, 1)) < spread(ranges(before, 1)) / 3);
    // The image's channels stand between the branches, and keep their weights.
    assert.deepEqual(next.slice(10, 13), readRanges(before, last).slice(10, 13));
  });
}

test("behind a Concat each channel has the geometric mean of its ranges, in its own slice", async () => {
  const before = joined(1, (_, y) => [y]);
  const { model: after } = await equalised(before);
  for (const [layer, from, count] of [
    [0, 0, 10],
    [1, 13, 5],
  ] as const) {
    const own = ranges(before, layer);
    const next = readRanges(before, 2).slice(from, from + count);
    const found = [ranges(after, layer), readRanges(after, 2).slice(from, from + count)];
    for (let c = 0; c < count; c++) {
      const expected = Math.sqrt(own[c]! * next[c]!);
      for (const each of found)
        assert.ok(Math.abs(each[c]! / expected - 1) < 1e-3, `${each[c]}: ${expected}`);
    }
  }
});

for (const [name, behind] of Object.entries<(net: Network, y: Value) => Value[]>({
  "behind the Concat a Sigmoid reads them as well": (net, y) => [y, net.node("Sigmoid", "s", [y])],
  "the Concat is an output": (_, y) => [y, y],
})) {
  test(`branches stay as they are when ${name}`, async () => {
    assert.equal((await equalised(joined(1, behind))).modified, false);
  });
}

test("branches that are joined along another axis stay as they are", async () => {
  const net = new Network();
  const [a, b] = [net.conv("first", net.x, 3, 4), net.conv("second", net.x, 3, 4)];
  const both = net.node("Concat", "both", [unequal(net, a), unequal(net, b)], { axis: 2 });
  assert.equal((await equalised(net.done(net.conv("last", both, 4, 4)))).modified, false);
});

test("a dense layer that reads another axis of a map is no next layer", async () => {
  const net = new Network();
  const conv = unequal(net, net.conv("first", net.x, 3, 8));
  const dense = net.node("MatMul", "dense", [conv, net.constant("dense.weight", [8, 4])]);
  assert.equal((await equalised(net.done(dense))).modified, false);
});

test("the factors of a joined value are those of its branches, and 1 beside", async () => {
  const model = joined(1, (_, y) => [y]);
  const copy = cloneModel(model);
  const { factors } = equaliseLayers(copy.graph);
  const taps = ["both", "first", "second"];
  const [before, after] = [
    await run(model, feed([1, 3, 8, 8]), { taps }),
    await run(copy, feed([1, 3, 8, 8]), { taps }),
  ];
  assert.equal(factors.get("both")!.length, 18);
  for (const tap of taps) {
    const restored = float32Of(after[tap]!).map((x, i) => x * factors.get(tap)![Math.floor(i / 64)]!);
    assert.ok(largestDifference(float32Of(before[tap]!), restored) < 1e-4, tap);
  }
});
