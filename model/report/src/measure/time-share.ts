/**
 * Whose run time is whose: the engine's trace names nodes of the optimised graph, the report has layers.
 *
 * ONNX Runtime keeps a trace of the source in the names it makes. A fused node has the name of the node
 * it grew from, or that of a value it computes, with a mark of the transformation behind or in front:
 * "conv1_token_16" (layout), "relu_out_nchwc" (blocked layout), "dense/MatMulAddFusion", "fused conv1".
 * Nodes without such a name (reordering of memory, rounding of the image) belong to no layer.
 */
import type { NodeTime } from "@cupel/runtime";
import type { Segment } from "../match/segments.ts";

const marks = /^fused |_token_\d+$|_nchwc$|_nhwc$|\/MatMulAddFusion$|\/Gemm(Activation|Transpose)Fusion$/;

/** Milliseconds by node. */
export type NodeTimes = ReadonlyMap<string, number>;

/** The median, over several profiles of one model, of each node's mean time. */
export function steadyTimes(profiles: readonly (readonly NodeTime[])[]): NodeTimes {
  const all = Map.groupBy(profiles.flat(), ({ node }) => node);
  return new Map(
    [...all].map(([node, times]) => {
      const sorted = times.map(({ meanMs }) => meanMs).sort((a, b) => a - b);
      return [node, sorted[Math.floor((sorted.length - 1) / 2)]!];
    }),
  );
}

/** Share of each layer, 0 to 1; null where the engine fused it away or names it otherwise. In the order given. */
export function timeShares(times: NodeTimes, segments: readonly Segment[]): (number | null)[] {
  const owners = new Map<string, number>();
  for (const [index, segment] of segments.entries()) {
    for (const node of segment.nodes) {
      for (const name of [node.name, ...node.outputs.map((output) => output.name)]) {
        if (name !== "") owners.set(name, index);
      }
    }
  }
  const shares: (number | null)[] = segments.map(() => null);
  const all = times.values().reduce((sum, ms) => sum + ms, 0);
  for (const [node, ms] of times) {
    const owner = ownerOf(node, owners);
    if (owner !== null && all > 0) shares[owner] = (shares[owner] ?? 0) + ms / all;
  }
  return shares;
}

function ownerOf(node: string, owners: ReadonlyMap<string, number>): number | null {
  for (let name = node; ; ) {
    const owner = owners.get(name);
    if (owner !== undefined) return owner;
    const bare = name.replace(marks, "");
    if (bare === name) return null;
    name = bare;
  }
}
