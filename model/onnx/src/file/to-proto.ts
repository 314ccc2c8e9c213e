/** Model to protobuf messages. Messages a part was read from are reused wherever the part is unchanged. */

import { clone, create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type OperatorSetIdProto,
  OperatorSetIdProtoSchema,
  type SparseTensorProto,
  SparseTensorProtoSchema,
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../gen/onnx_pb.ts";
import {
  type Attribute,
  type ExternalPlace,
  elementTypes,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type Value,
  type ValueType,
} from "../graph/index.ts";
import { externalLocation } from "./external-data.ts";
import { attributeType, valueTypeOf } from "./read.ts";

/**
 * Where a constant's bytes go: into the model, where they already are beside it, or to a new place. "counted" leaves them
 * out, for who only wants to know how long the message would be.
 */
export type Placement = (tensor: Tensor) => "inside" | "unchanged" | "counted" | ExternalPlace;

export function modelToProto(model: Model, place: Placement): ModelProto {
  const proto = shallowCopy(ModelProtoSchema, model.proto);
  if (proto.irVersion !== BigInt(model.irVersion)) proto.irVersion = BigInt(model.irVersion);
  if (proto.producerName !== model.producerName) proto.producerName = model.producerName;
  if (proto.producerVersion !== model.producerVersion) proto.producerVersion = model.producerVersion;
  proto.opsetImport = opsetsToProto(model.opsets, model.proto?.opsetImport ?? []);
  proto.metadataProps = entriesToProto(model.metadata, model.proto?.metadataProps ?? []);
  proto.functions = model.functions;
  proto.graph = graphToProto(model.graph, place);
  return proto;
}

function opsetsToProto(
  opsets: ReadonlyMap<string, number>,
  read: readonly OperatorSetIdProto[],
): OperatorSetIdProto[] {
  const asRead = firstBy(read, ({ domain }) => domain);
  return Array.from(opsets, ([domain, version]) => {
    const held = asRead.get(domain);
    return held && Number(held.version) === version
      ? held
      : create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) });
  });
}

function entriesToProto(
  entries: ReadonlyMap<string, string>,
  read: readonly StringStringEntryProto[],
): StringStringEntryProto[] {
  const asRead = firstBy(read, ({ key, value }) => JSON.stringify([key, value]));
  return Array.from(
    entries,
    ([key, value]) =>
      asRead.get(JSON.stringify([key, value])) ?? create(StringStringEntryProtoSchema, { key, value }),
  );
}

/** The first message of each key: they are looked up once for every entry, of which there may be many. */
function firstBy<Message>(
  messages: readonly Message[],
  keyOf: (message: Message) => string,
): Map<string, Message> {
  return new Map(messages.toReversed().map((message) => [keyOf(message), message]));
}

function graphToProto(graph: Graph, place: Placement): GraphProto {
  const proto = shallowCopy(GraphProtoSchema, graph.proto);
  if (proto.name !== graph.name) proto.name = graph.name;
  proto.node = Array.from(graph.nodes, (node) => nodeToProto(node, place));
  proto.initializer = Array.from(graph.initializers, (value) =>
    tensorToProto(value.constant!, value.name, place),
  );
  proto.sparseInitializer = [...graph.values()].flatMap((value) =>
    value.sparse ? [sparseToProto(value.sparse, value.name)] : [],
  );
  proto.input = graph.inputs.map((value) => valueToProto(value, value.proto));
  const declared = new Map((graph.proto?.output ?? []).map((info) => [info.name, info]));
  proto.output = graph.outputs.map((value) => valueToProto(value, declared.get(value.name) ?? value.proto));
  proto.valueInfo = valueInfoOf(graph);
  return proto;
}

/** What the file said of values between nodes, about those that are still there. */
function valueInfoOf(graph: Graph): ValueInfoProto[] {
  const read = graph.proto;
  if (!read || read.valueInfo.length === 0) return [];
  const byNameRead = new Map(Array.from(graph.values(), (value) => [value.proto?.name ?? value.name, value]));
  const madeThen = new Set([
    ...read.node.flatMap((node) => node.output),
    ...read.initializer.map((tensor) => tensor.name),
  ]);
  return read.valueInfo.flatMap((info) => {
    const value = byNameRead.get(info.name);
    if (value) return [valueToProto(value, info)];
    // Said of nothing in this graph when it was read: kept. Said of a value that has gone since: dropped.
    return madeThen.has(info.name) || graph.value(info.name) ? [] : [info];
  });
}

function sparseToProto(sparse: SparseTensorProto, name: string): SparseTensorProto {
  if (!sparse.values || sparse.values.name === name) return sparse;
  const renamed = shallowCopy(SparseTensorProtoSchema, sparse);
  renamed.values = shallowCopy(TensorProtoSchema, sparse.values);
  renamed.values.name = name;
  return renamed;
}

function nodeToProto(node: Node, place: Placement): NodeProto {
  const proto = shallowCopy(NodeProtoSchema, node.proto);
  proto.input = node.inputs.map((value) => value?.name ?? "");
  proto.output = node.outputs.map((value) => value.name);
  if (proto.name !== node.name) proto.name = node.name;
  if (proto.opType !== node.opType) proto.opType = node.opType;
  if (proto.domain !== node.domain) proto.domain = node.domain;
  proto.attribute = [...node.attributes].map(([name, value]) => attributeToProto(name, value, place));
  return proto;
}

