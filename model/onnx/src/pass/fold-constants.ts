/**
 * Computes ahead what does not depend on the inputs: Constant nodes become initialisers, shape arithmetic
 * and small constant expressions become their results.
 *
 * Two limits keep the file from growing. A fold may not add more than a kibibyte to it (an Expand of one
 * zero to a mask stays an Expand). Elements under 8 bits are never widened: such weights are stored that small
 * on purpose, and the engine unpacks them when it loads the model.
 */

import { tensorFrom } from "../evaluate/elements.ts";
import { evaluatedOperators } from "../evaluate/evaluate.ts";
import { bytesOf, type Graph, type Node, subgraphsOf, Tensor, type Value } from "../graph/index.ts";
import { type Facts, propagate } from "../infer/propagate.ts";
import type { Pass } from "./pass.ts";

/** Larger tensors are weights: to compute with them is the engine's work. */
const elementLimit = 100_000;

/** Bytes a fold may add. */
const growthLimit = 1024;

/** @throws SHAPE_CONFLICT */
export const foldConstants: Pass = {
  name: "fold-constants",
  run(model) {
    const facts = propagate(model, { elementLimit, trustDefaults: false, unpacks: false });
    const folded = new Map<string, number>();
    fold(model.graph, facts, new Set(model.graph.inputs), folded);
    const notes = [...folded].map(([opType, count]) => `computed ${count} ${opType} ahead`);
    return { modified: notes.length > 0, notes };
  },
};

/** @param replaceable values a caller may feed: not constant even when they have a default. */
function fold(
  graph: Graph,
  facts: Facts,
  replaceable: ReadonlySet<Value>,
  folded: Map<string, number>,
): void {
  const kept = new Set(graph.outputs);
  for (const node of graph.nodes) {
    for (const body of subgraphsOf(node)) fold(body, facts, replaceable, folded);
    if (node.outputs.some((output) => kept.has(output))) continue;
    if (!foldNode(graph, node, facts, replaceable)) continue;
    folded.set(node.opType, (folded.get(node.opType) ?? 0) + 1);
  }
}

function foldNode(graph: Graph, node: Node, facts: Facts, replaceable: ReadonlySet<Value>): boolean {
  const source = node.input(0);
  if (node.is("Identity") && source?.constant && !replaceable.has(source)) {
    graph.replaceUses(node.output, source);
    graph.remove(node);
    return true;
  }
  const results = node.is("Constant") ? [heldBy(node)] : computed(node, facts);
  if (!results) return false;
  const operands = node.inputs.filter((value) => value !== null);
  const isComplete = node.outputs.every((output, index) => output.uses.length === 0 || results[index]);
  if (!isComplete) return false;
  replaceBy(graph, node, results);
  // What only fed the node is dropped with it, so that a fold never leaves two copies.
  for (const operand of new Set(operands)) {
    const isLeft = operand.constant && operand.uses.length === 0 && graph.owns(operand);
    if (isLeft && !replaceable.has(operand) && !graph.isOutput(operand)) graph.removeConstant(operand);
  }
  return true;
}

/** The results of a node all of whose elements are known, unless storing them is not worth it. */
function computed(node: Node, facts: Facts): (Tensor | null)[] | null {
  if (!node.isStandard || !evaluatedOperators.has(node.opType)) return null;
  const results = node.outputs.map((output) => {
    const held = facts.contents.get(output);
    return held ? tensorFrom(held) : null;
  });
  if (results.every((tensor) => tensor === null)) return null;
  const before = node.inputs.reduce((sum, value) => sum + (value?.constant?.byteLength ?? 0), 0);
  const after = results.reduce((sum, tensor) => sum + (tensor?.byteLength ?? 0), 0);
  return after - before <= growthLimit ? results : null;
}

/** What a Constant node holds, of any size. Null for a sparse value. */
function heldBy(node: Node): Tensor | null {
  for (const each of node.attributes.values()) {
    switch (each.kind) {
      case "tensor":
        return each.value;
      case "int":
        return Tensor.fromBytes("int64", [], bytesOf(BigInt64Array.of(wholeOf(each.proto?.i, each.value))));
      case "ints": {
        const exact = each.proto?.ints ?? each.value.map(BigInt);
        return Tensor.fromBytes("int64", [exact.length], bytesOf(BigInt64Array.from(exact)));
      }
      case "float":
        return Tensor.float32([], [each.value]);
      case "floats":
        return Tensor.float32([each.value.length], each.value);
      case "string":
        return stringTensor([], [each.value]);
      case "strings":
        return stringTensor([each.value.length], each.value);
    }
  }
  return null;
}

/** The attribute as read has all 64 bits; as a number it may have lost some. */
function wholeOf(read: bigint | undefined, value: number): bigint {
  return read ?? BigInt(value);
}

function stringTensor(dims: readonly number[], texts: readonly string[]): Tensor {
  const encoder = new TextEncoder();
  return new Tensor("string", dims, { kind: "strings", strings: texts.map((text) => encoder.encode(text)) });
}

/** Constants take the place of the outputs, under the names these had. */
function replaceBy(graph: Graph, node: Node, results: readonly (Tensor | null)[]): void {
  const made: { readonly name: string; readonly value: Value }[] = [];
  for (const [index, output] of node.outputs.entries()) {
    const tensor = results[index];
    if (!tensor || output.uses.length === 0) continue;
    const value = graph.addConstant(output.name, tensor);
    graph.replaceUses(output, value);
    made.push({ name: output.name, value });
  }
  graph.remove(node);
  // Both branches of an If may use one name: then this one keeps its new name.
  for (const { name, value } of made) if (graph.uniqueName(name) === name) graph.rename(value, name);
}
