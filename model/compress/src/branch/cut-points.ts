/**
 * Where a network may be left early, or a gate may stand: a value that everything behind it is computed from, and nothing else but
 * constants. What is skipped is then all that follows, and a branch of `If` reads one value from outside.
 */
import {
  type Graph,
  isElementwise,
  type Model,
  macsOf,
  type Node,
  subgraphsOf,
  type Value,
} from "@cupel/onnx";
import { atImageSize } from "@cupel/predict";
import type { Preprocessing } from "@cupel/vision";

export interface CutPoint {
  /** Of the value, [N, channels, H, W] in float32. */
  readonly name: string;
  readonly channels: number;
  /** Height and width of a quarter of it, where the model fixes them and they are even; else null. */
  readonly quarter: readonly [height: number, width: number] | null;
  /** Share of the network's multiply-accumulates that make it, between 0 and 1. */
  readonly share: number;
}

/** An exit before this share of the work knows too little, one behind the other saves too little. */
const leastShare = 0.05;
const mostShare = 0.7;

/** In execution order. @param between shares of the work that a place has before it */
export function cutPoints(
  model: Model,
  preprocessing: Preprocessing,
  between: readonly [least: number, most: number] = [leastShare, mostShare],
): CutPoint[] {
  const [least, most] = between;
  const { graph } = atImageSize(model, preprocessing);
  const nodes = [...graph.nodes];
  const position = new Map(nodes.map((node, at) => [node, at]));
  // A branch that holds control flow of its own is left alone.
  const first = nodes.findLastIndex((node) => subgraphsOf(node).length > 0) + 1;
  const work = workUntil(nodes);
  const all = work.at(-1) ?? 0;
  const live = new Set<Value>(graph.inputs.filter(({ constant }) => !constant));
  const fromInput = new Set<Value>(live);
  const isNeeded = (value: Value, at: number): boolean =>
    graph.isOutput(value) || value.uses.some(({ node }) => (position.get(node) ?? nodes.length) > at);
  const found: CutPoint[] = [];
  for (const [at, node] of nodes.entries()) {
    if (node.inputs.some((value) => value && fromInput.has(value)) || subgraphsOf(node).length > 0) {
      for (const output of node.outputs) {
        fromInput.add(output);
        live.add(output);
      }
    }
    for (const value of live) if (!isNeeded(value, at)) live.delete(value);
    const [only, ...others] = live;
    const share = work[at]! / all;
    const isPlace = at >= first && only !== undefined && others.length === 0 && only.producer === node;
    if (!isPlace || !(share >= least && share <= most) || !endsBlock(graph, only)) continue;
    const [, channels] = only.shape ?? [];
    if (typeof channels !== "number") continue;
    found.push({ name: only.name, channels, quarter: quarterOf(model.graph.value(only.name)), share });
  }
  return found;
}

function quarterOf(value: Value | undefined): CutPoint["quarter"] {
  const [, , height, width] = value?.shape ?? [];
  if (typeof height !== "number" || typeof width !== "number") return null;
  return height % 2 === 0 && width % 2 === 0 ? [height / 2, width / 2] : null;
}

/** An activation behind it belongs to the operator that made it: the two are one kernel. */
function endsBlock(graph: Graph, value: Value): boolean {
  if (graph.isOutput(value) || value.shape?.length !== 4) return false;
  if (value.type?.kind !== "tensor" || value.type.elementType !== "float32") return false;
  const [reader, ...others] = value.consumers;
  if (reader === undefined) return false;
  return others.length > 0 || !(isElementwise(reader) || reader.is("BatchNormalization"));
}

/** Multiply-accumulates up to and with each node. */
function workUntil(nodes: readonly Node[]): number[] {
  let sum = 0;
  return nodes.map((node) => {
    sum += macsOf(node, (value) => value?.shape ?? null) ?? 0;
    return sum;
  });
}

/** At most `most`, spread evenly over the work: those nearest to equal steps of it, each once. */
export function spreadCuts(cuts: readonly CutPoint[], most: number): CutPoint[] {
  if (cuts.length <= most) return [...cuts];
  const chosen = new Set<CutPoint>();
  for (let i = 0; i < most; i++) {
    const wanted = leastShare + ((mostShare - leastShare) * (i + 0.5)) / most;
    const free = cuts.filter((cut) => !chosen.has(cut));
    chosen.add(
      free.reduce((best, cut) => (Math.abs(cut.share - wanted) < Math.abs(best.share - wanted) ? cut : best)),
    );
  }
  return cuts.filter((cut) => chosen.has(cut));
}
