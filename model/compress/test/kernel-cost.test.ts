/** Kernels that are slower on integers stay in float, and so does a network that is slower as a whole. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeModel, type Model, type Shape, type Value } from "@cupel/onnx";
import { fusionReport } from "@cupel/runtime";
import { placeQuantisers } from "../src/emit/placement.ts";
import { compress, parseRecipe } from "../src/index.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";
import { feed, outputs, sqnr } from "./support/run.ts";

const size = 40;

/** Conv to `width` channels, the body, two Convs and a dense layer. */
function network(
  width: number,
  body: (net: Network, y: Value) => Value,
  shape: Shape = ["N", 3, size, size],
) {
  const net = new Network(shape);
  const y = body(net, net.relu(net.conv("first", net.x, 3, width)));
  const middle = net.relu(net.conv("middle", y, width, width));
  return net.done(net.head(net.relu(net.conv("last", middle, width, width)), width));
}

/** Each kernel loses less than its conversions would cost, and all of them more than the two at the ends. */
function separable(shape?: Shape): Model {
  const net = new Network(shape ?? ["N", 3, size, size]);
  let y = net.relu(net.conv("first", net.x, 3, 32));
  for (const block of ["one", "two"]) {
    y = net.relu(net.conv(`${block}.depthwise`, y, 32, 32, { group: 32 }));
    y = net.relu(net.conv(`${block}.pointwise`, y, 32, 32, { kernel: 1 }));
  }
  return net.done(net.head(y, 32));
}

const onIntegers = (model: Model) => placeQuantisers(model.graph).integer;

async function compressed(model: Model, quantise: object = {}) {
  const stages = [{ stage: "clean" }, { stage: "calibrate" }, { stage: "quantise", ...quantise }];
  return await compress(model, {
    images: noiseImages(4, { size }),
    preprocessing: plain(size),
    recipe: parseRecipe({ stages }, "the recipe"),
    threads: 1,
  });
}

async function operatorsOf(model: Model): Promise<Set<string>> {
  const { operators } = await fusionReport(encodeModel(model));
  return new Set(operators.map(({ opType }) => opType.split(".").at(-1)!));
}

const depthwise = (channels: number) => (net: Network, y: Value) =>
  net.relu(net.conv("depthwise", y, channels, channels, { group: channels }));
const grouped = (channels: number, perGroup: number) => (net: Network, y: Value) =>
  net.relu(net.conv("grouped", y, channels, channels, { group: channels / perGroup }));
const averagePool = (net: Network, y: Value) =>
  net.node("AveragePool", "mean", [y], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });

describe("where a kernel on integers is slower", () => {
  test("a depthwise Conv of few channels is left in float, one of many is not", () => {
    assert.equal(onIntegers(network(8, depthwise(8))).has("depthwise"), false);
    assert.ok(onIntegers(network(128, depthwise(128))).has("depthwise"));
  });

  test("a Conv in groups of a few channels is left in float, one in groups of many is not", () => {
    assert.equal(onIntegers(network(64, grouped(64, 8))).has("grouped"), false);
    assert.ok(onIntegers(network(128, grouped(128, 64))).has("grouped"));
  });

  test("nothing is decided on an image so small that the time of a call counts for more", () => {
    assert.ok(onIntegers(network(8, depthwise(8), ["N", 3, 8, 8])).has("depthwise"));
  });

  test("an AveragePool is kept from the engine's 8-bit kernel; the Convs around it run on integers", async () => {
    const model = network(32, averagePool);
    const { model: small } = await compressed(model);
    const found = await operatorsOf(small);
    assert.ok(found.has("AveragePool") && !found.has("QLinearAveragePool"), [...found].join());
    assert.ok(found.has("QLinearConv"));
    const image = feed([1, 3, size, size]);
    const [float, rounded] = [await outputs(model, image), await outputs(small, image)];
    assert.ok(sqnr(float[0]!, rounded[0]!) > 25, `${sqnr(float[0]!, rounded[0]!)} dB`);
  });
});

describe("a network that is slower on integers as a whole", () => {
  test("runs in float with 8-bit weights at rest, and says which operator costs most", async () => {
    const model = separable();
    const { model: small, notes } = await compressed(model);
    const note = notes.find((each) => each.includes("slower than in float"));
    assert.match(note ?? notes.join(), /: (Conv|QuantizeLinear) costs most/);
    const found = await operatorsOf(small);
    assert.ok(!found.has("QuantizeLinear") && !found.has("QLinearConv"), [...found].join());
    const weights = [...small.graph.initializers].filter(({ constant }) => constant!.size > 32);
    assert.deepEqual(new Set(weights.map(({ constant }) => constant!.type)), new Set(["int8"]));
    const image = feed([1, 3, size, size]);
    const [float, rounded] = [await outputs(model, image), await outputs(small, image)];
    // Weights of 8 bits a channel only: six bits of noise less than with rounded activations.
    assert.ok(sqnr(float[0]!, rounded[0]!) > 38, `${sqnr(float[0]!, rounded[0]!)} dB`);
  });

  test("is put on integers where the recipe asks for it", async () => {
    const { model: small, notes } = await compressed(
      network(8, (_, y) => y),
      { kernels: "wherever-possible" },
    );
    assert.ok((await operatorsOf(small)).has("QLinearConv"), notes.join());
  });

  test("is told by the size of the images where the model leaves that open", async () => {
    const { notes } = await compressed(separable(["N", 3, "height", "width"]));
    assert.ok(
      notes.some((note) => note.includes("slower than in float")),
      notes.join(),
    );
  });

  test("a wide one is not", async () => {
    const { notes } = await compressed(network(32, (_, y) => y));
    assert.equal(
      notes.find((note) => note.includes("slower than in float")),
      undefined,
    );
  });
});
