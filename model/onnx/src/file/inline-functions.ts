/**
 * A model without functions: each call is replaced by the nodes of the function, as the engine does when it loads the
 * model. To look at, not to be written: weights beside the model cannot be read from it.
 * https://github.com/onnx/onnx/blob/main/docs/IR.md#functions
 */
import { create } from "@bufbuild/protobuf";
import { onnxErrors } from "../errors.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "../gen/onnx_pb.ts";
import type { Model } from "../graph/index.ts";
import type { ExternalFiles } from "./external-data.ts";
import { calledBy, type Functions, functionsByKey, functionsInOrder, nodesOf } from "./functions.ts";
import { modelFromProto } from "./read.ts";
import { modelToProto } from "./to-proto.ts";

/** Nodes that the calls of functions may be replaced by: ten times those of the largest networks. */
export const inlinedNodeLimit = 100_000;

/** The model itself where it has no functions. @throws MODEL_INVALID, LOADING_TOO_LARGE */
export function withoutFunctions(model: Model): Model {
  if (model.functions.length === 0) return model;
  const functions = functionsByKey(model.functions);
  const ordered = functionsInOrder(functions);
  const proto = modelToProto(model, () => "unchanged");
  assertCount(proto.graph!, ordered, functions);
  const inlining = new Inlining(functions);
  for (const each of ordered) inlining.flatten(each);
  const graph = inlining.graph(proto.graph!);
  return modelFromProto(create(ModelProtoSchema, { ...proto, functions: [], graph }), unread);
}

/** Whatever lies beside the model is left there. */
const unread: ExternalFiles = {
  source: (_, length) => ({
    kind: "external",
    place: { location: "", offset: 0, length },
    load() {
      throw onnxErrors.error("EXTERNAL_DATA_MISSING", "A model without its functions has no external data.");
    },
  }),
};

function assertCount(graph: GraphProto, ordered: readonly FunctionProto[], functions: Functions): void {
  const counts = new Map<FunctionProto, number>();
  const countOf = (nodes: readonly NodeProto[]): number => {
    let count = 0;
    for (const node of nodesOf(nodes)) {
      const called = calledBy(node, functions);
      count += called ? counts.get(called)! : 1;
    }
    return count;
  };
  for (const each of ordered) counts.set(each, countOf(each.node));
  const count = countOf(graph.node);
  if (count <= inlinedNodeLimit) return;
  throw onnxErrors.error(
    "LOADING_TOO_LARGE",
    `The functions of the model call each other so often that the engine would make ${count.toLocaleString("en")} nodes ` +
      `of it, more than the ${inlinedNodeLimit.toLocaleString("en")} that are allowed. Export it without functions.`,
    { details: { nodes: count, limit: inlinedNodeLimit } },
  );
}

/** What stands for the names and attributes of a function where it is called. */
interface Place {
  nameOf(name: string): string;
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

class Inlining {
  readonly #functions: Functions;
  /** Bodies without calls, of the functions done so far. */
  readonly #flat = new Map<FunctionProto, readonly NodeProto[]>();
  #calls = 0;

  constructor(functions: Functions) {
    this.#functions = functions;
  }

  /** After those that it calls. */
  flatten(called: FunctionProto): void {
    this.#flat.set(called, this.#nodes(called.node));
  }

  graph(graph: GraphProto): GraphProto {
    return create(GraphProtoSchema, { ...graph, node: this.#nodes(graph.node) });
  }

  #nodes(nodes: readonly NodeProto[]): NodeProto[] {
    return nodes.flatMap((node) => {
      const called = calledBy(node, this.#functions);
      if (called) return this.#body(node, called);
      if (node.attribute.every(({ g, graphs }) => !g && graphs.length === 0)) return [node];
      const attribute = node.attribute.map((each) => withBodies(each, (body) => this.graph(body)));
      return [create(NodeProtoSchema, { ...node, attribute })];
    });
  }

  #body(node: NodeProto, called: FunctionProto): NodeProto[] {
    const call = ++this.#calls;
    const names = new Map<string, string>([["", ""]]);
    for (const [i, name] of called.input.entries()) names.set(name, node.input[i] ?? "");
    for (const [i, name] of called.output.entries()) if (node.output[i]) names.set(name, node.output[i]);
    const given = [...called.attributeProto, ...node.attribute];
    const place: Place = {
      nameOf: (name) => names.get(name) ?? `call ${call}: ${name}`,
      attributes: new Map(given.map((each) => [each.name, each])),
    };
    return this.#flat.get(called)!.map((each) => placed(each, place));
  }
}

function placed(node: NodeProto, place: Place): NodeProto {
  return create(NodeProtoSchema, {
    ...node,
    input: node.input.map(place.nameOf),
    output: node.output.map(place.nameOf),
    attribute: node.attribute.flatMap((each) => {
      if (each.refAttrName === "") return [withBodies(each, (body) => placedGraph(body, place))];
      const given = place.attributes.get(each.refAttrName);
      return given ? [create(AttributeProtoSchema, { ...given, name: each.name })] : [];
    }),
  });
}

function placedGraph(graph: GraphProto, place: Place): GraphProto {
  const value = (info: GraphProto["input"][number]) =>
    create(ValueInfoProtoSchema, { ...info, name: place.nameOf(info.name) });
  return create(GraphProtoSchema, {
    ...graph,
    node: graph.node.map((node) => placed(node, place)),
    input: graph.input.map(value),
    output: graph.output.map(value),
    valueInfo: [],
    initializer: graph.initializer.map((each) =>
      create(TensorProtoSchema, { ...each, name: place.nameOf(each.name) }),
    ),
  });
}

function withBodies(attribute: AttributeProto, change: (body: GraphProto) => GraphProto): AttributeProto {
  const { g, graphs } = attribute;
  if (!g && graphs.length === 0) return attribute;
  return create(AttributeProtoSchema, {
    ...attribute,
    ...(g ? { g: change(g) } : {}),
    graphs: graphs.map(change),
  });
}
