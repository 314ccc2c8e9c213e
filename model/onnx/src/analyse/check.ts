/** The rules every ONNX graph keeps, checked with errors that name the node and the value. */
import { onnxErrors } from "../errors.ts";
import { assertAcyclic, type Graph, type Model, type Node, subgraphsOf, type Value } from "../graph/index.ts";
import { operatorOf } from "../shape/operators.ts";
import type { Arity } from "../shape/rule.ts";

/**
 * Operator sets are imported; names are unique where they must be; every value read is made before, here
 * or in a graph around; every output is made; constants are what their declarations say; operators Cupel
 * knows have as many inputs and outputs as they may; and each value knows its producer and its uses.
 * @throws MODEL_INVALID on the first rule broken.
 */
export function checkModel(model: Model): void {
  if (model.opsets.size === 0) {
    throw invalid("The model does not say which operator set it uses.");
  }
  if (model.graph.outputs.length === 0) throw invalid("The graph has no outputs: nothing could be computed.");
  const uses = new Map<Value, number>();
  checkGraph(model, model.graph, new Set(), uses);
  for (const [value, count] of uses) {
    // Each use counted was found on the value, so that a greater number there means one of no node.
    if (value.uses.length !== count)
      throw invalid(`"${value.name}" lists a use by a node that does not read it.`);
  }
}

/** @param outer values of the graphs around that exist when this one runs. */
function checkGraph(model: Model, graph: Graph, outer: ReadonlySet<Value>, uses: Map<Value, number>): void {
  const known = new Set(outer);
  const names = new Set(Array.from(outer, (value) => value.name));
  const introduce = (value: Value, what: string): void => {
    if (known.has(value)) throw invalid(`"${value.name}" is ${what}, but already has a value.`);
    if (names.has(value.name)) throw invalid(`Two values are named "${value.name}"; the second is ${what}.`);
    if (!graph.owns(value)) throw invalid(`"${value.name}" is ${what}, but belongs to another graph.`);
    known.add(value);
    names.add(value.name);
  };
  for (const input of graph.inputs) introduce(input, `an input of graph "${graph.name}"`);
  for (const constant of graph.initializers) {
    // Up to IR 3 every initialiser was an input as well; since then, one that is may be replaced by a caller.
    if (!graph.inputs.includes(constant)) introduce(constant, "an initialiser");
    checkConstant(constant);
  }
  for (const value of graph.values()) {
    if (value.sparse && !known.has(value)) introduce(value, "a sparse initialiser");
  }
  for (const node of graph.nodes) {
    checkOperator(model, node);
    for (const [index, value] of node.inputs.entries()) {
      if (!value) continue;
      if (!known.has(value)) throw unread(graph, node, value, index);
      if (!value.uses.some((use) => use.node === node && use.index === index)) {
        throw invalid(`"${value.name}" does not know that ${node.label} uses it.`);
      }
      uses.set(value, (uses.get(value) ?? 0) + 1);
    }
    for (const body of subgraphsOf(node)) checkGraph(model, body, known, uses);
    for (const output of node.outputs) {
      if (output.name === "") continue;
      introduce(output, `made by ${node.label}`);
      if (output.producer !== node)
        throw invalid(`"${output.name}" does not know that ${node.label} makes it.`);
    }
  }
  for (const output of graph.outputs) {
    if (!known.has(output))
      throw invalid(`Nothing makes the output "${output.name}" of graph "${graph.name}".`);
    if (!graph.owns(output)) {
      throw invalid(
        `The output "${output.name}" of graph "${graph.name}" is a value of the graph around: put an Identity between.`,
      );
    }
  }
}

function checkOperator(model: Model, node: Node): void {
  if (!model.opsets.has(node.domain) && !(node.isStandard && model.opset > 0)) {
    throw invalid(`${node.label} is of domain "${node.domain}", which the model does not import.`);
  }
  const row = node.isStandard ? operatorOf(node.opType) : undefined;
  if (!row) return;
  // Optional inputs may be left out at the end, or be given as blanks.
  checkCount(node, "inputs", node.inputs.length, node.inputs.findLastIndex((value) => value) + 1, row.inputs);
  checkCount(node, "outputs", node.outputs.length, node.outputs.length, row.outputs);
}

function checkCount(node: Node, what: string, listed: number, given: number, [least, most]: Arity): void {
  if (given >= least && listed <= most) return;
  const range =
    least === most
      ? `${least}`
      : most === Number.POSITIVE_INFINITY
        ? `at least ${least}`
        : `${least} to ${most}`;
  throw invalid(
    `${node.label} has ${given < least ? given : listed} ${what}; ${node.opType} takes ${range}.`,
  );
}

/** What a declaration says of a constant must be true. Unknown sizes and names of sizes fit any number. */
function checkConstant(value: Value): void {
  const tensor = value.constant;
  const declared = value.type;
  if (!tensor || declared?.kind !== "tensor") return;
  const shape = declared.shape;
  const fits =
    !shape ||
    (shape.length === tensor.dims.length &&
      shape.every((size, i) => typeof size !== "number" || size === tensor.dims[i]));
  if (fits && declared.elementType === tensor.type) return;
  throw invalid(
    `The initialiser "${value.name}" is ${tensor.type} [${tensor.dims}], but is declared as ` +
      `${declared.elementType} [${shape?.map((size) => size ?? "?") ?? "unknown rank"}].`,
  );
}

/** Why a value is not there yet: a cycle, an order that is wrong, another scope, or nothing makes it. */
function unread(graph: Graph, node: Node, value: Value, index: number) {
  const reads = `${node.label} reads "${value.name}" (input ${index}), which`;
  if (!value.producer) return invalid(`${reads} nothing makes.`);
  assertAcyclic(graph);
  for (let around: Graph | null = graph; around; around = around.parent) {
    if (around.owns(value))
      return invalid(`${reads} is made only later, by ${value.producer.label}: sort the nodes.`);
  }
  return invalid(`${reads} is made inside another graph, by ${value.producer.label}.`);
}

function invalid(message: string) {
  return onnxErrors.error("MODEL_INVALID", message);
}
