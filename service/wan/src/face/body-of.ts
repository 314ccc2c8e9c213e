/** Bodies of REST for callers of bytes: the Open Inference Protocol as JSON, as bytes behind JSON, and as CBOR. */
import { type TensorCall, valuesOf } from "./tensor-call.ts";

export interface Body {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
}

export type BodyName = "rest-json" | "rest-binary" | "rest-cbor";

const bodies: ReadonlyMap<BodyName, (call: TensorCall) => Body> = new Map([
  ["rest-json", jsonBody],
  ["rest-binary", binaryBody],
  ["rest-cbor", cborBody],
]);

export function bodyOf(name: BodyName, call: TensorCall): Body {
  return bodies.get(name)!(call);
}

const utf8 = new TextEncoder();

function jsonBody(call: TensorCall): Body {
  const data = [...valuesOf(call)];
  const inputs = [{ name: call.input, shape: [data.length], datatype: "FP32", data }];
  return {
    headers: { "content-type": "application/json", accept: "application/json" },
    bytes: utf8.encode(JSON.stringify({ inputs })),
  };
}

function binaryBody(call: TensorCall): Body {
  const data = new Uint8Array(valuesOf(call).buffer);
  const parameters = { binary_data_size: data.length };
  const head = {
    inputs: [{ name: call.input, shape: [data.length / 4], datatype: "FP32", parameters }],
    parameters: { binary_data_output: true },
  };
  const json = utf8.encode(JSON.stringify(head));
  return {
    headers: {
      "content-type": "application/octet-stream",
      "inference-header-content-length": String(json.length),
    },
    bytes: Buffer.concat([json, data]),
  };
}

/** RFC 8949: maps, lists, texts and numbers of known length, and the tensor as a byte string. */
function cborBody(call: TensorCall): Body {
  const data = new Uint8Array(valuesOf(call).buffer);
  const input = map([
    ["name", textItem(call.input)],
    ["shape", list([item(0, data.length / 4)])],
    ["datatype", textItem("FP32")],
    ["data", Buffer.concat([item(2, data.length), data])],
  ]);
  const bytes = map([["inputs", list([input])]]);
  return { headers: { "content-type": "application/cbor", accept: "application/cbor" }, bytes };
}

/** The head of an item: its major type, and its number or length. */
function item(major: number, value: number): Buffer {
  const type = major << 5;
  if (value < 24) return Buffer.of(type | value);
  if (value < 0x100) return Buffer.of(type | 24, value);
  if (value < 0x10000) return Buffer.of(type | 25, value >> 8, value & 0xff);
  const wide = Buffer.alloc(5);
  wide[0] = type | 26;
  wide.writeUInt32BE(value, 1);
  return wide;
}

function textItem(text: string): Buffer {
  const bytes = utf8.encode(text);
  return Buffer.concat([item(3, bytes.length), bytes]);
}

function list(items: readonly Buffer[]): Buffer {
  return Buffer.concat([item(4, items.length), ...items]);
}

function map(entries: readonly (readonly [string, Buffer])[]): Buffer {
  return Buffer.concat([
    item(5, entries.length),
    ...entries.flatMap(([key, value]) => [textItem(key), value]),
  ]);
}