function attributeToProto(name: string, attribute: Attribute, place: Placement): AttributeProto {
  if (attribute.kind === "graph" || attribute.kind === "graphs") {
    const proto = shallowCopy(AttributeProtoSchema, attribute.proto ?? null);
    proto.name = name;
    if (attribute.kind === "graph") {
      proto.g = graphToProto(attribute.value, place);
      if (!attribute.proto) proto.type = attributeType.graph;
    } else {
      proto.graphs = attribute.value.map((body) => graphToProto(body, place));
      if (!attribute.proto) proto.type = attributeType.graphs;
    }
    return proto;
  }
  // A tensor whose bytes lie in an external file must be placed anew; everything else is as it was read.
  const holdsExternal =
    (attribute.kind === "tensor" && attribute.value.source.kind === "external") ||
    (attribute.kind === "tensors" && attribute.value.some((tensor) => tensor.source.kind === "external"));
  if (attribute.proto && attribute.proto.name === name && !holdsExternal) return attribute.proto;
  return create(AttributeProtoSchema, { name, ...attributeFields(attribute, place) });
}

function attributeFields(attribute: Exclude<Attribute, { kind: "graph" | "graphs" }>, place: Placement) {
  const encoder = new TextEncoder();
  switch (attribute.kind) {
    case "float":
      return { type: attributeType.float, f: attribute.value };
    case "int":
      return { type: attributeType.int, i: BigInt(attribute.value) };
    case "string":
      return { type: attributeType.string, s: encoder.encode(attribute.value) };
    case "tensor":
      return { type: attributeType.tensor, t: tensorToProto(attribute.value, "", place) };
    case "floats":
      return { type: attributeType.floats, floats: [...attribute.value] };
    case "ints":
      return { type: attributeType.ints, ints: attribute.value.map(BigInt) };
    case "strings":
      return { type: attributeType.strings, strings: attribute.value.map((text) => encoder.encode(text)) };
    case "tensors":
      return {
        type: attributeType.tensors,
        tensors: attribute.value.map((tensor) => tensorToProto(tensor, "", place)),
      };
    case "opaque":
      return clone(AttributeProtoSchema, attribute.proto);
  }
}

function tensorToProto(tensor: Tensor, name: string, place: Placement): TensorProto {
  const where = place(tensor);
  const isInside = tensor.source.kind !== "external";
  if (tensor.proto && (where === "unchanged" || (where === "inside" && isInside))) {
    if (tensor.proto.name === name) return tensor.proto;
    const renamed = shallowCopy(TensorProtoSchema, tensor.proto);
    renamed.name = name;
    return renamed;
  }
  const proto = create(TensorProtoSchema, {
    dims: tensor.dims.map(BigInt),
    dataType: elementTypes[tensor.type].code,
    ...(name === "" ? {} : { name }),
  });
  if (tensor.source.kind === "strings") proto.stringData = [...tensor.source.strings];
  else if (where === "counted") return proto;
  else if (where === "inside" || where === "unchanged") proto.rawData = tensor.bytes();
  else {
    proto.dataLocation = externalLocation;
    proto.externalData = Object.entries(where).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) }),
    );
  }
  return proto;
}

/**
 * @param read the message to write it like. One value may be described by several (as an output and among
 * `value_info`), not always alike: each is written back as it was unless the value's type has changed.
 */
function valueToProto(value: Value, read: ValueInfoProto | null): ValueInfoProto {
  const isOwn = value.proto !== null && read?.name === value.proto.name;
  const typeThen = valueTypeOf(isOwn ? value.proto?.type : read?.type);
  const retype = value.type !== null && !sameType(typeThen, value.type);
  if (read && read.name === value.name && !retype) return read;
  const proto = shallowCopy(ValueInfoProtoSchema, read);
  proto.name = value.name;
  if (retype && value.type) proto.type = typeToProto(value.type);
  return proto;
}

function sameType(a: ValueType | null, b: ValueType | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === "opaque" || b.kind === "opaque") {
    return a.kind === "opaque" && b.kind === "opaque" && a.proto === b.proto;
  }
  return a.elementType === b.elementType && JSON.stringify(a.shape) === JSON.stringify(b.shape);
}

function typeToProto(type: ValueType): TypeProto {
  if (type.kind === "opaque") return type.proto;
  return create(TypeProtoSchema, {
    value: {
      case: "tensorType",
      value: {
        elemType: elementTypes[type.elementType].code,
        ...(type.shape === null
          ? {}
          : {
              shape: {
                dim: type.shape.map((dim) =>
                  typeof dim === "number"
                    ? { value: { case: "dimValue" as const, value: BigInt(dim) } }
                    : dim === null
                      ? {}
                      : { value: { case: "dimParam" as const, value: dim } },
                ),
              },
            }),
      },
    },
  });
}

/** A message with the same fields set, unknown ones too, sharing their contents. */
function shallowCopy<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc> | null,
): MessageShape<Desc> {
  const copy = create(schema);
  return message ? Object.assign(copy, message) : copy;
}
