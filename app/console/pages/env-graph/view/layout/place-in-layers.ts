/**
 * The height at which each item stands: as near as can be to the middle of what it is joined with, in the order of its layer and
 * with room between. For one layer that is least squares under an order, which pooling neighbours solves exactly (Kruskal 1964).
 */
import type { LayoutItem } from "./layered-layout.ts";

const room = 12;
const rounds = 16;

/** @returns the middle of each item; the uppermost begins at 0 */
export function placeInLayers(
  items: readonly LayoutItem[],
  layers: readonly (readonly number[])[],
): number[] {
  const middles = new Array<number>(items.length).fill(0);
  const settle = (layer: readonly number[], wanted: readonly number[]) => {
    const heights = layer.map((at) => items[at]?.height ?? 0);
    inOrder(wanted, heights).forEach((middle, i) => {
      const at = layer[i];
      if (at !== undefined) middles[at] = middle;
    });
  };
  for (const layer of layers) settle(layer, new Array<number>(layer.length).fill(0));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? layers : layers.toReversed();
    for (const layer of order) {
      const wanted = layer.map((at) => {
        const { left = [], right = [] } = items[at] ?? {};
        const beside = [...left, ...right];
        if (beside.length === 0) return middles[at] ?? 0;
        return beside.reduce((sum, other) => sum + (middles[other] ?? 0), 0) / beside.length;
      });
      settle(layer, wanted);
    }
  }
  const top = items.reduce(
    (least, { height }, at) => Math.min(least, (middles[at] ?? 0) - height / 2),
    Infinity,
  );
  return middles.map((middle) => middle - top);
}

interface Pool {
  sum: number;
  count: number;
}

/** Middles nearest to what is wanted, each below the one before it with room between. */
export function inOrder(wanted: readonly number[], heights: readonly number[]): number[] {
  const offsets: number[] = [];
  let offset = 0;
  heights.forEach((height, i) => {
    if (i > 0) offset += ((heights[i - 1] ?? 0) + height) / 2 + room;
    offsets.push(offset);
  });
  const pools: Pool[] = [];
  wanted.forEach((want, i) => {
    let pool: Pool = { sum: want - (offsets[i] ?? 0), count: 1 };
    for (let before = pools.at(-1); before !== undefined; before = pools.at(-1)) {
      if (before.sum / before.count <= pool.sum / pool.count) break;
      pools.pop();
      pool = { sum: before.sum + pool.sum, count: before.count + pool.count };
    }
    pools.push(pool);
  });
  return pools
    .flatMap(({ sum, count }) => new Array<number>(count).fill(sum / count))
    .map((base, i) => base + (offsets[i] ?? 0));
}
