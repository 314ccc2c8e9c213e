/**
 * CBOR (RFC 8949) in and out: tensors are typed arrays (RFC 8746), which are views of the body where they are aligned, or
 * byte strings, little-endian. Its data is taken out before the request is held to its schema, as with JSON.
 */
import { elementCount, setOwn } from "@cupel/base";
import type { TypedArray } from "@cupel/runtime";
import { Decoder, Encoder, Tag } from "cbor-x";
import { datatypes } from "../core/datatype.ts";
import { notA, numbersOf } from "../core/number-values.ts";
import type { NumberTensor, Tensor } from "../core/tensor.ts";
import { readNumbers, tensorBytes } from "../core/tensor-bytes.ts";
import { isNumberHead, type NumberHead, type TensorHead } from "../core/tensor-head.ts";
import { serveErrors } from "../errors.ts";
import { flatten, mismatch } from "./flatten.ts";
import { scanCbor } from "./scan-cbor.ts";

export const cborType = "application/cbor";

const decoder = new Decoder({ useRecords: false, mapsAsObjects: true });
const encoder = new Encoder({ useRecords: false });

/** Halves as bytes: big-endian, little-endian. */
const halves = { big: 80, little: 84 };

export interface TakenData {
  /** The message, with a placeholder for each `data` that was taken out. */
  readonly value: unknown;
  /** What was taken, in the order of the placeholders. */
  readonly taken: readonly unknown[];
}

/**
 * @param list the member whose entries have `data`
 * @param placeholder what stands for the data with that index
 * @throws REQUEST_INVALID
 */
export function decodeCbor(bytes: Buffer, list: string, placeholder: (index: number) => unknown): TakenData {
  scanCbor(bytes);
  const value = decode(bytes);
  const taken: unknown[] = [];
  const entries = isRecord(value) ? value[list] : undefined;
  for (const entry of Array.isArray(entries) ? entries : []) {
    if (!isRecord(entry) || !Object.hasOwn(entry, "data")) continue;
    setOwn(entry, "data", placeholder(taken.push(entry.data) - 1));
  }
  return { value, taken };
}

function decode(bytes: Buffer): unknown {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw serveErrors.error("REQUEST_INVALID", "The body is not CBOR (RFC 8949). Send valid CBOR.", {
      cause,
    });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** @throws REQUEST_INVALID, INPUT_SHAPE_MISMATCH, DATATYPE_UNSUPPORTED */
export function cborTensor(data: unknown, head: TensorHead): Tensor {
  if (isNumberHead(head)) return { ...head, data: numbers(data, head) };
  const elements = elementCount(head.shape);
  const values = Array.isArray(data) ? flatten(data, head, elements) : [data];
  if (values.length !== elements) throw mismatch(head, elements, `${values.length} were sent`);
  const strings = values.map((value, index) => {
    if (value instanceof Uint8Array) return value;
    throw notA(head, index, value);
  });
  return { ...head, datatype: "BYTES", data: strings };
}

function numbers(data: unknown, head: NumberHead): TypedArray {
  const elements = elementCount(head.shape);
  if (Array.isArray(data)) return numbersOf(flatten(data, head, elements), head, true);
  if (data instanceof Uint8Array) return readNumbers(ownBytes(data), head);
  if (data instanceof Tag && head.datatype === "FP16") return halfBits(data, head);
  const { array } = datatypes[head.datatype];
  if (!(data instanceof array)) {
    throw serveErrors.error(
      "REQUEST_INVALID",
      `The data of the input "${head.name}" is not of ${head.datatype}. Send a typed array of that type, its bytes, or a list.`,
      { details: { input: head.name, datatype: head.datatype } },
    );
  }
  if (data.length !== elements) throw mismatch(head, elements, `${data.length} were sent`);
  return data;
}

/** The decoder knows no halves and leaves their bytes. */
function halfBits({ tag, value }: Tag, head: NumberHead): TypedArray {
  const bytes: unknown = value;
  if (!(bytes instanceof Uint8Array) || (tag !== halves.big && tag !== halves.little)) {
    throw notA(head, 0, value);
  }
  if (tag === halves.little) return readNumbers(ownBytes(bytes), head);
  return readNumbers(new Uint8Array(Buffer.from(bytes).swap16()), head);
}

/** Bodies lie in memory of their own, never in one that is shared. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : new Uint8Array(bytes);
}

/** The data of an output, for `encodeCbor`. */
export function cborData(tensor: NumberTensor): unknown {
  return tensor.datatype === "FP16" ? new Tag(tensorBytes(tensor), halves.little) : tensor.data;
}

export function encodeCbor(value: unknown): Buffer {
  return encoder.encode(value);
}
