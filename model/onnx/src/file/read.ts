/**
 * ONNX bytes to a Model. The weights stay views of `bytes`: do not change them afterwards.
 *
 * What Cupel does not interpret is kept: whole messages on nodes, values and graphs, unknown fields
 * included, so that `encodeModel` writes back what was not changed.
 */

import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { baseErrors, readRegular, reasonOf } from "@cupel/base";
import { onnxErrors } from "../errors.ts";
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type TensorShapeProto_Dimension,
  type TypeProto,
} from "../gen/onnx_pb.ts";
import {
  type Attribute,
  bytesOf,
  type Dimension,
  elementTypeOf,
  Graph,
  Model,
  Node,
  newestIrVersion,
  newestOpset,
  Value,
  type ValueType,
} from "../graph/index.ts";
import { decodeTensor } from "./decode-tensor.ts";
import { type ExternalFiles, externalFiles, noExternalFiles } from "./external-data.ts";
import { isPacked } from "./packed-magic.ts";

/** `AttributeProto.AttributeType` of onnx.proto. */
export const attributeType = {
  undefined: 0,
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
} as const;

/** From IR version 3 on, a model must say which operator sets it uses. */
const firstIrWithOpsets = 3n;

/** Messages in messages that are read: as many as protobuf's own readers follow, and so the engine. 32 graphs. */
const deepestMessage = 100;

export interface ReadOptions {
  /** Folder that external data files are relative to. Without it, a model with external data is refused. */
  readonly folder?: string;
  /** Where the model lies that `folder` has a link to. Default: `folder`. */
  readonly home?: string;
  /** Name used in messages. Default "the model". */
  readonly name?: string;
}

/** @throws MODEL_NOT_FOUND and everything `readModel` throws. */
export async function readModelFile(path: string): Promise<Model> {
  let bytes: Uint8Array;
  let home: string;
  try {
    bytes = await readRegular(path);
    home = dirname(await realpath(path));
  } catch (thrown) {
    throw baseErrors.error("MODEL_NOT_FOUND", `Cannot read the model ${path}: ${reasonOf(thrown)}`, {
      cause: thrown,
      details: { path },
    });
  }
  return readModel(bytes, { folder: dirname(path), home, name: path });
}

/** @throws MODEL_NOT_PROTOBUF, MODEL_PACKED, MODEL_TRUNCATED, MODEL_TOO_NEW, MODEL_INVALID, TENSOR_INVALID, EXTERNAL_DATA_MISSING */
export function readModel(bytes: Uint8Array, options: ReadOptions = {}): Model {
  const name = options.name ?? "the model";
  if (isPacked(bytes)) {
    throw onnxErrors.error(
      "MODEL_PACKED",
      `${name} is a model packed for transport. Unpack it first: cupel unpack ${name} -o model.onnx`,
    );
  }
  const proto = parse(bytes, name);
  if (!proto.graph || proto.irVersion <= 0n) {
    throw onnxErrors.error(
      "MODEL_NOT_PROTOBUF",
      `${name} is not an ONNX model: it parses, but has no ${proto.graph ? "IR version" : "graph"}. ` +
        "Export it to ONNX (.onnx) first.",
    );
  }
  // Writers put the operator sets behind the graph: a file cut exactly between the two still parses.
  if (proto.opsetImport.length === 0 && proto.irVersion >= firstIrWithOpsets) {
    throw onnxErrors.error(
      "MODEL_TRUNCATED",
      `${name} ends before it names its operator sets (${bytes.byteLength} bytes). Was the copy or download cut off?`,
    );
  }
  return modelFromProto(
    proto,
    options.folder === undefined ? noExternalFiles : externalFiles(options.folder, options.home),
    name,
  );
}

function parse(bytes: Uint8Array, name: string): ModelProto {
  try {
    // A plain view: what is cut from a Buffer is a Buffer, whose slice() does not copy as a caller expects.
    return fromBinary(ModelProtoSchema, bytesOf(bytes), { recursionLimit: deepestMessage });
  } catch (thrown) {
    if (thrown instanceof Error && thrown.message.includes("recursion depth")) {
      throw onnxErrors.error(
        "MODEL_INVALID",
        `${name} holds graphs in graphs deeper than protobuf's ${deepestMessage} messages, which no engine reads.`,
        { cause: thrown },
      );
    }
    const truncated = thrown instanceof RangeError || looksTruncated(bytes);
    throw truncated && startsLikeModel(bytes)
      ? onnxErrors.error(
          "MODEL_TRUNCATED",
          `${name} ends before its contents do (${bytes.byteLength} bytes). Was the copy or download cut off?`,
          { cause: thrown },
        )
      : onnxErrors.error(
          "MODEL_NOT_PROTOBUF",
          `${name} is not an ONNX model: ${reasonOf(thrown)}. Export it to ONNX (.onnx) first.`,
          { cause: thrown },
        );
  }
}

/** Every ONNX writer begins with field 1, the IR version, as a small varint. */
function startsLikeModel(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && bytes[1]! > 0 && bytes[1]! < 64;
}

/** Does a top-level field claim more bytes than there are? */
function looksTruncated(bytes: Uint8Array): boolean {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; at < bytes.length && shift < 63; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.POSITIVE_INFINITY;
  };
  while (at < bytes.length) {
    const wire = varint() & 7;
    if (wire === 0) varint();
    else if (wire === 2) at += varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else return false;
  }
  return at > bytes.length;
}

