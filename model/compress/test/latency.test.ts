/** Times of layers by width: the shapes of a model, the grid, the table and what it predicts. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeModelBytes, inferShapes, macsOf } from "@cupel/onnx";
import { optimisedGraph } from "@cupel/runtime";
import { engineTimer } from "../src/latency/engine-timer.ts";
import { openTable, parseLatencyTable } from "../src/latency/latency-table.ts";
import { layerModel } from "../src/latency/layer-model.ts";
import { elementsIn, type LayerShape, layersIn } from "../src/latency/layer-shape.ts";
import { gridOf, measureTable } from "../src/latency/measure-table.ts";
import { predictLatency } from "../src/latency/predict-latency.ts";
import { plain } from "./support/images.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { refused } from "./support/refused.ts";

const preprocessing = plain();

/** Two plain layers and a dense one, 32 channels wide or as given. */
function network(width = 32, last = 64) {
  const net = new Network();
  const first = net.relu(net.conv("first", net.x, 3, width));
  const second = net.relu(net.conv("second", first, width, last, { stride: 2 }));
  return net.done(net.head(second, last));
}

/** Milliseconds after the formula of a dense layer: what interpolation follows exactly. */
const formula = ({ inputs, outputs, kernel }: LayerShape): number =>
  (3 + 0.25 * inputs * outputs + 2 * inputs + 5 * outputs) * (kernel[0] ?? 1);

const fake = () => {
  const timed: LayerShape[] = [];
  return {
    timed,
    timer: async (shapes: readonly LayerShape[]) => {
      timed.push(...shapes);
      return shapes.map(formula);
    },
    timeWhole: async () => 1e6,
  };
};

test("the layers of a model have the sizes that decide their time, and the rest is counted in elements", () => {
  const found = layersIn(smallClassifier(), preprocessing, new Set(["first"]));
  const { layers } = found;
  const shared = { operator: "Conv", strides: [1, 1], dilations: [1, 1], size: [8, 8] };
  assert.deepEqual(
    layers.map(({ name, shape }) => ({ name, ...shape })),
    [
      {
        name: "first",
        ...shared,
        form: "int8",
        inputs: 3,
        outputs: 8,
        groups: 1,
        kernel: [3, 3],
        pads: [1, 1, 1, 1],
      },
      {
        name: "depthwise",
        ...shared,
        form: "float32",
        inputs: 1,
        outputs: 8,
        groups: "each",
        kernel: [3, 3],
        pads: [1, 1, 1, 1],
      },
      {
        name: "last",
        ...shared,
        form: "float32",
        inputs: 8,
        outputs: 8,
        groups: 1,
        kernel: [1, 1],
        pads: [0, 0, 0, 0],
      },
      {
        name: "scores",
        operator: "Gemm",
        form: "float32",
        inputs: 8,
        outputs: 4,
        groups: 1,
        size: [],
        kernel: [],
        strides: [],
        dilations: [],
        pads: [],
      },
    ],
  );
  assert.deepEqual(
    layers.map(({ prunes }) => `${prunes.inputs} ${prunes.outputs}`),
    ["false true", "true true", "true true", "true false"],
  );
  // The sum and its activation, 8 x 8 x 8 each, the mean and its flattening.
  assert.equal(elementsIn(found), 512 + 512 + 8 + 8);
});

test("a grid has every pair of a curve's widths, in blocks, and leaves images and scores as wide as they are", () => {
  const { layers } = layersIn(network(32, 60), preprocessing);
  const widths = (kernel: string) => {
    const points = gridOf(layers).filter(({ kernel: k, strides }) => `${k}; ${strides}` === kernel);
    return [points.map(({ inputs }) => inputs), points.map(({ outputs }) => outputs)].map((each) => [
      ...new Set(each),
    ]);
  };
  assert.deepEqual(widths("3,3; 1,1"), [[3], [8, 16, 24, 32]]);
  // 15, 30 and 45 channels become whole blocks; the full width stays.
  assert.deepEqual(widths("3,3; 2,2"), [
    [8, 16, 24, 32],
    [16, 32, 48, 60],
  ]);
  assert.deepEqual(widths("; "), [[16, 32, 48, 60], [4]]);
  assert.equal(gridOf(layers).length, 4 + 16 + 4);
});

