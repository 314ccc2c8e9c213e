/** The rules every ONNX graph keeps, checked with errors that name the node and the value. */
import { onnxErrors } from "./errors.ts";
import type { Graph } from "./graph.ts";
import { subgraphsOf } from "./graph.ts";
import type { Model } from "./model.ts";
import type { Value } from "./value.ts";

/** @throws MODEL_INVALID on the first rule broken. */
export function checkModel(model: Model): void {
  if (model.opset === 0 && model.functions.length === 0) {
    throw onnxErrors.error("MODEL_INVALID", "The model does not say which operator set it uses.");
  }
  checkGraph(model, model.graph, new Set());
}

function checkGraph(model: Model, graph: Graph, outer: ReadonlySet<Value>): void {
  const known = new Set(outer);
  for (const input of graph.inputs) known.add(input);
  for (const constant of graph.initializers) known.add(constant);
  for (const node of graph.nodes) {
    if (!model.opsets.has(node.domain) && !(node.isStandard && model.opset > 0)) {
      throw invalid(`${node.label} is of domain "${node.domain}", which the model does not import.`);
    }
    node.inputs.forEach((value, index) => {
      if (value && !known.has(value)) {
        throw invalid(
          `${node.label} reads "${value.name}" (input ${index}), which ${
            value.producer ? "is made only later" : "nothing makes"
          }.`,
        );
      }
      if (value && !value.uses.some((use) => use.node === node && use.index === index)) {
        throw invalid(`"${value.name}" does not know that ${node.label} uses it.`);
      }
    });
    for (const body of subgraphsOf(node)) checkGraph(model, body, known);
    for (const output of node.outputs) {
      if (output.name === "") continue;
      if (known.has(output))
        throw invalid(`"${output.name}" is made by ${node.label}, but already has a value.`);
      if (output.producer !== node)
        throw invalid(`"${output.name}" does not know that ${node.label} makes it.`);
      known.add(output);
    }
  }
  for (const output of graph.outputs) {
    if (!known.has(output))
      throw invalid(`Nothing makes the output "${output.name}" of graph "${graph.name}".`);
  }
}

function invalid(message: string) {
  return onnxErrors.error("MODEL_INVALID", message);
}
