/** Batches of noise with random labels, and networks without batch normalisation to train on them. */
import { createRandom } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import type { StepBatch } from "@cupel/train";
import { constant, heFanOut } from "../../src/network/initialiser.ts";
import { NetworkBuilder } from "../../src/network/network-builder.ts";

/** @param dims of one image */
export function randomBatch(dims: readonly number[], batch: number, classes: number, seed: number) {
  const random = createRandom(seed);
  const size = dims.reduce((product, dim) => product * dim, batch);
  const data = Float32Array.from({ length: size }, () => random.normal());
  return {
    inputs: { input: { type: "float32", dims: [batch, ...dims], data } },
    labels: Int32Array.from({ length: batch }, () => random.integer(classes)),
  } as const satisfies StepBatch;
}

/** Images of 3 x 8 x 8 to three classes through a dense, a strided and a depthwise convolution. */
export function plainCnn(): Model {
  const net = new NetworkBuilder([3, 8, 8], 5);
  const layers = [
    { channels: 4, kernel: 3 },
    { channels: 8, kernel: 3, stride: 2 },
    { channels: 8, kernel: 3, groups: 8 },
  ];
  let stream = net.input;
  for (const [index, layer] of layers.entries()) {
    stream = net.relu(net.conv(stream, `conv${index + 1}`, layer), `relu${index + 1}`);
  }
  const pooled = net.averagePool(net.maxPool(stream, "pool", 3, 2));
  return net.build(net.linear(pooled, "fc", 3, { weight: heFanOut, bias: constant(0) }));
}
