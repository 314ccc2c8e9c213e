/**
 * Which files a model keeps weights in, told from its bytes without decoding it: for whoever watches, copies or digests a
 * model that nobody vouches for. A decoded model of 20 MB may take gigabytes; this walk over the messages of onnx.proto
 * (https://protobuf.dev/programming-guides/encoding/) skips what holds no tensor and keeps nothing but names.
 */
import { onnxErrors } from "../errors.ts";

type Message = "model" | "graph" | "node" | "attribute" | "sparse" | "tensor" | "entry" | "function";

/** Fields that lead to a tensor, by number, as onnx.proto has them. */
const fields: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: "graph", 25: "function" },
  graph: { 1: "node", 5: "tensor", 15: "sparse" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  sparse: { 1: "tensor", 2: "tensor" },
  tensor: { 13: "entry" },
  function: { 7: "node", 11: "attribute" },
  entry: {},
};

/** As many messages in messages as protobuf's own readers follow. */
const deepest = 100;

const text = new TextDecoder();

const lengthDelimited = 2;

/**
 * Locations as the model writes them, relative to its folder, each once, in their order there. A location that leads out
 * of the folder is among them: what may be read is for the reader to judge.
 * @throws MODEL_NOT_PROTOBUF where the bytes are not a whole message
 */
export function externalLocations(bytes: Uint8Array): readonly string[] {
  const walk = new MessageWalk(bytes);
  walk.message("model", bytes.length, 0);
  return [...walk.locations];
}

class MessageWalk {
  readonly locations = new Set<string>();
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  message(kind: Message, end: number, depth: number): void {
    if (depth > deepest) throw broken("it holds messages in messages deeper than any reader follows");
    const inside = fields[kind];
    let key = "";
    let value = "";
    while (this.#at < end) {
      const tag = this.#varint(end);
      const field = Math.floor(tag / 8);
      const wire = tag % 8;
      if (wire !== lengthDelimited) {
        this.#skip(wire, end);
        continue;
      }
      const length = this.#varint(end);
      const start = this.#at;
      if (start + length > end) throw broken("it ends before its contents do");
      const inner = inside[field];
      if (inner !== undefined) this.message(inner, start + length, depth + 1);
      else if (kind === "entry" && field === 1) key = this.#text(start, length);
      else if (kind === "entry" && field === 2) value = this.#text(start, length);
      this.#at = start + length;
    }
    if (key === "location") this.locations.add(value);
  }

  #text(start: number, length: number): string {
    return text.decode(this.#bytes.subarray(start, start + length));
  }

  #skip(wire: number, end: number): void {
    if (wire === 0) this.#varint(end);
    else if (wire === 1) this.#at += 8;
    else if (wire === 5) this.#at += 4;
    else throw broken(`it has a field of wire type ${wire}, which ONNX does not use`);
    if (this.#at > end) throw broken("it ends before its contents do");
  }

  /** Past 2^53 it is inexact, which only values are that nobody asks for. */
  #varint(end: number): number {
    let value = 0;
    for (let factor = 1, i = 0; i < 10 && this.#at < end; i++, factor *= 128) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw broken("it ends, or goes astray, inside a number");
  }
}

function broken(problem: string) {
  return onnxErrors.error("MODEL_NOT_PROTOBUF", `The bytes are not a whole ONNX model: ${problem}.`);
}
