/**
 * Where the weights of a model lie in its bytes, told without decoding or even reading them: a walk over the messages of
 * onnx.proto (https://protobuf.dev/programming-guides/encoding/) that follows what leads to a tensor and skips the rest.
 */
import { onnxErrors } from "../errors.ts";
import { externalLocation } from "./external-data.ts";

/** A file, or bytes in memory. */
export interface ByteSource {
  readonly length: number;
  /** @param at below `length` */
  byte(at: number): number;
  /** A part that lies inside. */
  part(at: number, length: number): Uint8Array;
}

export interface TensorPlace {
  readonly name: string;
  /** `TensorProto.DataType`; 1 for the numbers of `float_data`. */
  readonly type: number;
  readonly dims: readonly number[];
  /** Of the model's own bytes; null where the elements lie in another file, or in a field of varints. */
  readonly data: { readonly start: number; readonly length: number } | null;
  /** As the model writes them: what may be read is for the reader to judge. */
  readonly external: ReadonlyMap<string, string> | null;
}

type Message = "model" | "graph" | "node" | "attribute" | "sparse" | "tensor" | "function";

/** Fields that lead to a tensor, by number, as onnx.proto has them. */
const fields: Readonly<Record<Message, ReadonlyMap<number, Message>>> = {
  model: new Map([
    [7, "graph"],
    [25, "function"],
  ]),
  graph: new Map([
    [1, "node"],
    [5, "tensor"],
    [15, "sparse"],
  ]),
  node: new Map([[5, "attribute"]]),
  attribute: new Map([
    [5, "tensor"],
    [6, "graph"],
    [10, "tensor"],
    [11, "graph"],
    [22, "sparse"],
    [23, "sparse"],
  ]),
  sparse: new Map([
    [1, "tensor"],
    [2, "tensor"],
  ]),
  tensor: new Map(),
  function: new Map([
    [7, "node"],
    [11, "attribute"],
  ]),
};

/** Fields of TensorProto. */
const tensorField = { dims: 1, type: 2, floats: 4, name: 8, raw: 9, external: 13, location: 14 };
const float32Type = 1;

/** As many messages in messages as protobuf's own readers follow. */
const deepest = 100;
/** A name or an entry that is longer is none, and so is a list of sizes. */
const longestText = 65_536;
const mostDims = 64;

const lengthDelimited = 2;
const text = new TextDecoder();

interface Field {
  readonly number: number;
  readonly start: number;
  /** 0 where the field is a number. */
  readonly length: number;
  /** The number, or NaN. */
  readonly value: number;
}

/** In their order in the file. @throws MODEL_NOT_PROTOBUF where it is not a whole message with a graph */
export function tensorPlaces(source: ByteSource): readonly TensorPlace[] {
  const found: TensorPlace[] = [];
  let hasGraph = false;
  const follow = (kind: Message, start: number, end: number, depth: number): void => {
    if (depth > deepest) throw broken("it holds messages in messages deeper than any reader follows");
    if (kind === "tensor") {
      found.push(tensorAt(source, start, end));
      return;
    }
    hasGraph ||= kind === "graph";
    const inside = fields[kind];
    for (const field of fieldsOf(source, start, end)) {
      const inner = Number.isNaN(field.value) ? inside.get(field.number) : undefined;
      if (inner !== undefined) follow(inner, field.start, field.start + field.length, depth + 1);
    }
  };
  follow("model", 0, source.length, 0);
  if (!hasGraph) throw broken("it has no graph");
  return found;
}

function tensorAt(source: ByteSource, start: number, end: number): TensorPlace {
  let name = "";
  let type = 0;
  let data: TensorPlace["data"] = null;
  const dims: number[] = [];
  let isExternal = false;
  const external = new Map<string, string>();
  for (const { number, value, start: at, length } of fieldsOf(source, start, end)) {
    if (number === tensorField.dims) {
      const sizes = Number.isNaN(value) ? packedNumbers(source, at, length) : [value];
      if (dims.length + sizes.length <= mostDims) dims.push(...sizes);
    } else if (number === tensorField.type) type = value;
    else if (number === tensorField.location) isExternal = value === externalLocation;
    else if (Number.isNaN(value) && length <= longestText && number === tensorField.name) {
      name = text.decode(source.part(at, length));
    } else if (Number.isNaN(value) && number === tensorField.external) {
      const [key, content] = entryAt(source, at, at + length);
      external.set(key, content);
    } else if (Number.isNaN(value) && number === tensorField.raw) data = { start: at, length };
    else if (Number.isNaN(value) && number === tensorField.floats) {
      data = { start: at, length };
      type = float32Type;
    }
  }
  const facts = { name, type, dims };
  return isExternal ? { ...facts, data: null, external } : { ...facts, data, external: null };
}

/** Some writers put the sizes into one field, others into one each. */
function packedNumbers(source: ByteSource, start: number, length: number): number[] {
  const numbers: number[] = [];
  const cursor = { at: start };
  while (cursor.at < start + length && numbers.length <= mostDims) {
    numbers.push(varint(source, cursor, start + length));
  }
  return numbers;
}

function entryAt(source: ByteSource, start: number, end: number): [string, string] {
  let key = "";
  let value = "";
  for (const field of fieldsOf(source, start, end)) {
    if (!Number.isNaN(field.value) || field.length > longestText) continue;
    const content = text.decode(source.part(field.start, field.length));
    if (field.number === 1) key = content;
    else if (field.number === 2) value = content;
  }
  return [key, value];
}

function* fieldsOf(source: ByteSource, start: number, end: number): Iterable<Field> {
  const cursor = { at: start };
  while (cursor.at < end) {
    const tag = varint(source, cursor, end);
    const wire = tag % 8;
    const width = fixedWidths.get(wire);
    const value = wire === 0 ? varint(source, cursor, end) : (width ?? Number.NaN);
    const length = wire === lengthDelimited ? varint(source, cursor, end) : 0;
    if (wire !== 0 && wire !== lengthDelimited && width === undefined) {
      throw broken(`it has a field of wire type ${wire}, which ONNX does not use`);
    }
    const start = cursor.at;
    cursor.at += length + (width ?? 0);
    if (cursor.at > end) throw broken("it ends before its contents do");
    yield { number: Math.floor(tag / 8), start, length, value };
  }
}

/** Bytes of the wire types that say it. No field that is asked for has one of them. */
const fixedWidths: ReadonlyMap<number, number> = new Map([
  [1, 8],
  [5, 4],
]);

/** Past 2^53 it is inexact, which only values are that nobody asks for. */
function varint(source: ByteSource, cursor: { at: number }, end: number): number {
  let value = 0;
  for (let factor = 1, i = 0; i < 10 && cursor.at < end; i++, factor *= 128) {
    const byte = source.byte(cursor.at++);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
  throw broken("it ends, or goes astray, inside a number");
}

function broken(problem: string) {
  return onnxErrors.error("MODEL_NOT_PROTOBUF", `The bytes are not a whole ONNX model: ${problem}.`);
}
