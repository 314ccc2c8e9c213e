/** The first layer over blocks of pixels computes what it computed before, to the last output. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { attribute, cloneModel, inferShapes, type Model, runPasses } from "@cupel/onnx";
import { spaceToDepthStem } from "../src/clean/space-to-depth-stem.ts";
import { Network } from "./support/network.ts";
import { assertSameFunction, feed, operators } from "./support/run.ts";

interface Stem {
  readonly kernel: number;
  /** Top, left, bottom, right. */
  readonly pads: readonly number[];
  readonly channels: number;
  readonly size?: number;
  readonly stride?: number;
  readonly dilation?: number;
}

/** A Conv on the input, then a Relu. */
function network({ kernel, pads, channels, size = 12, stride = 2, dilation = 1 }: Stem): Model {
  const net = new Network(["N", channels, size, size]);
  const weight = net.constant("w", [5, channels, kernel, kernel], 0.3);
  const conv = net.node("Conv", "conv", [net.x, weight, net.constant("b", [5])]);
  const model = net.done(net.node("Relu", "relu", [conv]));
  const [node] = model.graph.nodes;
  node!.attributes.set("pads", attribute.ints(pads));
  node!.attributes.set("strides", attribute.ints([stride, stride]));
  node!.attributes.set("dilations", attribute.ints([dilation, dilation]));
  return model;
}

async function rewritten(stem: Stem): Promise<Model> {
  const model = network(stem);
  const copy = cloneModel(model);
  inferShapes(copy);
  runPasses(copy, [spaceToDepthStem], undefined);
  const size = stem.size ?? 12;
  await assertSameFunction(model, copy, feed([2, stem.channels, size, size]));
  return copy;
}

describe("a stride-2 Conv on the image becomes one over 2 x 2 blocks", () => {
  const stems: Stem[] = [
    { kernel: 7, pads: [3, 3, 3, 3], channels: 3 },
    { kernel: 7, pads: [3, 3, 3, 3], channels: 1 },
    { kernel: 3, pads: [0, 0, 1, 1], channels: 3 },
    { kernel: 3, pads: [1, 1, 1, 1], channels: 3 },
    { kernel: 5, pads: [2, 2, 2, 2], channels: 4 },
    { kernel: 4, pads: [1, 1, 1, 1], channels: 2 },
    { kernel: 3, pads: [0, 0, 0, 0], channels: 3 },
    { kernel: 3, pads: [0, 1, 1, 0], channels: 3 },
    { kernel: 2, pads: [0, 0, 0, 0], channels: 3 },
  ];
  for (const stem of stems) {
    test(`${stem.kernel} x ${stem.kernel}, pads ${stem.pads}, ${stem.channels} channels`, async () => {
      assert.deepEqual(operators(await rewritten(stem)), ["SpaceToDepth", "Conv", "Relu"]);
    });
  }
});

describe("a Conv is left alone", () => {
  const others: [string, Stem][] = [
    ["with stride 1", { kernel: 3, pads: [1, 1, 1, 1], channels: 3, stride: 1 }],
    ["over images of odd size", { kernel: 3, pads: [1, 1, 1, 1], channels: 3, size: 13 }],
    ["with many channels", { kernel: 3, pads: [1, 1, 1, 1], channels: 8 }],
    ["with dilation", { kernel: 3, pads: [2, 2, 2, 2], channels: 3, dilation: 2 }],
  ];
  for (const [name, stem] of others) {
    test(name, async () => assert.deepEqual(operators(await rewritten(stem)), ["Conv", "Relu"]));
  }
});
