/** Removing channels of a network is zeroing them: what tests of pruning hold it against. */
import assert from "node:assert/strict";
import { checkModel, cloneModel, type Model, type Value } from "@cupel/onnx";
import { followChannels } from "../../src/prune/follow-channels.ts";
import { removeChannels } from "../../src/prune/remove-channels.ts";
import type { Network } from "./network.ts";
import { feed, largestDifference, outputs } from "./run.ts";
import { sideBySide } from "./side-by-side.ts";
import { someChannels, zeroed } from "./zeroed.ts";

export interface RemovableCase {
  readonly name: string;
  readonly model: Model;
  readonly readers?: boolean | undefined;
  readonly seed: number;
}

/** Removing is zeroing, for each of these: 1e-5 of what the outputs reach. @returns the models without channels */
export async function assertRemovable(cases: readonly RemovableCase[]): Promise<Model[]> {
  const pairs = cases.map(({ model, seed, readers = false }) => {
    const removed = someChannels(model, seed);
    const pruned = cloneModel(model);
    removeChannels(pruned, followChannels(pruned), removed);
    checkModel(pruned);
    return { zero: zeroed(model, removed, readers), pruned };
  });
  const found = await outputs(
    sideBySide(pairs.flatMap(({ zero, pruned }) => [zero, pruned])),
    feed([2, 3, 8, 8]),
  );
  let at = 0;
  for (const { name, model } of cases) {
    const count = model.graph.outputs.length;
    for (let i = 0; i < count; i++) {
      const [zero, without] = [found[at + i]!, found[at + count + i]!];
      const scale = zero.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      assert.ok(scale > 0, `${name} says something`);
      const apart = largestDifference(zero, without);
      assert.ok(apart <= 1e-5 * Math.max(1, scale), `${name}, output ${i}: ${apart} apart of ${scale}`);
    }
    at += 2 * count;
  }
  return pairs.map(({ pruned }) => pruned);
}

/** Convolution, normalisation and activation. */
export const block = (net: Network, name: string, x: Value, from: number, to: number, options = {}) =>
  net.relu(net.batchNorm(`${name}.bn`, net.conv(name, x, from, to, options), to));
