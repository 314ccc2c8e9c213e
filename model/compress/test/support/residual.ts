/** A network of residual blocks, and what its tests read of it. */
import assert from "node:assert/strict";
import type { Model, Shape, Value } from "@cupel/onnx";
import { residualSpans } from "../../src/gates/residual-spans.ts";
import { plain } from "./images.ts";
import { Network } from "./network.ts";
import { largestDifference } from "./run.ts";

export const width = 8;
export const classes = 4;

/** A row of three blocks, a layer between that ends it, a row of one, and a dense layer. */
export function residualNetwork(shape: Shape = ["N", 3, 8, 8], seed = 2): Model {
  const net = new Network(shape, seed);
  const block = (name: string, x: Value): Value => {
    const inner = net.conv(`${name}.b`, net.relu(net.conv(`${name}.a`, x, width, width)), width, width);
    return net.relu(net.node("Add", name, [inner, x]));
  };
  const first = net.relu(net.conv("first", net.x, 3, width));
  const row = block("three", block("two", block("one", first)));
  const between = net.relu(net.conv("between", row, width, width, { stride: 2 }));
  return net.done(net.head(block("four", between), width));
}

export const rowsOf = (model: Model) => residualSpans(model, plain());

export const rowOf = (scores: Float32Array, image: number) =>
  scores.slice(image * classes, (image + 1) * classes);

export function assertClose(actual: Float32Array, expected: Float32Array, what: string): void {
  const difference = largestDifference(actual, expected);
  assert.ok(difference < 1e-4, `${what}: ${difference} apart`);
}
