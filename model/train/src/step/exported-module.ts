/**
 * What torch.onnx.export with dynamo=True writes beside a node: the module of the network that it is of, the call it was
 * made from, and the rule that rewrote it.
 */
import { type Graph, type Model, type Node, Tensor, weightLayout } from "@cupel/onnx";

/** Such as "features.1.0.block.2"; null where the file does not tell, and for the network itself. */
export function moduleOf(node: Node): string | null {
  const scopes = told(node, "pkg.torch.onnx.name_scopes");
  return (
    scopes
      ?.match(/'[^']*'/g)
      ?.at(-2)
      ?.slice(1, -1) || null
  );
}

/**
 * The exporter leaves out biases that are all 0, as they are in a new network. They were parameters: each Conv and Gemm
 * from which it removed one gets its own again. @returns their names
 */
export function restoreBiases({ graph }: Model): string[] {
  return Array.from(graph.nodes, (node) => restoreBias(graph, node)).filter((name) => name !== null);
}

function restoreBias(graph: Graph, node: Node): string | null {
  const weight = node.input(1)?.constant;
  if (!node.is("Conv", "Gemm") || node.input(2) || weight?.type !== "float32") return null;
  const isRemoved = told(node, "pkg.onnxscript.rewriter.rule_name")?.includes("RemoveOptionalBias");
  const name = isRemoved ? biasOf(node) : null;
  if (name === null) return null;
  const layout = weightLayout(node, weight.dims);
  if (layout === null) return null;
  const zeros = new Float32Array(layout.outputs);
  const bias = graph.addConstant(name, Tensor.float32([layout.outputs], zeros));
  node.setInput(2, bias);
  return bias.name;
}

/**
 * The bias of the call, such as "attention.out_proj.bias" of "%p_attention_out_proj_bias" in the module "attention". A layer
 * that never had one is given zeros and loses them again: it has None in that place.
 */
function biasOf(node: Node): string | null {
  const module = moduleOf(node);
  const called = told(node, "pkg.torch.onnx.fx_node")?.match(/%p_(\w+)_bias\b/)?.[1];
  if (module === null || called === undefined) return null;
  const prefix = module.replaceAll(".", "_");
  const rest = called.startsWith(`${prefix}_`) ? called.slice(prefix.length + 1) : "";
  return rest === "" ? `${module}.bias` : `${module}.${rest}.bias`;
}

function told(node: Node, key: string): string | undefined {
  return node.proto?.metadataProps.find((entry) => entry.key === key)?.value;
}
