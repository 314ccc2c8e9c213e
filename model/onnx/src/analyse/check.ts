/** The rules every ONNX graph keeps, checked with errors that name the node and the value. */
import { onnxErrors } from "../errors.ts";
import { assertAcyclic, type Graph, type Model, type Node, subgraphsOf, type Value } from "../graph/index.ts";
import { leastCount, needsInput } from "../shape/needed-inputs.ts";
import { operatorOf } from "../shape/operators.ts";
import type { Arity } from "../shape/rule.ts";
import { checkFunctions } from "./check-functions.ts";

/**
 * Operator sets are imported; names are unique where they must be; every value read is made before, here
 * or in a graph around; every output is made; constants are what their declarations say; operators of ONNX
 * have the inputs they need, and those Cupel knows as many inputs and outputs as they may; functions of the
 * model do not call themselves; and each value knows its producer and its uses.
 * @throws MODEL_INVALID on the first rule broken.
 */
export function checkModel(model: Model): void {
  if (model.opsets.size === 0) {
    throw invalid("The model does not say which operator set it uses.");
  }
  if (model.graph.outputs.length === 0) throw invalid("The graph has no outputs: nothing could be computed.");
  const reads = new Reads();
  checkGraph(model, model.graph, new Scope(), reads);
  reads.checkCounts();
  checkFunctions(model);
}

/** The values that exist at a point of the walk: of the graph in hand and of those around it. */
class Scope {
  readonly #values = new Set<Value>();
  readonly #names = new Set<string>();

  has(value: Value): boolean {
    return this.#values.has(value);
  }

  introduce(value: Value, graph: Graph, what: string): void {
    if (this.#values.has(value)) throw invalid(`"${value.name}" is ${what}, but already has a value.`);
    if (this.#names.has(value.name))
      throw invalid(`Two values are named "${value.name}"; the second is ${what}.`);
    if (!graph.owns(value)) throw invalid(`"${value.name}" is ${what}, but belongs to another graph.`);
    this.#values.add(value);
    this.#names.add(value.name);
  }

  /** What a body made is not known behind it. */
  leave(body: Graph): void {
    for (const value of body.values()) {
      if (this.#values.delete(value)) this.#names.delete(value.name);
    }
  }
}

/** What nodes read, against the uses that values list: each list is walked once, however many read the value. */
class Reads {
  readonly #listed = new Map<Value, ReadonlyMap<Node, ReadonlySet<number>>>();
  readonly #counts = new Map<Value, number>();

  check(value: Value, node: Node, index: number): void {
    if (!this.#usesOf(value).get(node)?.has(index)) {
      throw invalid(`"${value.name}" does not know that ${node.label} uses it.`);
    }
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  /** Each read was found on the value, so that a greater number there means one of no node. */
  checkCounts(): void {
    for (const [value, count] of this.#counts) {
      if (value.uses.length !== count)
        throw invalid(`"${value.name}" lists a use by a node that does not read it.`);
    }
  }

  #usesOf(value: Value): ReadonlyMap<Node, ReadonlySet<number>> {
    const held = this.#listed.get(value);
    if (held) return held;
    const uses = new Map<Node, Set<number>>();
    for (const { node, index } of value.uses) {
      const places = uses.get(node);
      if (places) places.add(index);
      else uses.set(node, new Set([index]));
    }
    this.#listed.set(value, uses);
    return uses;
  }
}

/** @param scope with the values of the graphs around that exist when this one runs. */
function checkGraph(model: Model, graph: Graph, scope: Scope, reads: Reads): void {
  const introduce = (value: Value, what: string): void => scope.introduce(value, graph, what);
  for (const input of graph.inputs) introduce(input, `an input of graph "${graph.name}"`);
  const inputs = new Set(graph.inputs);
  for (const constant of graph.initializers) {
    // Up to IR 3 every initialiser was an input as well; since then, one that is may be replaced by a caller.
    if (!inputs.has(constant)) introduce(constant, "an initialiser");
    checkConstant(constant);
  }
  for (const value of graph.values()) {
    if (value.sparse && !scope.has(value)) introduce(value, "a sparse initialiser");
  }
  for (const node of graph.nodes) {
    checkOperator(model, node);
    for (const [index, value] of node.inputs.entries()) {
      if (!value) continue;
      if (!scope.has(value)) throw unread(graph, node, value, index);
      reads.check(value, node, index);
    }
    for (const body of subgraphsOf(node)) {
      checkGraph(model, body, scope, reads);
      scope.leave(body);
    }
    for (const output of node.outputs) {
      if (output.name === "") continue;
      introduce(output, `made by ${node.label}`);
      if (output.producer !== node)
        throw invalid(`"${output.name}" does not know that ${node.label} makes it.`);
    }
  }
  for (const output of graph.outputs) {
    if (!scope.has(output))
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
  if (!node.isStandard) return;
  const row = operatorOf(node.opType);
  if (row) {
    // Optional inputs may be left out at the end, or be given as blanks.
    const given = node.inputs.findLastIndex((value) => value) + 1;
    const [least, most] = row.inputs;
    const arity = [Math.max(least, leastCount(node.opType, model.opset)), most] as const;
    checkCount(node, "inputs", node.inputs.length, given, arity);
    checkCount(node, "outputs", node.outputs.length, node.outputs.length, row.outputs);
    checkTrainingOutputs(node, model.opset);
  }
  const blank = node.inputs.findIndex((value, index) => !value && needsInput(node.opType, index));
  if (blank >= 0) throw invalid(`${node.label} leaves its input ${blank} blank, which it needs.`);
}

/** Those of BatchNormalization are the only ones of which some counts between the least and the greatest are wrong. */
function checkTrainingOutputs(node: Node, opset: number): void {
  const counts = opset < 14 ? [1, 5] : [1, 2, 3];
  const count = node.outputs.length;
  if (node.opType !== "BatchNormalization" || counts.includes(count)) return;
  throw invalid(
    `${node.label} has ${count} outputs; in operator set ${opset} it gives ${counts.join(" or ")}.`,
  );
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
