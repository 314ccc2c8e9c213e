/**
 * Puts Relu and Clip where they fuse: right behind the layer or Add that makes their input.
 *
 * Relu and Clip are monotone, so they commute with operators that only select or move elements; moved
 * ahead of MaxPool or Reshape they disappear into the rounding of the layer's output. Relu of what is
 * already clipped at zero is nothing.
 */
import { type Graph, type Node, operatorFacts, type Pass } from "@cupel/onnx";

/** Picks or moves elements and makes no new ones. Pad is not such: it makes zeros. */
const movesElements = (node: Node): boolean => node.is("MaxPool") || operatorFacts(node).rearranges === true;

export const placeActivations: Pass = {
  name: "place-activations",
  run(model) {
    const graph = model.graph;
    let changed = 0;
    for (const node of graph.nodes) {
      if (!node.is("Relu", "Clip") || !node.input(0)) continue;
      let activation = node;
      while (canMoveAhead(graph, activation)) {
        activation = swap(graph, activation.input(0)!.producer!, activation);
        changed++;
      }
      if (isRepeatedRelu(activation) && graph.canBypass(activation, activation.input(0)!)) {
        graph.bypass(activation, activation.input(0)!);
        changed++;
      }
    }
    return {
      modified: changed > 0,
      notes: changed ? [`moved ${changed} activations to where they fuse`] : [],
    };
  },
};

function isRepeatedRelu(node: Node): boolean {
  const before = node.input(0)!.producer;
  return node.is("Relu") && before?.is("Relu", "Clip") === true && clipRange(before)[0] >= 0;
}

function canMoveAhead(graph: Graph, activation: Node): boolean {
  const mover = activation.input(0)!.producer;
  if (!mover || !movesElements(mover) || mover.outputs.length > 1) return false;
  // A bound that is computed may not be there yet where the activation would go.
  if (activation.inputs.slice(1).some((bound) => bound && !bound.constant)) return false;
  const source = mover.input(0);
  const isOnlyUse = (value: Node["output"]) => value.uses.length === 1 && !graph.isOutput(value);
  return source !== null && isOnlyUse(mover.output) && isOnlyUse(source) && source.producer !== null;
}

/** x -> mover -> activation becomes x -> activation -> mover; the value at the end keeps its name. */
function swap(graph: Graph, mover: Node, activation: Node): Node {
  const source = mover.input(0)!;
  const moved = graph.insertBefore(mover, {
    opType: activation.opType,
    name: activation.name,
    inputs: [source, ...activation.inputs.slice(1)],
    attributes: Object.fromEntries(activation.attributes),
    ...(source.type ? { type: source.type } : {}),
  });
  mover.setInput(0, moved.output);
  graph.absorb(mover, activation);
  return moved;
}

/** The bounds of a Relu or Clip. Infinite when absent or not constant. */
export function clipRange(node: Node): [low: number, high: number] {
  if (node.is("Relu")) return [0, Number.POSITIVE_INFINITY];
  const bound = (index: number): number | undefined => node.input(index)?.constant?.toNumbers()[0];
  return [bound(1) ?? Number.NEGATIVE_INFINITY, bound(2) ?? Number.POSITIVE_INFINITY];
}

/** A Clip by constants that lets zero through, as a rounding with a zero point does. */
export function isStaticClip(node: Node): boolean {
  const [low, high] = clipRange(node);
  return low <= 0 && high >= 0 && node.inputs.slice(1).every((bound) => !bound || bound.constant);
}
