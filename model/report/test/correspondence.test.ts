/** Layers are found again however they were rewritten: by the correspondence of a compressor, or by their names. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import {
  attribute,
  type Correspondence,
  encodeModel,
  inferShapes,
  Model,
  readModelFile,
  sameAs,
  Tensor,
  tensorType,
  Value,
} from "@cupel/onnx";
import { preprocessingFor, syntheticInspection } from "@cupel/vision";
import { layerReports } from "../src/layer-reports.ts";
import { matchLayers } from "../src/match/match-layers.ts";
import { matchNames } from "../src/match/match-names.ts";
import { compareActivations } from "../src/measure/compare-activations.ts";
import { residualNetwork } from "./residual-network.ts";

const channels = 4;
const random = createRandom(4);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random.normal());
const weights = {
  first: numbers(channels),
  second: numbers(channels * channels),
  last: numbers(2 * channels),
};
const bias = numbers(channels);
const norm = { scale: numbers(channels), shift: numbers(channels), mean: numbers(channels) };
const variance = Float32Array.of(0.5, 1, 2, 4);
const epsilon = 1e-5;

/** 1 x 1 convolutions, a node at a time. */
class Chain {
  readonly model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  tip: Value;

  constructor() {
    const { graph } = this.model;
    this.tip = graph.add(new Value("image", tensorType("float32", ["N", 1, 64, 64])));
    graph.inputs.push(this.tip);
  }

  add(opType: string, output: string, constants: readonly Tensor[] = [], attributes = {}): this {
    const { graph } = this.model;
    const inputs = [this.tip, ...constants.map((tensor, i) => graph.addConstant(`${output}.${i}`, tensor))];
    this.tip = graph.append({ opType, inputs, outputs: [output], attributes }).output;
    return this;
  }

  conv(output: string, rows: number, values: Float32Array, shift?: Float32Array): this {
    const tensors = [Tensor.float32([rows, values.length / rows, 1, 1], values)];
    if (shift) tensors.push(Tensor.float32([rows], shift));
    return this.add("Conv", output, tensors, { kernel_shape: attribute.ints([1, 1]) });
  }

  done(): Model {
    this.add("GlobalAveragePool", "mean").add("Flatten", "scores");
    this.model.graph.outputs.push(this.tip);
    inferShapes(this.model);
    return this.model;
  }
}

function original(): Model {
  const statistics = [norm.scale, norm.shift, norm.mean, variance].map((each) =>
    Tensor.float32([channels], each),
  );
  return new Chain()
    .conv("c0", channels, weights.first, bias)
    .add("BatchNormalization", "n0", statistics, { epsilon: attribute.float(epsilon) })
    .add("Relu", "r0")
    .conv("c1", channels, weights.second)
    .add("Relu", "r1")
    .conv("c2", 2, weights.last)
    .done();
}

/** What equalisation divided the channels by, and the channels that pruning left. */
const factors = Float32Array.of(2, 0.5, 8, 1);
const kept = [3, 1];

/** The same by hand: normalisation folded, r0 scaled and called "first", channels 0 and 2 of r1 removed. */
function rewritten(): Model {
  const scale = norm.scale.map((gamma, c) => gamma / Math.sqrt(variance[c]! + epsilon));
  const folded = weights.first.map((w, c) => (w * scale[c]!) / factors[c]!);
  const shift = bias.map((b, c) => ((b - norm.mean[c]!) * scale[c]! + norm.shift[c]!) / factors[c]!);
  const second = kept.flatMap((row) =>
    Array.from(factors, (factor, column) => weights.second[row * channels + column]! * factor),
  );
  const last = [0, 1].flatMap((row) => kept.map((column) => weights.last[row * channels + column]!));
  return new Chain()
    .conv("c0", channels, folded, shift)
    .add("Relu", "first")
    .conv("c1", kept.length, Float32Array.from(second))
    .add("Relu", "r1")
    .conv("c2", 2, Float32Array.from(last))
    .done();
}

const followed: Correspondence = new Map([
  ["r0", { name: "first", channels: null, factors }],
  ["r1", { name: "r1", channels: kept, factors: null }],
  ...["c2", "mean", "scores"].map((name) => [name, sameAs(name)] as const),
]);

