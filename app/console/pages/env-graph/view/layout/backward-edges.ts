/** Which edges must go back so that all others go one way: those that close a ring on a walk through the graph. */
export interface Edge {
  readonly from: number;
  readonly to: number;
}

/** Walks begin where nothing leads to, then wherever nobody was. @returns indices of edges */
export function backwardEdges(count: number, edges: readonly Edge[]): ReadonlySet<number> {
  const out: number[][] = Array.from({ length: count }, () => []);
  const isReached = new Array<boolean>(count).fill(false);
  edges.forEach(({ from, to }, at) => {
    out[from]?.push(at);
    if (from !== to) isReached[to] = true;
  });
  const nodes = Array.from({ length: count }, (_, at) => at);
  const starts = [...nodes.filter((at) => !isReached[at]), ...nodes.filter((at) => isReached[at])];
  const state = new Array<"new" | "open" | "done">(count).fill("new");
  const found = new Set<number>();
  for (const start of starts) {
    if (state[start] !== "new") continue;
    // Without recursion: a chain of processes may be long.
    const walk = [{ node: start, next: 0 }];
    state[start] = "open";
    for (let step = walk.at(-1); step !== undefined; step = walk.at(-1)) {
      const at = out[step.node]?.[step.next++];
      const edge = at === undefined ? undefined : edges[at];
      if (at === undefined || edge === undefined) {
        state[step.node] = "done";
        walk.pop();
      } else if (state[edge.to] === "new") {
        state[edge.to] = "open";
        walk.push({ node: edge.to, next: 0 });
      } else if (state[edge.to] === "open") found.add(at);
    }
  }
  return found;
}
