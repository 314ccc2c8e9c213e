/**
 * Gives each parameter a constant of its own. Exporters keep equal constants once, and in a new network all biases are 0
 * and all scales 1: trained as one, each would get the sum of the gradients of all.
 *
 * Two layers may also share a weight by the network's design, which the file does not say. A constant stays one parameter
 * where all read it as a matrix, its elements differ (weights drawn apart are never equal), and the exporter names no two modules
 * or parameters for it. Whoever knows better says so by name.
 */
import {
  elementTypes,
  type Graph,
  type Model,
  type Node,
  operatorFacts,
  type Use,
  type Value,
} from "@cupel/onnx";
import { moduleOf } from "./exported-module.ts";
import { isKeptName, isParameterName } from "./parameter-name.ts";
import { ParameterRule } from "./parameters.ts";

export interface Separated {
  /** Names of the parameters that were made of each constant, its own included; in file order. */
  readonly made: ReadonlyMap<string, readonly string[]>;
  /** Constants that several layers read and that were left as one parameter. */
  readonly tied: readonly string[];
}

/** Whether the constant of a name is one parameter for all that read it, or one for each; undefined where that is to be found out. */
export type Tied = (name: string) => boolean | undefined;

/** @param model whose Constant nodes are initialisers */
export function separateParameters(model: Model, isTied: Tied): Separated {
  const { graph } = model;
  const made = new Map<string, string[]>();
  const tied = new Set<string>();
  for (const node of graph.nodes) resolveAlias(graph, node, isTied, made);
  const rule = new ParameterRule(model);
  const fed = fedValues(graph);
  for (const value of [...graph.initializers]) {
    const { constant, name, uses } = value;
    if (constant?.type !== "float32" || uses.length < 2) continue;
    const own = uses.filter((use) => isStatistic(use) || rule.isParameter(value, use));
    // Arithmetic on a parameter alone, as where a weight is standardised: all its uses are of one parameter.
    if (uses.some(({ node }) => !isFed(node, fed) && !movesOnly(node))) {
      if (own.filter(({ node }) => isFed(node, fed)).length > 1) tied.add(name);
      continue;
    }
    if (own.length < 2 && (own.length === 0 || own.length === uses.length)) continue;
    if ((isTied(name) ?? isOneMatrix(value, own)) && !own.some(isStatistic)) {
      tied.add(name);
      continue;
    }
    const copies = copiesFor(graph, value, own);
    if (own.some((use) => !isStatistic(use)) && own.length > 1)
      made.set(name, [...(made.get(name) ?? [name]), ...copies]);
  }
  return { made, tied: [...tied] };
}

/**
 * An Identity of a constant is how torch.onnx.export writes a parameter that is equal to another, under the name of
 * the former; a Cast to float32 is what is left of a weight that was stored in 16 bits.
 */
function resolveAlias(graph: Graph, node: Node, isTied: Tied, made: Map<string, string[]>): void {
  const source = node.input(0);
  const isCast = node.is("Cast") && node.int("to", 0) === elementTypes.float32.code;
  if (source?.constant?.type !== "float32" || !(node.is("Identity") || isCast)) return;
  if (graph.inputs.includes(source) || graph.isOutput(node.output)) return;
  const { name } = node.output;
  const isShared = source.uses.length > 1 || graph.isOutput(source);
  if (!isShared || isTied(source.name) === true || !(isParameterName(name, "pytorch") || isKeptName(name))) {
    graph.replaceUses(node.output, source);
    graph.remove(node);
    return;
  }
  const copy = graph.addConstant(name, source.constant);
  graph.replaceUses(node.output, copy);
  graph.remove(node);
  graph.rename(copy, name);
  const names = made.get(source.name) ?? [source.name];
  made.set(source.name, [...names, name]);
}

/** Values that follow from what the network is fed. */
function fedValues(graph: Graph): Set<Value> {
  const fed = new Set(graph.inputs.filter((input) => !input.constant));
  for (const node of graph.nodes) {
    if (isFed(node, fed)) for (const output of node.outputs) fed.add(output);
  }
  return fed;
}

function isFed(node: Node, fed: ReadonlySet<Value>): boolean {
  return node.inputs.some((input) => input && fed.has(input));
}

function movesOnly(node: Node): boolean {
  return operatorFacts(node).rearranges === true || node.is("Expand", "Cast");
}

function isStatistic({ node, index }: Use): boolean {
  return operatorFacts(node).statistics?.includes(index) === true;
}

/** Whether the layers share the weight by design, as far as the file tells. */
function isOneMatrix({ constant }: Value, uses: readonly Use[]): boolean {
  if (constant!.dims.length < 2) return false;
  const readsMatrix = uses.every(
    ({ node, index }) =>
      node.is("Gather") || movesOnly(node) || (isLayer(node) && index === 1) || node.is("MatMul"),
  );
  const modules = new Set(uses.flatMap(({ node }) => moduleOf(node) ?? []));
  if (!readsMatrix || modules.size > 1) return false;
  const elements = constant!.toFloat32();
  return elements.some((element) => element !== elements[0]);
}

function isLayer(node: Node): boolean {
  return node.is("Conv", "ConvTranspose", "Gemm");
}

/** The value stays with the use it is named after, or with the first. @returns the names of the others */
function copiesFor(graph: Graph, value: Value, own: readonly Use[]): string[] {
  const names = own.map((use) => nameAt(use, value.name));
  const owner = Math.max(0, names.indexOf(value.name));
  const rest = value.uses.filter((use) => !own.includes(use));
  const copy = (base: string, uses: readonly Use[]): string => {
    const made = graph.addConstant(base, value.constant!);
    for (const { node, index } of uses) node.setInput(index, made);
    return made.name;
  };
  const copies = own.flatMap((use, at) => (at === owner ? [] : [copy(names[at] ?? value.name, [use])]));
  if (rest.length > 0) copy(`${value.name}_constant`, rest);
  return copies;
}

/** The name that the parameter has in PyTorch, where the exporter tells of which module the node is. */
function nameAt({ node, index }: Use, merged: string): string | null {
  const module = moduleOf(node);
  if (module === null) return null;
  const isNamed = operatorFacts(node).weights?.includes(index) && !node.is("MatMul");
  const last = isNamed ? ["", "weight", "bias"][index] : merged.slice(merged.lastIndexOf(".") + 1);
  return last ? `${module}.${last}` : null;
}
