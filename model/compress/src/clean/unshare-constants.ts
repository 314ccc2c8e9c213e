/**
 * Gives every layer weights and a bias of its own, and initialisers names of their own: folding changes
 * them in place, and two layers that share a tensor would be changed twice.
 */
import type { Pass } from "@cupel/onnx";

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
        if (index === 0 || !value?.constant || value.uses.length === 1) continue;
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
