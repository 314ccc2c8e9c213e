/**
 * Gives every layer weights and a bias of its own: passes change them in place, and two layers that share
 * a tensor would be changed twice.
 */
import { type Pass, sharedParameters } from "@cupel/onnx";

export const unshareConstants: Pass = {
  name: "unshare-constants",
  ensures: ["ownParameters"],
  run({ graph }) {
    let copies = 0;
    for (const node of graph.nodes) {
      for (const index of sharedParameters(graph, node)) {
        const value = node.input(index)!;
        // The last user keeps the original.
        if (value.uses.length === 1 && !graph.isOutput(value)) continue;
        node.setInput(index, graph.addConstant(value.name, value.constant!));
        copies++;
      }
    }
    return {
      modified: copies > 0,
      notes: copies ? [`gave ${copies} shared parameters a copy for each user`] : [],
    };
  },
};
