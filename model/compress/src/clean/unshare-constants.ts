/**
 * Gives every layer weights and a bias of its own: passes change them in place, and two layers that share
 * a tensor would be changed twice.
 */
import type { Graph, Pass, Value } from "@cupel/onnx";

/** Operators whose parameters later passes rewrite. */
const parameterised = ["Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"];

export const unshareConstants: Pass = {
  name: "unshare-constants",
  run(model) {
    const graph = model.graph;
    let copies = 0;
    for (const node of graph.nodes) {
      if (!node.is(...parameterised)) continue;
      for (const [index, value] of node.inputs.entries()) {
        if (index === 0 || !value?.constant || isOwn(graph, value)) continue;
        node.setInput(index, graph.addConstant(value.name, value.constant));
        copies++;
      }
    }
    return {
      modified: copies > 0,
      notes: copies ? [`gave ${copies} shared parameters a copy for each user`] : [],
    };
  },
};

/** Is it read in one place only, and by no caller? */
function isOwn(graph: Graph, constant: Value): boolean {
  return constant.uses.length === 1 && !graph.isOutput(constant);
}
