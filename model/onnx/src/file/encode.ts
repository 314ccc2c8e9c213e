/**
 * A Model to ONNX bytes, as a list of chunks to be written one after the other.
 *
 * Weights are never copied into one large buffer: a tensor becomes a header, the bytes it already has,
 * and a trailer. Fields come out in the order of their numbers, as protobuf's own writers do, so a model
 * that was read and not changed is written back to the byte.
 */
import { create, type DescMessage, isFieldSet, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from "../gen/onnx_pb.ts";
import type { Model, Tensor } from "../graph/index.ts";
import { modelToProto, type Placement } from "./to-proto.ts";

/** Field numbers at which a message is cut so that large contents are written without being copied. */
const graphField = 7;
const initializerField = 5;
const rawDataField = 9;

/** @returns chunks whose concatenation is the file; views of the model's weights are among them. */
export function encodeModel(model: Model, place: Placement = () => "inside"): Uint8Array[] {
  const proto = modelToProto(model, place);
  return encodeAround(ModelProtoSchema, proto, graphField, [encodeGraph(proto.graph!)]);
}

/** Bytes of what `encodeModel` gives. What a tensor computes (`Tensor.made`) or reads from a file is not asked for. */
export function encodedBytes(model: Model, place: Placement = () => "inside"): number {
  const constants = Array.from(model.graph.initializers, (value) => value.constant!);
  const isLeftOut = (tensor: Tensor) =>
    (tensor.source.kind === "made" || tensor.source.kind === "external") && place(tensor) === "inside";
  const leftOut = new Set(constants.filter(isLeftOut));
  const proto = modelToProto(model, (tensor) => (leftOut.has(tensor) ? "counted" : place(tensor)));
  const delimited = (number: number, length: number) => lengthDelimited(number, length).byteLength + length;
  const tensors = proto.graph!.initializer.map((tensor, i) => {
    const bytes = byteLengthOfAll(encodeTensor(tensor));
    const constant = constants[i]!;
    return leftOut.has(constant) ? bytes + delimited(rawDataField, constant.byteLength) : bytes;
  });
  const around = encodeAround(GraphProtoSchema, proto.graph!, initializerField, []);
  const graph =
    byteLengthOfAll(around) + tensors.reduce((sum, each) => sum + delimited(initializerField, each), 0);
  return (
    byteLengthOfAll(encodeAround(ModelProtoSchema, proto, graphField, [])) + delimited(graphField, graph)
  );
}

/** The file as one buffer. For small models; a large one is better written chunk by chunk. */
export function encodeModelBytes(model: Model): Uint8Array {
  return Buffer.concat(encodeModel(model));
}

function encodeGraph(graph: GraphProto): Uint8Array[] {
  return encodeAround(GraphProtoSchema, graph, initializerField, graph.initializer.map(encodeTensor));
}

function encodeTensor(tensor: TensorProto): Uint8Array[] {
  // Present but empty is not the same as absent: other writers give an empty tensor empty raw data.
  const raw = isFieldSet(tensor, TensorProtoSchema.field.rawData) ? [[tensor.rawData]] : [];
  return encodeAround(TensorProtoSchema, tensor, rawDataField, raw);
}

/** A message whose field `number` is given as ready chunks, one list an occurrence. */
function encodeAround<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  number: number,
  contents: readonly Uint8Array[][],
): Uint8Array[] {
  const before = part(schema, message, (field) => field < number);
  const after = part(schema, message, (field) => field > number);
  if (message.$unknown) after.$unknown = message.$unknown;
  return [
    toBinary(schema, before),
    ...contents.flatMap((chunks) => [lengthDelimited(number, byteLengthOfAll(chunks)), ...chunks]),
    toBinary(schema, after),
  ];
}

/** The fields of a message that `keep` takes, by number. Contents are shared, not copied. */
function part<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  keep: (field: number) => boolean,
): MessageShape<Desc> {
  const kept = create(schema);
  const source = reflect(schema, message);
  const target = reflect(schema, kept);
  for (const field of schema.fields) {
    if (keep(field.number) && source.isSet(field)) target.set(field, source.get(field));
  }
  return kept;
}

/** Tag and length of a field of wire type 2. */
function lengthDelimited(field: number, length: number): Uint8Array {
  const bytes = [(field << 3) | 2];
  let rest = length;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Uint8Array.from([...bytes, rest]);
}

export function byteLengthOfAll(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}
