/** The functions that a model brings along: which one a node calls, and in which order they call each other. */
import { onnxErrors } from "../errors.ts";
import type { FunctionProto, GraphProto, NodeProto } from "../gen/onnx_pb.ts";

export type Call = Pick<NodeProto, "domain" | "opType" | "overload">;
export type Functions = ReadonlyMap<string, FunctionProto>;

/** The engine and the format know a function by these three. */
function keyOf(domain: string, name: string, overload: string): string {
  return JSON.stringify([domain === "ai.onnx" ? "" : domain, name, overload]);
}

export function functionsByKey(functions: readonly FunctionProto[]): Functions {
  return new Map(functions.map((each) => [keyOf(each.domain, each.name, each.overload), each]));
}

export function calledBy(
  { domain, opType, overload }: Call,
  functions: Functions,
): FunctionProto | undefined {
  return functions.get(keyOf(domain, opType, overload));
}

/**
 * Each after those that it calls. Depth first, with a stack of its own: a chain of calls may be long.
 * @throws MODEL_INVALID for one that calls itself, by whatever way
 */
export function functionsInOrder(functions: Functions): FunctionProto[] {
  const done = new Set<FunctionProto>();
  const open = new Set<FunctionProto>();
  const stack: { readonly inside: FunctionProto; readonly nodes: Iterator<NodeProto, void> }[] = [];
  const enter = (inside: FunctionProto): void => {
    if (done.has(inside)) return;
    if (open.has(inside)) {
      throw onnxErrors.error("MODEL_INVALID", `The function "${inside.name}" calls itself.`);
    }
    open.add(inside);
    stack.push({ inside, nodes: nodesOf(inside.node) });
  };
  for (const first of functions.values()) {
    enter(first);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const next = top.nodes.next();
      const called = next.done ? undefined : calledBy(next.value, functions);
      if (called) enter(called);
      if (!next.done) continue;
      open.delete(top.inside);
      done.add(top.inside);
      stack.pop();
    }
  }
  return [...done];
}

/** The nodes and those of the bodies nested in them. */
export function* nodesOf(nodes: readonly NodeProto[]): Generator<NodeProto, void> {
  for (const node of nodes) {
    yield node;
    for (const { g, graphs } of node.attribute) {
      const bodies: GraphProto[] = g ? [g, ...graphs] : graphs;
      for (const body of bodies) yield* nodesOf(body.node);
    }
  }
}
