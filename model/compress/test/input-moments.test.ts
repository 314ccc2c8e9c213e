/** What layers multiply, as second moments, against the outputs of the layers and against the float network's. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cloneModel, Tensor, type Value } from "@cupel/onnx";
import { outputsOf } from "../src/calibrate/rounding-error.ts";
import { biasOf, layerOf, weightRows } from "../src/layer.ts";
import { inputMoments } from "../src/rounding/input-moments.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";

describe("moments of inputs are those of what makes the layer's output", () => {
  const forms: Readonly<Record<string, (net: Network) => Value>> = {
    "padded 3 x 3, stride 2": (net) => net.conv("c", net.x, 3, 6, { stride: 2 }),
    "1 x 1": (net) => net.conv("c", net.x, 3, 6, { kernel: 1 }),
    "1 x 1, stride 2": (net) => net.conv("c", net.x, 3, 6, { kernel: 1, stride: 2 }),
    "in groups": (net) => net.conv("c", net.conv("before", net.x, 3, 4, { kernel: 1 }), 4, 6, { group: 2 }),
    depthwise: (net) => net.conv("c", net.x, 3, 3, { group: 3 }),
    Gemm: (net) => net.gemm("c", net.node("Flatten", "flat", [net.x]), 192, 5),
    "MatMul over rows": (net) =>
      net.node("MatMul", "c", [
        net.node("Reshape", "rows", [net.x, net.integers("shape", [0, 12, 16])]),
        net.constant("c.weight", [16, 5]),
      ]),
    "MatMul from the left": (net) =>
      net.node("MatMul", "c", [
        net.constant("c.weight", [5, 12]),
        net.node("Reshape", "rows", [net.x, net.integers("shape", [0, 12, 16])]),
      ]),
  };
  for (const [name, make] of Object.entries(forms)) {
    test(name, async () => {
      const net = new Network();
      const model = net.done(make(net));
      const layer = [...model.graph.nodes].map(layerOf).find((each) => each?.node.name === "c")!;
      const context = { images: noiseImages(7), preprocessing: plain(), threads: 1, open: undefined };
      const seen = await outputsOf(() => model, context);
      const moments = (await inputMoments(cloneModel(model), model, [layer], context)).get("c.weight")!;
      assert.deepEqual(moments.float, {
        columns: moments.columns,
        products: moments.products,
        means: moments.means,
      });
      const { rows, columns, groups } = layer;
      const [w, bias] = [weightRows(layer), biasOf(layer)];
      // Of Gemm and MatMul from the right the output channel is the last axis.
      const isLast = layer.axis === 1 || layer.node.is("Gemm");
      for (let row = 0; row < rows; row++) {
        const values = seen.flatMap((data) => {
          const places = data.length / rows;
          return Array.from({ length: places }, (_, p) => data[isLast ? p * rows + row : row * places + p]!);
        });
        const centred = values.map((y) => y - bias[row]!);
        const own = w.subarray(row * columns, (row + 1) * columns);
        const group = Math.floor(row / (rows / groups));
        let [mean, square] = [0, 0];
        for (let i = 0; i < columns; i++) {
          mean += own[i]! * moments.means[group]![i]!;
          for (let k = 0; k < columns; k++)
            square += own[i]! * own[k]! * moments.products[group]![i * columns + k]!;
        }
        const average = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;
        assert.ok(Math.abs(mean - average(centred)) < 1e-5, `mean ${mean} for ${average(centred)}`);
        const expected = average(centred.map((y) => y * y));
        assert.ok(Math.abs(square / expected - 1) < 1e-4, `square ${square} for ${expected}`);
      }
    });
  }
});

test("second moments of an 8-bit input are those of its values, however many places there are", async () => {
  const make = (isRounded: boolean) => {
    const net = new Network(["N", 3, 96, 96]);
    const rounding = [
      net.scalar("scale", 1 / 255),
      net.model.graph.addConstant("zero", Tensor.uint8([], [0])),
    ];
    const eight = () => net.node("QuantizeLinear", "q", [net.x, ...rounding]);
    const x = isRounded ? net.node("DequantizeLinear", "dq", [eight(), ...rounding]) : net.x;
    return net.done(net.conv("c", x, 3, 4, { kernel: 1 }));
  };
  const float = make(false);
  const layer = [...float.graph.nodes].map(layerOf).find((each) => each?.node.name === "c")!;
  const preprocessing = { ...plain(96), mean: [0, 0, 0], std: [1, 1, 1] } as const;
  const context = { images: noiseImages(32, { size: 96 }), preprocessing, threads: 1, open: undefined };
  // In levels a run of 16 images adds up to 16 * 96^2 * 255^2 / 3 = 3.2e9.
  const moments = (await inputMoments(make(true), float, [layer], context)).get("c.weight")!;
  for (const [i, product] of moments.products[0]!.entries()) {
    const expected = moments.float!.products[0]![i]!;
    assert.ok(Math.abs(product / expected - 1) < 0.01, `${i}: ${product}, not ${expected}`);
  }
});
