/**
 * The mean over height and width as GlobalAveragePool, which the engine has an 8-bit kernel for; it has none
 * for ReduceMean.
 */
import { attribute, type Node, type Pass } from "@cupel/onnx";

export const meanToPool: Pass = {
  name: "mean-to-pool",
  requires: ["fixedConstants"],
  run(model) {
    const { graph } = model;
    let changed = 0;
    for (const node of graph.nodes) {
      if (!isSpatialMean(node)) continue;
      const input = node.input(0)!;
      const spec = { opType: "GlobalAveragePool", name: node.name, inputs: [input] };
      const pool = graph.insertBefore(node, spec);
      if (node.int("keepdims", 1) === 0) {
        const flatten = graph.insertBefore(node, {
          opType: "Flatten",
          inputs: [pool.output],
          attributes: { axis: attribute.int(1) },
        });
        graph.bypass(node, flatten.output);
      } else graph.bypass(node, pool.output);
      changed++;
    }
    return {
      modified: changed > 0,
      notes: changed ? [`wrote ${changed} means over height and width as GlobalAveragePool`] : [],
    };
  },
};

function isSpatialMean(node: Node): boolean {
  const input = node.input(0);
  if (!node.is("ReduceMean") || input?.shape?.length !== 4) return false;
  if (input.type?.kind !== "tensor" || input.type.elementType !== "float32") return false;
  const axes = node.input(1) ? node.input(1)!.constant?.toNumbers() : node.ints("axes");
  const spatial = [...(axes ?? [])].map((axis) => (axis < 0 ? axis + 4 : axis)).sort();
  return spatial.join() === "2,3";
}
