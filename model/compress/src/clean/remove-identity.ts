/**
 * Nodes that only pass their input on: Identity (also of constants, which exporters use to alias shared
 * parameters), Dropout at inference, and reshapes by nothing. An Identity between a Conv and its bias is
 * enough to keep the engine from fusing it.
 */
import { own } from "@cupel/base";
import type { Node, Pass } from "@cupel/onnx";

const passesOn: Record<string, (node: Node) => boolean> = {
  Identity: () => true,
  Dropout: (node) => !node.outputs[1]?.uses.length && !isTraining(node),
  Cast: (node) => {
    const type = node.input(0)?.type;
    return type?.kind === "tensor" && type.elementType === "float32" && node.int("to", 0) === 1;
  },
  Concat: (node) => node.inputs.length === 1,
  Sum: (node) => node.inputs.length === 1,
};

function isTraining(node: Node): boolean {
  const mode = node.input(2);
  return mode !== null && mode.constant?.toNumbers()[0] !== 0;
}

export const removeIdentity: Pass = {
  name: "remove-identity",
  run(model) {
    const graph = model.graph;
    let removed = 0;
    for (const node of graph.nodes) {
      const source = node.input(0);
      if (!source || !node.isStandard || !own(passesOn, node.opType)?.(node)) continue;
      if (!graph.canBypass(node, source)) continue;
      graph.bypass(node, source);
      removed++;
    }
    return {
      modified: removed > 0,
      notes: removed ? [`removed ${removed} nodes that only pass a value on`] : [],
    };
  },
};
