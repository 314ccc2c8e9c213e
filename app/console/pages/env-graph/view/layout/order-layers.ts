/**
 * The order within each layer, so that few lines cross: again and again every item goes to the middle of what it is joined with
 * in the layer beside (barycentre), and the best order that was met is kept.
 */
import type { LayoutItem } from "./layered-layout.ts";

const sweeps = 12;

/** @returns items by layer, from above */
export function orderLayers(items: readonly LayoutItem[]): number[][] {
  const last = items.reduce((most, { layer }) => Math.max(most, layer), -1);
  let layers: number[][] = Array.from({ length: last + 1 }, () => []);
  for (const at of walkOrder(items)) layers[items[at]?.layer ?? 0]?.push(at);
  let best = layers;
  let fewest = crossings(items, layers);
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep++) {
    layers = sweep % 2 === 0 ? swept(items, layers, "left") : swept(items, layers, "right");
    const count = crossings(items, layers);
    if (count < fewest) [best, fewest] = [layers, count];
  }
  return best;
}

/** What is joined stands together from the beginning. */
function walkOrder(items: readonly LayoutItem[]): number[] {
  const seen = new Set<number>();
  items.forEach((_, start) => {
    const open = [start];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const { left = [], right = [] } = items[at] ?? {};
      open.push(...left.toReversed(), ...right.toReversed());
    }
  });
  return [...seen];
}

function swept(
  items: readonly LayoutItem[],
  given: readonly (readonly number[])[],
  side: "left" | "right",
): number[][] {
  const layers = given.map((layer) => [...layer]);
  const place = new Map<number, number>();
  const note = (layer: readonly number[]) => {
    layer.forEach((at, i) => {
      place.set(at, i);
    });
  };
  const order = side === "left" ? layers : layers.toReversed();
  for (const layer of order) {
    const middle = new Map(
      layer.map((at, i) => {
        const beside = items[at]?.[side] ?? [];
        const sum = beside.reduce((total, other) => total + (place.get(other) ?? 0), 0);
        return [at, beside.length === 0 ? i : sum / beside.length];
      }),
    );
    layer.sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0));
    note(layer);
  }
  return layers;
}

/** Pairs of joins between neighbouring layers that cross. */
export function crossings(items: readonly LayoutItem[], layers: readonly (readonly number[])[]): number {
  let count = 0;
  for (const [i, layer] of layers.entries()) {
    const next = layers[i + 1] ?? [];
    const place = new Map(next.map((at, row) => [at, row]));
    // Ends from above to below: each that comes after a lower one crosses it. Counted in a tree of sums (Fenwick).
    const tree = new Array<number>(next.length + 1).fill(0);
    let met = 0;
    for (const at of layer) {
      const ends = (items[at]?.right ?? []).map((to) => place.get(to) ?? 0).sort((a, b) => a - b);
      for (const end of ends) {
        let notBelow = 0;
        for (let k = end + 1; k > 0; k -= k & -k) notBelow += tree[k] ?? 0;
        count += met - notBelow;
        met++;
        for (let k = end + 1; k < tree.length; k += k & -k) tree[k] = (tree[k] ?? 0) + 1;
      }
    }
  }
  return count;
}