describe("a table", () => {
  test("predicts networks of other widths from what was measured of one, and its rest by the elements made", async () => {
    const { timer, timeWhole, timed } = fake();
    const table = await measureTable(network(), { preprocessing, timer, timeWhole });
    assert.equal(timed.length, 4 + 16 + 4);
    assert.equal(predictLatency(network(), table, { preprocessing }), 1e6, "the whole is what was measured");
    const whole = layersIn(network(), preprocessing);
    const sum = (layers: readonly { readonly shape: LayerShape }[]) =>
      layers.reduce((total, { shape }) => total + formula(shape), 0);
    const rest = 1e6 - sum(whole.layers);
    for (const [width, last] of [
      [16, 48],
      [20, 37],
      [31, 17],
      [6, 12],
    ] as const) {
      const pruned = network(width, last);
      const found = layersIn(pruned, preprocessing);
      const expected = sum(found.layers) + (rest * elementsIn(found)) / elementsIn(whole);
      const predicted = predictLatency(pruned, table, { preprocessing });
      assert.ok(
        Math.abs(predicted - expected) < 1e-6 * expected,
        `${width}, ${last}: ${predicted}, not ${expected}`,
      );
    }
  });

  test("says the same after a way through JSON, and is not measured again", async () => {
    const { timer, timeWhole } = fake();
    const table = await measureTable(network(), { preprocessing, timer, timeWhole });
    const read = parseLatencyTable(JSON.parse(JSON.stringify(table)), "table.json");
    assert.deepEqual(read, table);
    const fails = async () => assert.fail("everything is known");
    const again = await measureTable(network(), {
      preprocessing,
      latencyTable: read,
      timer: fails,
      timeWhole: fails,
    });
    assert.deepEqual(again, table);
  });

  test("given for another network is measured where it lacks something", async () => {
    const first = fake();
    const table = await measureTable(network(), { preprocessing, ...first });
    const second = fake();
    const more = await measureTable(network(32, 128), { preprocessing, latencyTable: table, ...second });
    assert.ok(second.timed.length > 0 && second.timed.every(({ outputs }) => outputs > 64 || outputs === 4));
    assert.ok(openTable(more)(layersIn(network(24, 96), preprocessing).layers[1]!.shape) !== null);
  });

  test("does not know other layers, and a document of another form is refused", async () => {
    const { timer, timeWhole } = fake();
    const table = await measureTable(network(), { preprocessing, timer, timeWhole });
    await refused(
      () => predictLatency(smallClassifier(), table, { preprocessing }),
      "LATENCY_UNKNOWN",
      /depthwise/,
    );
    const integer = new Set(["second"]);
    await refused(
      () => predictLatency(network(), table, { preprocessing, integer }),
      "LATENCY_UNKNOWN",
      /int8/,
    );
    for (const wrong of [
      null,
      {},
      { ...table, format: "cupel-latency/9" },
      { ...table, layers: [{ ms: -1 }] },
    ]) {
      await refused(() => parseLatencyTable(wrong, "table.json"), "LATENCY_TABLE_INVALID", /table\.json/);
    }
  });
});

describe("what is timed", () => {
  const conv: LayerShape = {
    operator: "Conv",
    form: "float32",
    inputs: 16,
    outputs: 24,
    groups: 1,
    size: [10, 10],
    kernel: [3, 3],
    strides: [1, 1],
    dilations: [1, 1],
    pads: [1, 1, 1, 1],
  };
  const shapes: readonly (readonly [string, LayerShape, string])[] = [
    ["a Conv in float32", conv, "Conv"],
    ["a Conv in 8 bits", { ...conv, form: "int8" }, "QLinearConv"],
    ["a depthwise Conv in 8 bits", { ...conv, form: "int8", inputs: 1, groups: "each" }, "QLinearConv"],
    ["a Conv in groups", { ...conv, inputs: 8, groups: 4 }, "Conv"],
    [
      "a dense layer in 8 bits",
      { ...conv, form: "int8", operator: "Gemm", size: [], kernel: [], strides: [], dilations: [], pads: [] },
      "QGemm",
    ],
  ];
  for (const [name, shape, kernel] of shapes) {
    test(`${name} runs on its kernel, as often as there are copies, and does the work that was asked for`, async () => {
      const model = layerModel(shape, 3);
      const optimised = await optimisedGraph([encodeModelBytes(model)]);
      const found = [...optimised.graph.nodes].filter(({ opType }) => opType === kernel);
      assert.equal(found.length, 3, [...optimised.graph.nodes].map(({ opType }) => opType).join());
      const [node] = [...model.graph.nodes].filter(({ opType }) => opType === shape.operator);
      inferShapes(model);
      const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
      const work = product([...shape.size, ...shape.kernel, shape.outputs, shape.inputs]);
      assert.equal(
        macsOf(node!, (value) => value?.shape ?? null),
        work,
      );
    });
  }

  test("the engine gives each shape a time, and a larger layer takes longer", async () => {
    const [small, large] = await engineTimer({ threads: 1 })([conv, { ...conv, inputs: 128, outputs: 256 }]);
    assert.ok(small! >= 0 && large! > small!, `${small} and ${large}`);
  });
});
