/** The nodes that stand for rounded weights: the engine makes of them what `dequantise` says, and fuses. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { byteLengthOfAll, cloneModel, encodeModel, type Model, Tensor } from "@cupel/onnx";
import { float32Of, fusionReport } from "@cupel/runtime";
import { emitQdq } from "../src/emit/emit-qdq.ts";
import { placeQuantisers } from "../src/emit/placement.ts";
import { biasOf, inOperatorLayout, setBias, weightedLayers, weightRows } from "../src/layer.ts";
import { quantiseWeights, type WeightQuantiser } from "../src/weights/quantise-weights.ts";
import {
  dequantise,
  type QuantisedWeights,
  storedBytes,
  weightBits,
} from "../src/weights/quantised-weights.ts";
import { Network } from "./support/network.ts";
import { feed, run } from "./support/run.ts";

const unit = { scale: Math.fround(6 / 255), zeroPoint: 128 };

interface Emitted {
  readonly model: Model;
  readonly weights: QuantisedWeights;
  /** As the operator lays them out. */
  readonly expected: Float32Array;
}

/** Rounds the one layer of a model and writes it down. */
function emitted(float: Model, how: Partial<WeightQuantiser>): Emitted {
  const model = cloneModel(float);
  const [layer] = weightedLayers(model.graph);
  const { rows, columns } = layer!;
  const alike = new Float32Array(columns).fill(1);
  const weights = quantiseWeights(
    { weights: weightRows(layer!), rows, columns, importanceOf: () => alike, leastScaleOf: () => 0 },
    { bits: 8, levels: "uniform", granularity: "channel", blockSize: null, maxLevel: 127, ...how },
  );
  const { values, integer } = placeQuantisers(model.graph, new Set(), "wherever-possible");
  emitQdq(model, {
    values,
    activations: new Map(values.map((value) => [value.name, unit])),
    weights: new Map([[layer!.weight.name, weights]]),
    integer,
  });
  return { model, weights, expected: inOperatorLayout(layer!, dequantise(weights)) };
}

/** [name, network of one layer of 7 rows, its input]: the codes fill no whole number of bytes. */
const networks: readonly (readonly [string, () => Model, readonly number[]])[] = [
  [
    "Conv",
    () => {
      const net = new Network();
      return net.done(net.node("Flatten", "y", [net.conv("layer", net.x, 3, 7)]));
    },
    [1, 3, 8, 8],
  ],
  [
    "grouped Conv",
    () => {
      const net = new Network(["N", 6, 8, 8]);
      return net.done(net.node("Flatten", "y", [net.conv("layer", net.x, 6, 9, { group: 3 })]));
    },
    [1, 6, 8, 8],
  ],
  [
    "depthwise Conv",
    () => {
      const net = new Network(["N", 5, 8, 8]);
      return net.done(net.node("Flatten", "y", [net.conv("layer", net.x, 5, 5, { group: 5 })]));
    },
    [1, 5, 8, 8],
  ],
  [
    "Gemm",
    () => {
      const net = new Network(["N", 63]);
      return net.done(net.gemm("layer", net.x, 63, 7));
    },
    [2, 63],
  ],
  [
    "MatMul",
    () => {
      const net = new Network(["N", 63]);
      const y = net.node("MatMul", "layer", [net.x, net.constant("layer.weight", [63, 7], 0.2)]);
      return net.done(net.node("Softmax", "y", [y]));
    },
    [2, 63],
  ],
];

/** Forms that others of the table stand for in a short run. */
const onlyLong = new Set(["grouped Conv", "Gemm"]);
const isLong = Boolean(process.env.CUPEL_LONG_TESTS);

for (const [name, build, dims] of networks) {
  const skip = isLong || !onlyLong.has(name) ? false : "another form stands for it: set CUPEL_LONG_TESTS";
  describe(name, { skip }, () => {
    for (const bits of weightBits) {
      for (const levels of ["uniform", "fitted"] as const) {
        for (const blockSize of [null, 9]) {
          if (bits === 8 && (levels === "fitted" || blockSize)) continue;
          test(`${bits} bits, ${levels} levels${blockSize ? ", blocks" : ""}: to the bit, and on the integer kernel`, async () => {
            const { model, expected } = emitted(build(), { bits, levels, blockSize });
            const tap = "layer.weight.dq";
            const found = await run(model, feed(dims), { taps: [tap], optimization: "disabled" });
            assert.deepEqual(float32Of(found[tap]!), expected);
            const { convolutions, matrixProducts } = await fusionReport(encodeModel(model));
            assert.deepEqual(
              [convolutions.quantised, matrixProducts.quantised],
              [convolutions.total, matrixProducts.total],
            );
            assert.equal(convolutions.total + matrixProducts.total, 1);
          });
        }
      }
    }
  });
}

test("blocks really are used where they divide the row, and not where they do not", () => {
  const [, conv] = networks[0]!;
  assert.equal(emitted(conv(), { bits: 4, blockSize: 9 }).weights.blocks?.size, 9);
  assert.equal(emitted(conv(), { bits: 4, blockSize: 16 }).weights.blocks, null);
});

test("what is stored is what is predicted, and the graph around it is small", () => {
  const net = new Network(["N", 64, 8, 8]);
  const float = net.done(net.node("Flatten", "y", [net.conv("layer", net.x, 64, 64)]));
  for (const bits of weightBits) {
    for (const blockSize of [null, 64]) {
      if (bits === 8 && blockSize) continue;
      const { model } = emitted(float, { bits, levels: "fitted", blockSize });
      const bytes = byteLengthOfAll(encodeModel(model));
      const predicted = storedBytes(64, 576, bits, bits < 8 ? blockSize : null);
      assert.ok(bytes > predicted, `${bits} bits: ${bytes} for ${predicted}`);
      assert.ok(bytes < predicted + 3500, `${bits} bits: ${bytes} for ${predicted}`);
    }
  }
});

test("a bias survives weights so small that it would overflow 32 bits", async () => {
  const { variantOf } = await import("../src/search/variants.ts");
  const net = new Network();
  net.conv("layer", net.x, 3, 2);
  const model = net.done(net.node("Flatten", "y", [net.model.graph.value("layer")!]));
  const [layer] = weightedLayers(model.graph);
  const tiny = weightRows(layer!).map((w, i) => (i < 27 ? w * 1e-9 : w));
  model.graph.setConstant(layer!.weight, Tensor.float32([2, 3, 3, 3], tiny));
  setBias(model.graph, layer!, Float32Array.of(2, 0.5));
  const variant = variantOf(
    layer!,
    { moments: null, scale: unit },
    {
      bits: 8,
      levels: "uniform",
      granularity: "channel",
      blockSize: null,
      maxLevel: 127,
      correctBias: false,
    },
  );
  assert.deepEqual(variant.bias, biasOf(layer!));
  const { values, integer } = placeQuantisers(model.graph, new Set(), "wherever-possible");
  emitQdq(model, {
    values,
    activations: new Map(values.map((value) => [value.name, unit])),
    weights: new Map([["layer.weight", variant.weights]]),
    integer,
  });
  for (const optimization of ["all", "disabled"] as const) {
    const { y } = await run(model, feed([1, 3, 8, 8]), { optimization });
    const channel = float32Of(y!).subarray(0, 64);
    assert.ok(
      channel.every((value) => Math.abs(value - 2) < unit.scale),
      `${channel[0]} for 2`,
    );
  }
});
