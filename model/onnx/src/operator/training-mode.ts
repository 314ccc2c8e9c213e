/**
 * Nodes that compute what they do in training: BatchNormalization by the statistics of the images of a run
 * instead of those it has learned, Dropout by chance. https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
 */
import type { Model, Node } from "../graph/index.ts";

/** Up to operator set 13 a BatchNormalization with more outputs than one was in training. */
const firstOpsetWithAttribute = 14;

export function isInTraining(node: Node, opset: number): boolean {
  if (node.is("BatchNormalization")) {
    return opset < firstOpsetWithAttribute
      ? node.outputs.slice(1).some((output) => output.name !== "")
      : node.int("training_mode", 0) === 1;
  }
  if (!node.is("Dropout")) return false;
  const mode = node.input(2);
  return mode !== null && !(mode.constant?.type === "bool" && mode.constant.toNumbers()[0] === 0);
}

/** Of the graph itself, in order. */
export function nodesInTraining({ graph, opset }: Model): Node[] {
  return [...graph.nodes].filter((node) => isInTraining(node, opset));
}
