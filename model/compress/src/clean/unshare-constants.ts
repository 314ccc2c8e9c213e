/**
 * Gives every layer weights and a bias of its own: passes change them in place, and two layers that share
 * a tensor would be changed twice. Exporters write vectors that are equal, such as biases that are all zero, once: whoever adds or
 * multiplies one gets its own as well, or channels of layers that have nothing to do with each other would go together.
 */
import { type Graph, type Node, type Pass, sharedParameters, type Value } from "@cupel/onnx";

export const unshareConstants: Pass = {
  name: "unshare-constants",
  ensures: ["ownParameters"],
  run({ graph }) {
    let copies = 0;
    for (const node of graph.nodes) {
      for (const index of [...sharedParameters(graph, node), ...sharedVectors(graph, node)]) {
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

const readers = ["Add", "Sub", "Mul", "Div", "PRelu", "InstanceNormalization", "LayerNormalization"];

function sharedVectors(graph: Graph, node: Node): number[] {
  if (!node.is(...readers)) return [];
  return node.inputs.flatMap((value, index) =>
    value && isVector(value) && (value.uses.length > 1 || graph.isOutput(value)) ? [index] : [],
  );
}

/** More than a number, along one axis. */
function isVector({ constant }: Value): boolean {
  return constant !== null && constant.size > 1 && constant.dims.includes(constant.size);
}
