/** A layer for each node of a graph without rings: one further than all that lead to it. */
import type { Edge } from "./backward-edges.ts";

/** Edges from a node to itself do not count. */
export function layersOf(count: number, edges: readonly Edge[]): number[] {
  const out: number[][] = Array.from({ length: count }, () => []);
  const waiting = new Array<number>(count).fill(0);
  for (const { from, to } of edges) {
    if (from === to) continue;
    out[from]?.push(to);
    waiting[to] = (waiting[to] ?? 0) + 1;
  }
  const hasSource = waiting.map((edgesLeft) => edgesLeft > 0);
  const layers = new Array<number>(count).fill(0);
  const order = layers.flatMap((_, at) => (hasSource[at] ? [] : [at]));
  for (const node of order) {
    for (const to of out[node] ?? []) {
      layers[to] = Math.max(layers[to] ?? 0, (layers[node] ?? 0) + 1);
      waiting[to] = (waiting[to] ?? 0) - 1;
      if (waiting[to] === 0) order.push(to);
    }
  }
  // What nothing leads to stands beside what it leads to.
  for (const node of order.toReversed()) {
    const next = (out[node] ?? []).map((to) => layers[to] ?? 0);
    if (!hasSource[node] && next.length > 0) layers[node] = Math.min(...next) - 1;
  }
  return layers;
}