describe("a compressor's correspondence", () => {
  test("leads to folded, renamed, scaled and pruned values, whose errors are those of what is left", async () => {
    const [before, after] = [original(), rewritten()];
    const layers = matchLayers(before.graph, after.graph, followed);
    assert.deepEqual(
      layers.map(({ name, operator }) => [name, operator]),
      [
        ["r0", "Conv + BatchNormalization + Relu"],
        ["r1", "Conv + Relu"],
        ["c2", "Conv"],
        ["mean", "GlobalAveragePool"],
      ],
    );
    const { figures } = await compareActivations(
      { original: encodeModel(before), compressed: encodeModel(after) },
      layers,
      syntheticInspection({ count: 6 }),
      preprocessingFor(["N", 1, 64, 64]),
      { batchSize: 4, threads: 2, mappedImages: 2 },
    );
    assert.ok(figures.get("r0")!.sqnrDb > 100, `${figures.get("r0")!.sqnrDb} dB`);
    const pruned = figures.get("r1")!;
    assert.ok(pruned.sqnrDb > 100, `${pruned.sqnrDb} dB`);
    assert.deepEqual(pruned.shape, [channels, 64, 64]);
    assert.deepEqual(pruned.channelError.map(Number.isNaN), [true, false, true, false]);
    // What two channels less do to the layer behind is an error of that layer.
    assert.ok(figures.get("c2")!.sqnrDb < 60, `${figures.get("c2")!.sqnrDb} dB`);
  });

  test("is believed: without the factors the same values differ", async () => {
    const [before, after] = [original(), rewritten()];
    const without = new Map([["r0", sameAs("first")]]);
    const { figures } = await compareActivations(
      { original: encodeModel(before), compressed: encodeModel(after) },
      matchLayers(before.graph, after.graph, without),
      syntheticInspection({ count: 4 }),
      preprocessingFor(["N", 1, 64, 64]),
      { batchSize: 4, threads: 2, mappedImages: 0 },
    );
    assert.ok(figures.get("r0")!.sqnrDb < 20);
  });
});

describe("any two models are matched by the names of their values", () => {
  /** Relu of the input, rounded, as `quantize_static` (onnxruntime 1.32, QDQ) names what it makes. */
  function quantised(suffix: { readonly q: string; readonly dq: string }): Model {
    const chain = new Chain().add("Relu", "r0");
    const scale = () => [Tensor.float32([], [0.1]), Tensor.uint8([], [0])];
    chain.add("QuantizeLinear", `r0${suffix.q}`, scale()).add("DequantizeLinear", `r0${suffix.dq}`, scale());
    return chain.conv("c1", 2, Float32Array.of(1, -1)).done();
  }

  for (const [tool, suffix] of Object.entries({
    "the stock quantiser": { q: "_QuantizeLinear_Output", dq: "_DequantizeLinear_Output" },
    Cupel: { q: ".q", dq: ".dq" },
  })) {
    test(`the rounded copy that ${tool} makes stands for the value`, () => {
      const float = new Chain().add("Relu", "r0").conv("c1", 2, Float32Array.of(1, -1)).done();
      const made = quantised(suffix);
      const layers = matchLayers(float.graph, made.graph, matchNames(float.graph, made.graph));
      assert.deepEqual(
        layers.map(({ name, counterpart }) => [name, counterpart.name]),
        [
          ["r0", `r0${suffix.dq}`],
          ["c1", "c1"],
          ["mean", "mean"],
        ],
      );
    });
  }

  test("every layer of a residual network is found in what the stock quantiser made of it", async () => {
    // onnxruntime 1.32: quant_pre_process, then quantize_static in QDQ format, on `residualNetwork()`.
    const stock = await readModelFile(join(import.meta.dirname, "fixture/residual-stock.onnx"));
    const float = residualNetwork();
    for (const model of [float, stock]) inferShapes(model);
    const layers = matchLayers(float.graph, stock.graph, matchNames(float.graph, stock.graph));
    assert.deepEqual(
      layers.map(({ name, counterpart }) => [name, counterpart.name]),
      [
        ["relu0_out", "relu0_out_DequantizeLinear_Output"],
        ["pool0_out", "pool0_out_DequantizeLinear_Output"],
        ["relu1_out", "relu1_out_DequantizeLinear_Output"],
        ["norm2_out", "norm2_out_DequantizeLinear_Output"],
        ["relu2_out", "relu2_out_DequantizeLinear_Output"],
        ["mean_out", "mean_out_DequantizeLinear_Output"],
        ["scores", "scores"],
      ],
    );
    const { figures } = await compareActivations(
      { original: encodeModel(float), compressed: encodeModel(stock) },
      layers,
      syntheticInspection({ count: 8 }),
      preprocessingFor(["N", 1, 64, 64]),
      { batchSize: 4, threads: 2, mappedImages: 0 },
    );
    for (const [name, { sqnrDb }] of figures) assert.ok(sqnrDb > 10, `${name}: ${sqnrDb} dB`);
    const unmeasured = { figures, timeShares: { original: [], compressed: [] } };
    assert.deepEqual(
      layerReports(float.graph, layers, null, unmeasured).map(({ weightBits, weightForm }) => [
        weightBits,
        weightForm,
      ]),
      [
        [8, "INT8"],
        [null, null],
        [8, "INT8"],
        [8, "INT8"],
        [null, null],
        [null, null],
        [8, "INT8"],
      ],
    );
  });

  test("outputs of other names are matched by their order", () => {
    const [a, b] = [original(), original()];
    b.graph.rename(b.graph.outputs[0]!, "logits");
    assert.equal(matchNames(a.graph, b.graph).get("scores")?.name, "logits");
  });

  test("what has no namesake has no counterpart", () => {
    const found = matchNames(original().graph, rewritten().graph);
    assert.equal(found.has("n0"), false);
    assert.equal(found.get("r1")?.name, "r1");
  });
});
