/** The corrected bias keeps the mean of a layer's output, by the formula E[y] = W E[x] + b. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { weightedLayers, weightRows } from "../src/layer.ts";
import { correctedBias, meansByColumn } from "../src/weights/bias-correction.ts";
import { Network } from "./support/network.ts";

for (const group of [1, 2, 4]) {
  test(`E[y] stays as it was, ${group} groups`, () => {
    const net = new Network(["N", 4, 8, 8]);
    const [layer] = weightedLayers(net.done(net.conv("conv", net.x, 4, 8, { group })).graph);
    const original = weightRows(layer!);
    const rounded = original.map((w) => Math.round(w * 2) / 2);
    const mean = Float64Array.of(0.5, -1, 2, 3);
    const bias = layer!.bias!.constant!.toFloat32();
    const corrected = correctedBias(layer!, rounded, meansByColumn(layer!, mean), original);
    // Output channel o reads the inputs of its group: 4 / group of them, 9 weights each.
    const expected = (weights: Float32Array, biases: Float32Array, o: number): number => {
      const perGroup = 4 / group;
      const first = Math.floor(o / (8 / group)) * perGroup;
      let sum = biases[o]!;
      for (let c = 0; c < perGroup; c++) {
        for (let k = 0; k < 9; k++) sum += weights[(o * perGroup + c) * 9 + k]! * mean[first + c]!;
      }
      return sum;
    };
    for (let o = 0; o < 8; o++) {
      assert.ok(
        Math.abs(expected(rounded, corrected, o) - expected(original, bias, o)) < 1e-5,
        `${expected(rounded, corrected, o)} is not ${expected(original, bias, o)}`,
      );
    }
    assert.ok(
      bias.some((b, o) => Math.abs(b - corrected[o]!) > 0.01),
      "there was something to correct",
    );
  });
}
