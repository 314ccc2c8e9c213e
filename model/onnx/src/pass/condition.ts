/**
 * What a pass may require of a model before it runs, and ensure after: a closed table of properties that can
 * be checked. That a graph is valid is no condition: it always has to be, and is checked after every change.
 */
import { type Graph, type Model, type Node, subgraphsOf } from "../graph/index.ts";
import { propagate } from "../infer/propagate.ts";

/** The operator set is the least one that is accepted; the others are rows of the table below. */
export type Condition = "typed" | "fixedConstants" | "ownParameters" | { readonly opset: number };

/** Each tells what is wrong, or null. */
const conditions: Readonly<Record<Extract<Condition, string>, (model: Model) => string | null>> = {
  /** What shape inference can tell of a value has been written down. */
  typed(model) {
    const { types } = propagate(model, { elementLimit: 1024, trustDefaults: true, unpacks: true });
    const untyped = (graph: Graph): string | null => {
      for (const value of graph.values()) {
        if (!value.type && !value.constant && types.has(value)) return `"${value.name}" has no type`;
      }
      for (const node of graph.nodes) {
        for (const body of subgraphsOf(node)) {
          const found = untyped(body);
          if (found) return found;
        }
      }
      return null;
    };
    return untyped(model.graph);
  },
  /** No constant is an input as well, which a caller could replace. */
  fixedConstants({ graph }) {
    const open = graph.inputs.find((input) => input.constant);
    return open ? `the constant "${open.name}" is an input` : null;
  },
  /** What a layer or a BatchNormalization reads as a parameter is read there only: it may be changed in place. */
  ownParameters({ graph }) {
    for (const node of graph.nodes) {
      const [index] = sharedParameters(graph, node);
      if (index !== undefined) return `${node.label} shares "${node.input(index)?.name}"`;
    }
    return null;
  },
};

/** The first condition that does not hold, in words; null when all do. */
export function brokenCondition(model: Model, wanted: readonly Condition[]): string | null {
  for (const condition of wanted) {
    if (typeof condition === "string") {
      const reason = conditions[condition](model);
      if (reason) return `${condition} (${reason})`;
    } else if (model.opset < condition.opset) {
      return `operator set ${condition.opset} (the model's is ${model.opset})`;
    }
  }
  return null;
}

/** The inputs of a layer or a BatchNormalization whose constants are read elsewhere too, or by the caller. */
export function sharedParameters(graph: Graph, node: Node): number[] {
  if (!node.is("Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization")) return [];
  return node.inputs.flatMap((value, index) =>
    index > 0 && value?.constant && (value.uses.length > 1 || graph.isOutput(value)) ? [index] : [],
  );
}
