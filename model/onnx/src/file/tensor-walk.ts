/**
 * Every tensor of a model as a range of its bytes, without decoding the model or even reading its weights: a walk over the messages
 * of onnx.proto (https://protobuf.dev/programming-guides/encoding/) that follows what leads to a tensor and skips the rest.
 * A decoded model of 20 MB may take gigabytes; this keeps nothing.
 */
import { onnxErrors } from "../errors.ts";

/** A file, or bytes in memory. */
export interface ByteSource {
  readonly length: number;
  /** @param at below `length` */
  byte(at: number): number;
  /** A part that lies inside. */
  part(at: number, length: number): Uint8Array;
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

/** As many messages in messages as protobuf's own readers follow. */
const deepest = 100;
/** A name or an entry that is longer is none. */
export const longestText = 65_536;

const lengthDelimited = 2;
const text = new TextDecoder();

export interface Field {
  readonly number: number;
  readonly start: number;
  /** 0 where the field is a number. */
  readonly length: number;
  /** The number, or NaN. */
  readonly value: number;
}

/**
 * @param onTensor told of each, in the order of the file.
 * @returns whether the model has a graph. @throws MODEL_NOT_PROTOBUF where it is not a whole message
 */
export function walkTensors(source: ByteSource, onTensor: (start: number, end: number) => void): boolean {
  let hasGraph = false;
  const follow = (kind: Message, start: number, end: number, depth: number): void => {
    if (depth > deepest) throw broken("it holds messages in messages deeper than any reader follows");
    if (kind === "tensor") {
      onTensor(start, end);
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
  return hasGraph;
}

/** Key and value of a StringStringEntryProto. */
export function entryAt(source: ByteSource, start: number, end: number): [string, string] {
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

export function* fieldsOf(source: ByteSource, start: number, end: number): Iterable<Field> {
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
export function varint(source: ByteSource, cursor: { at: number }, end: number): number {
  let value = 0;
  for (let factor = 1, i = 0; i < 10 && cursor.at < end; i++, factor *= 128) {
    const byte = source.byte(cursor.at++);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
  throw broken("it ends, or goes astray, inside a number");
}

export function broken(problem: string) {
  return onnxErrors.error("MODEL_NOT_PROTOBUF", `The bytes are not a whole ONNX model: ${problem}.`);
}