export function modelFromProto(proto: ModelProto, files: ExternalFiles, name = "the model"): Model {
  const irVersion = Number(proto.irVersion);
  const opsets = new Map(proto.opsetImport.map((entry) => [entry.domain, Number(entry.version)]));
  const opset = opsets.get("") ?? opsets.get("ai.onnx") ?? 0;
  if (irVersion > newestIrVersion || opset > newestOpset) {
    throw onnxErrors.error(
      "MODEL_TOO_NEW",
      `${name} is at IR version ${irVersion}, operator set ${opset}; Cupel reads up to IR ${newestIrVersion}, ` +
        `operator set ${newestOpset}. Export it with an older operator set.`,
      { details: { irVersion, opset } },
    );
  }
  return new Model({
    irVersion,
    opsets,
    graph: readGraph(proto.graph!, null, files),
    metadata: new Map(proto.metadataProps.map((entry) => [entry.key, entry.value])),
    producerName: proto.producerName,
    producerVersion: proto.producerVersion,
    functions: proto.functions,
    proto,
  });
}

function readGraph(proto: GraphProto, parent: Graph | null, files: ExternalFiles): Graph {
  const graph = new Graph(proto.name, parent, proto);
  const heldHere = (name: string): Value | null => {
    const held = graph.value(name);
    return held && graph.owns(held) ? held : null;
  };
  // A name that is given twice is one value here, and judged by the checker.
  for (const info of proto.input) {
    graph.inputs.push(heldHere(info.name) ?? graph.add(new Value(info.name, valueTypeOf(info.type), info)));
  }
  const described = new Map([...proto.valueInfo, ...proto.output].map((info) => [info.name, info]));
  const local = (name: string): Value => {
    const info = described.get(name);
    return graph.add(new Value(name, info ? valueTypeOf(info.type) : null, info ?? null));
  };

  for (const tensor of proto.initializer) {
    graph.setConstant(heldHere(tensor.name) ?? local(tensor.name), decodeTensor(tensor, files));
  }
  for (const sparse of proto.sparseInitializer) {
    const name = sparse.values?.name;
    if (!name) continue;
    const value = heldHere(name) ?? local(name);
    value.sparse = sparse;
  }
  // Outputs first: a node out of order, or a body, may name what only a later node makes.
  const made = new Set<Value>();
  const outputsOf = proto.node.map((node) =>
    node.output.map((name) => {
      if (name === "") return new Value("");
      const value = heldHere(name) ?? local(name);
      if (made.has(value)) {
        throw onnxErrors.error(
          "MODEL_INVALID",
          `Value "${name}" is made twice, the second time by ${node.opType}.`,
        );
      }
      made.add(value);
      return value;
    }),
  );
  for (const [index, node] of proto.node.entries()) {
    // Dangling names are given a value now and judged by the checker.
    const inputs = node.input.map((name) => (name === "" ? null : (graph.value(name) ?? local(name))));
    const outputs = outputsOf[index]!;
    const read = new Node(
      { opType: node.opType, domain: node.domain, name: node.name, inputs, outputs },
      node,
    );
    for (const each of node.attribute) read.attributes.set(each.name, readAttribute(each, graph, files));
    graph.nodes.append(read);
  }
  for (const info of proto.output) graph.outputs.push(graph.value(info.name) ?? local(info.name));
  return graph;
}

function readAttribute(proto: AttributeProto, graph: Graph, files: ExternalFiles): Attribute {
  if (proto.refAttrName !== "") return { kind: "opaque", proto };
  switch (proto.type === attributeType.undefined ? guessType(proto) : proto.type) {
    case attributeType.float:
      return { kind: "float", value: proto.f, proto };
    case attributeType.int:
      return { kind: "int", value: Number(proto.i), proto };
    case attributeType.string:
      return { kind: "string", value: new TextDecoder().decode(proto.s), proto };
    case attributeType.tensor:
      return proto.t
        ? { kind: "tensor", value: decodeTensor(proto.t, files), proto }
        : { kind: "opaque", proto };
    case attributeType.graph:
      return proto.g
        ? { kind: "graph", value: readGraph(proto.g, graph, files), proto }
        : { kind: "opaque", proto };
    case attributeType.floats:
      return { kind: "floats", value: proto.floats, proto };
    case attributeType.ints:
      return { kind: "ints", value: proto.ints.map(Number), proto };
    case attributeType.strings:
      return { kind: "strings", value: proto.strings.map((text) => new TextDecoder().decode(text)), proto };
    case attributeType.tensors:
      return { kind: "tensors", value: proto.tensors.map((tensor) => decodeTensor(tensor, files)), proto };
    case attributeType.graphs:
      return { kind: "graphs", value: proto.graphs.map((body) => readGraph(body, graph, files)), proto };
    default:
      return { kind: "opaque", proto };
  }
}

/** Models before IR 2 did not write the type of an attribute. */
function guessType(proto: AttributeProto): number {
  if (proto.t) return attributeType.tensor;
  if (proto.g) return attributeType.graph;
  if (proto.ints.length) return attributeType.ints;
  if (proto.floats.length) return attributeType.floats;
  if (proto.strings.length) return attributeType.strings;
  if (proto.s.length) return attributeType.string;
  return proto.f !== 0 ? attributeType.float : attributeType.int;
}

export function valueTypeOf(proto: TypeProto | undefined): ValueType | null {
  if (!proto) return null;
  if (proto.value.case !== "tensorType") return { kind: "opaque", proto };
  const elementType = elementTypeOf(proto.value.value.elemType);
  if (!elementType) return { kind: "opaque", proto };
  const shape = proto.value.value.shape;
  return {
    kind: "tensor",
    elementType,
    shape: shape ? shape.dim.map(dimensionOf) : null,
  };
}

/** Exporters write a size they do not know as -1, or as a "?" that is another size at each place. */
function dimensionOf({ value }: TensorShapeProto_Dimension): Dimension {
  if (value.case === "dimValue") return value.value < 0n ? null : Number(value.value);
  return value.case === "dimParam" && value.value !== "" && value.value !== "?" ? value.value : null;
}
