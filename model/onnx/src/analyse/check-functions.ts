/**
 * The functions that a model brings along: the engine puts their nodes in the place of each call, and checks no more
 * of them than of other nodes. A function's body is kept as the message it was read as, so that it is looked at here
 * in that form.
 */
import { onnxErrors } from "../errors.ts";
import {
  type Call,
  calledBy,
  type Functions,
  functionsByKey,
  functionsInOrder,
  nodesOf,
} from "../file/functions.ts";
import type { FunctionProto, NodeProto } from "../gen/onnx_pb.ts";
import type { Model, Node } from "../graph/index.ts";
import { needsInput } from "../shape/needed-inputs.ts";

/** An input of a function that some call leaves out, so that it is blank wherever the body reads it. */
interface LeftOut {
  readonly called: FunctionProto;
  readonly input: number;
}

/**
 * No function calls itself, by whatever way, and no node of a body, with what calls leave out, is without an input
 * that its operator needs.
 * @throws MODEL_INVALID
 */
export function checkFunctions(model: Model): void {
  if (model.functions.length === 0) return;
  const functions = functionsByKey(model.functions);
  functionsInOrder(functions);
  const leftOut: LeftOut[] = [];
  for (const node of model.graph.allNodes()) {
    for (const each of leftOutBy(callOf(node), functions)) leftOut.push(each);
  }
  for (const each of functions.values()) {
    for (const node of nodesOf(each.node)) {
      checkInputs(each, node, (name) => name === "");
      for (const each of leftOutBy(node, functions)) leftOut.push(each);
    }
  }
  const readers = new Map<FunctionProto, Map<string, Set<NodeProto>>>();
  for (let at = 0; at < leftOut.length; at++) {
    const { called, input } = leftOut[at]!;
    const blank = called.input[input]!;
    const byName = readers.get(called) ?? readersIn(called);
    readers.set(called, byName);
    const nodes = byName.get(blank) ?? [];
    // Once is enough, however many calls leave it out.
    byName.delete(blank);
    for (const node of nodes) {
      checkInputs(called, node, (name) => name === blank);
      for (const each of leftOutBy(node, functions, blank)) leftOut.push(each);
    }
  }
}

/** The nodes of a body by the names that they read. */
function readersIn(called: FunctionProto): Map<string, Set<NodeProto>> {
  const readers = new Map<string, Set<NodeProto>>();
  for (const node of nodesOf(called.node)) {
    for (const name of node.input) {
      const nodes = readers.get(name);
      if (nodes) nodes.add(node);
      else readers.set(name, new Set([node]));
    }
  }
  return readers;
}

type CallWithInputs = Call & Pick<NodeProto, "input">;

function callOf(node: Node): CallWithInputs {
  const { domain, opType, proto } = node;
  return {
    domain,
    opType,
    overload: proto?.overload ?? "",
    input: node.inputs.map((value) => value?.name ?? ""),
  };
}

/** @param blank a name that is blank as well. Default: none. */
function leftOutBy(node: CallWithInputs, functions: Functions, blank = ""): LeftOut[] {
  const called = calledBy(node, functions);
  if (!called) return [];
  return called.input.flatMap((_, input) => {
    const given = node.input[input] ?? "";
    return given === "" || given === blank ? [{ called, input }] : [];
  });
}

function checkInputs(inside: FunctionProto, node: NodeProto, isBlank: (name: string) => boolean): void {
  if (node.domain !== "" && node.domain !== "ai.onnx") return;
  const blank = node.input.findIndex((name, index) => isBlank(name) && needsInput(node.opType, index));
  if (blank < 0) return;
  const label = `${node.opType} "${node.name || node.output[0] || "?"}"`;
  throw invalid(
    `${label} of the function "${inside.name}" leaves its input ${blank} blank, which it needs` +
      `${node.input[blank] === "" ? "" : `: a call gives no "${node.input[blank]}"`}.`,
  );
}

function invalid(message: string) {
  return onnxErrors.error("MODEL_INVALID", message);
}
