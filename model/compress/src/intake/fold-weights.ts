/**
 * Weights that the graph computes from constants, as weight standardisation does, become constants: else no
 * later step would know the layer, and it would stay in float. The engine computes them, once, by the very
 * nodes that stand there, so that any operator will do and the result is the one the model runs with.
 *
 * What no layer reads as a weight is left to the engine where storing it would make the file larger.
 */

import { elementCount, type WorkOptions } from "@cupel/base";
import {
  bytesOf,
  cloneModel,
  elementTypes,
  encodeModelBytes,
  type Graph,
  isStatic,
  type Model,
  type Node,
  operatorFacts,
  removeDeadCode,
  runPasses,
  subgraphsOf,
  Tensor,
  type Value,
} from "@cupel/onnx";
import { openSession, type TensorData } from "@cupel/runtime";

export interface FoldWeightsOptions extends Pick<WorkOptions, "signal"> {
  readonly threads?: number | undefined;
  /** Default: `openSession` of @cupel/runtime. */
  readonly open?: typeof openSession | undefined;
}

/** What is no weight may make the file larger by this many bytes. */
const growthLimit = 1024;

/** A value larger than this and than all constants of the model together is not computed ahead. */
const leastSizeLimit = 16 * 2 ** 20;

/** Not the same at every run, or made so that weights are small at rest. */
const notFolded = new Set([
  "Bernoulli",
  "Dropout",
  "Multinomial",
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
  "DequantizeLinear",
]);

/** @param model with inferred shapes; edited in place. @returns sentences for the log. @throws what a session throws */
export async function foldWeights(
  model: Model,
  { threads, open = openSession, signal }: FoldWeightsOptions,
): Promise<readonly string[]> {
  const { graph } = model;
  const wanted = foldable(graph);
  if (wanted.length === 0) return [];
  await using session = await open(encodeModelBytes(computing(model, wanted)), { threads, signal });
  const results = new Map(Object.entries(await session.run({}, { signal })));
  const folded = wanted.map((value) => {
    const constant = graph.addConstant(value.name, tensorOf(results.get(value.name)!));
    graph.replaceUses(value, constant);
    return { name: value.name, constant };
  });
  runPasses(model, [removeDeadCode]);
  for (const { name, constant } of folded) if (graph.uniqueName(name) === name) graph.rename(constant, name);
  return [
    `computed ${folded.length} ${folded.length === 1 ? "constant" : "constants"} ahead that layers read`,
  ];
}

function tensorOf({ type, dims, data }: TensorData): Tensor {
  return Tensor.fromBytes(type, dims, bytesOf(data));
}

/** A model without inputs that gives those values. */
function computing(model: Model, wanted: readonly Value[]): Model {
  const copy = cloneModel(model);
  const { inputs, outputs } = copy.graph;
  outputs.splice(0, outputs.length, ...wanted.map(({ name }) => copy.graph.value(name)!));
  runPasses(copy, [removeDeadCode]);
  // What is left reads none of them.
  inputs.splice(0);
  return copy;
}

/** Values that follow from constants, are read by what does not, and are worth storing. */
function foldable(graph: Graph): Value[] {
  const limit = Math.max(leastSizeLimit, bytesOfAll(graph.initializers));
  /** By computed value, the constants it is made from. */
  const sources = new Map<Value, ReadonlySet<Value>>();
  const computed = new Set<Node>();
  for (const node of graph.nodes) {
    const from = sourcesOf(graph, node, sources);
    if (!from || node.outputs.some((output) => output.name !== "" && !(sizeOf(output) <= limit))) continue;
    computed.add(node);
    for (const output of node.outputs) sources.set(output, from);
  }
  return [...sources].flatMap(([value, from]) => {
    const readers = value.uses.filter(({ node }) => !computed.has(node));
    if (readers.length === 0 || graph.isOutput(value)) return [];
    const isWeight = readers.some(({ node, index }) => parametersOf(node).includes(index));
    return isWeight || sizeOf(value) - bytesOfAll(from) <= growthLimit ? [value] : [];
  });
}

/** The constants a node computes from; null for one that needs more than constants. */
function sourcesOf(
  graph: Graph,
  node: Node,
  known: ReadonlyMap<Value, ReadonlySet<Value>>,
): ReadonlySet<Value> | null {
  const operands = node.inputs.filter((value) => value !== null);
  if (!node.isStandard || notFolded.has(node.opType) || operands.length === 0) return null;
  if (subgraphsOf(node).length > 0) return null;
  const from = new Set<Value>();
  for (const operand of operands) {
    const before = isConstant(graph, operand) ? [operand] : known.get(operand);
    if (!before) return null;
    for (const each of before) from.add(each);
  }
  return from;
}

/** Elements under 8 bits are stored that small on purpose. */
function isConstant(graph: Graph, value: Value): boolean {
  return (
    value.constant !== null && elementTypes[value.constant.type].bits >= 8 && !graph.inputs.includes(value)
  );
}

function parametersOf(node: Node): readonly number[] {
  const { weights = [], statistics = [] } = operatorFacts(node);
  return [...weights, ...statistics];
}

/** In bytes; NaN where the shape is not known. */
function sizeOf({ type }: Value): number {
  return type?.kind === "tensor" && isStatic(type.shape)
    ? (elementCount(type.shape) * elementTypes[type.elementType].bits) / 8
    : Number.NaN;
}

function bytesOfAll(constants: Iterable<Value>): number {
  let bytes = 0;
  for (const { constant } of constants) bytes += constant?.byteLength ?? 0;
  return bytes;
}
