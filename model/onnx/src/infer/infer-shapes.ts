/**
 * Shape inference: every value of the graph, constants included, gets its element type and its shape so
 * far as they follow from the inputs. Symbolic sizes ("N") are carried through, never guessed.
 */

import { type Dimension, type Graph, type Model, type Node, subgraphsOf } from "../graph/index.ts";
import { type PropagateOptions, propagate, Walk } from "./propagate.ts";

export interface InferShapesOptions {
  /** Shapes to give to inputs, by name, such as `{ input: [1, 3, 224, 224] }`; a symbol they bind is bound everywhere. */
  readonly inputShapes?: Readonly<Record<string, readonly Dimension[]>>;
}

export interface InferredShapes {
  /** Labels of the nodes of which some output could not be inferred. */
  readonly unknown: readonly string[];
}

/** Shape arithmetic is followed through tensors up to 1024 elements. */
const leniently: PropagateOptions = { elementLimit: 1024, trustDefaults: true, unpacks: true };

/**
 * Writes `value.type` throughout the model, nested graphs included. Call it again after edits.
 * @throws SHAPE_CONFLICT naming the node, its inputs and their shapes; nothing is written then.
 */
export function inferShapes(model: Model, options: InferShapesOptions = {}): InferredShapes {
  const { types, unknown } = propagate(model, { ...leniently, ...options });
  const write = (graph: Graph): void => {
    for (const value of graph.values()) value.type = types.get(value) ?? value.type;
    for (const node of graph.nodes) for (const body of subgraphsOf(node)) write(body);
  };
  write(model.graph);
  return { unknown };
}

/**
 * Shape inference for a graph that grows at its end: infers what is there, and returns a function to call
 * with each node appended, once, after those that make its inputs. It writes the types of its outputs.
 * @throws SHAPE_CONFLICT, here and from the function
 */
export function followShapes(model: Model): (node: Node) => void {
  inferShapes(model);
  const walk = new Walk(model, leniently);
  walk.graph(model.graph);
  return (node) => {
    // Inputs of the graph that were declared since.
    for (const input of node.inputs) {
      if (input?.type && !walk.facts.types.has(input)) walk.facts.types.set(input, input.type);
    }
    walk.node(node);
    for (const output of node.outputs) output.type = walk.facts.types.get(output) ?? output.type;
  };
}
