/**
 * Dense layers in one form, Gemm with transB = 1 (rows are output channels): from Gemm with transB = 0,
 * and from MatMul followed by Add of a bias, as Keras exports them.
 */
import { attribute, type Graph, type Node, type Pass, Tensor, type Value } from "@cupel/onnx";
import { channelBias, setParameter } from "../layer.ts";

export const denseToGemm: Pass = {
  name: "dense-to-gemm",
  requires: ["fixedConstants"],
  run(model) {
    const graph = model.graph;
    let changed = 0;
    for (const node of graph.nodes) {
      if (isTurnable(node)) {
        turnWeight(graph, node.input(1)!);
        node.attributes.set("transB", attribute.int(1));
        changed++;
      } else if (joinMatMulAndBias(graph, node)) changed++;
    }
    return { modified: changed > 0, notes: changed ? [`wrote ${changed} dense layers as Gemm`] : [] };
  },
};

function isTurnable(node: Node): boolean {
  const weight = node.input(1);
  return (
    node.is("Gemm") &&
    node.int("transB", 0) === 0 &&
    weight?.constant?.type === "float32" &&
    weight.uses.length === 1
  );
}

function turnWeight(graph: Graph, weight: Value): void {
  const tensor = weight.constant!;
  const [rows, columns] = [tensor.dims[0]!, tensor.dims[1]!];
  const data = tensor.toFloat32();
  const turned = data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
  setParameter(graph, weight, Tensor.float32([columns, rows], turned));
}

/** MatMul of rank 2 by a constant, then Add of a constant row: one Gemm in the Add's place. */
function joinMatMulAndBias(graph: Graph, node: Node): boolean {
  const [input, weight] = [node.input(0), node.input(1)];
  if (!node.is("MatMul") || !input || weight?.constant?.type !== "float32" || weight.uses.length > 1)
    return false;
  if (weight.constant.dims.length !== 2 || input.shape?.length !== 2 || graph.isOutput(node.output))
    return false;
  const add = node.output.uses.length === 1 ? node.output.uses[0]!.node : null;
  if (!add?.is("Add")) return false;
  const other = add.inputs.find((value) => value !== node.output);
  const columns = weight.constant.dims[1]!;
  const bias = isRow(other?.constant, columns) ? channelBias(other!, columns) : null;
  if (!bias) return false;
  turnWeight(graph, weight);
  const own = graph.addConstant(`${other!.name}.row`, Tensor.float32([columns], bias));
  const gemm = graph.insertBefore(node, {
    opType: "Gemm",
    name: node.name,
    inputs: [input, weight, own],
    attributes: { transB: attribute.int(1) },
  });
  graph.absorb(gemm, add);
  graph.remove(node);
  return true;
}

/** A bias of rank 3 would make the sum one of rank 3 as well. */
function isRow(tensor: Tensor | null | undefined, columns: number): boolean {
  return tensor?.size === columns && tensor.dims.length <= 2;
}
