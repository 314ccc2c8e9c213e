import assert from "node:assert/strict";
import { test } from "node:test";
import { inferShapes, type Model, sameValues } from "@cupel/onnx";
import { matchLayers } from "../src/match/match-layers.ts";
import { constantValues, countParameters } from "../src/measure/count-parameters.ts";
import { steadyTimes, timeShares } from "../src/measure/time-share.ts";
import { residualNetwork } from "./residual-network.ts";

function inferred(model: Model): Model {
  inferShapes(model);
  return model;
}

const network = () => inferred(residualNetwork());

test("an uncompressed copy is compared at the end of every layer, never inside one", () => {
  const layers = matchLayers(network().graph, network().graph, sameValues(network().graph));
  assert.deepEqual(
    layers.map(({ name, operator, counterpart }) => [name, operator, counterpart.name === name]),
    [
      ["relu0_out", "Conv + BatchNormalization + Relu", true],
      ["pool0_out", "MaxPool", true],
      ["relu1_out", "Conv + BatchNormalization + Relu", true],
      ["norm2_out", "Conv + BatchNormalization", true],
      ["relu2_out", "Add + Relu", true],
      ["mean_out", "GlobalAveragePool", true],
      ["scores", "Gemm", true],
    ],
  );
  assert.deepEqual(layers.find(({ name }) => name === "relu2_out")?.inputs.toSorted(), [
    "norm2_out",
    "pool0_out",
  ]);
  assert.deepEqual(layers[0]!.inputs, []);
});

test("every node and every weight belongs to exactly one layer", () => {
  const { graph } = network();
  const layers = matchLayers(graph, graph, sameValues(graph));
  const nodes = layers.flatMap(({ original }) => original.nodes);
  assert.deepEqual(new Set(nodes), new Set(graph.nodes));
  assert.equal(nodes.length, new Set(nodes).size);
  const bytes = layers
    .flatMap(({ original }) => original.constants)
    .reduce((sum, each) => sum + each.byteLength, 0);
  const all = [...graph.initializers].reduce((sum, value) => sum + value.constant!.byteLength, 0);
  assert.equal(bytes, all);
});

test("parameters are weights, biases and statistics of normalisation", () => {
  const { graph } = network();
  // Three convolutions of 8 channels (1, 8 and 8 deep) with 4 x 8 statistics each, and 7 x 8 + 7.
  assert.equal(countParameters(graph.nodes, constantValues(graph)), 72 + 576 + 576 + 3 * 32 + 63);
});

test("run time goes to the layer the engine's names point to", () => {
  const { graph } = network();
  const layers = matchLayers(graph, graph, sameValues(graph));
  const times = new Map([
    ["relu0_out_nchwc", 4],
    ["conv1_token_12", 3],
    ["fused conv2", 1],
    ["dense/MatMulAddFusion", 1],
    ["ReorderOutput_token_7", 1],
  ]);
  const shares = timeShares(
    times,
    layers.map((layer) => layer.original),
  );
  assert.deepEqual(shares, [0.4, null, 0.3, 0.1, null, null, 0.1]);
});

test("one disturbed profile does not move the time of a node", () => {
  const node = (meanMs: number) => [
    { node: "a", opType: "Conv", provider: "cpu", totalMs: meanMs, runs: 1, meanMs, share: 1 },
  ];
  assert.deepEqual(steadyTimes([node(1), node(80), node(1.2)]), new Map([["a", 1.2]]));
});
