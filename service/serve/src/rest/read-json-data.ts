/**
 * Reads the `data` of a tensor in JSON, flat or nested as its shape says, into the array of its datatype. The engine's
 * own parser reads the numbers, which is the fastest there is; where it loses digits of 64-bit integers, they are read
 * again from the text, which it has found to be well formed.
 */

import { elementCount } from "@cupel/base";
import type { TypedArray } from "@cupel/runtime";
import { base64Bytes } from "../core/base64-bytes.ts";
import { datatypes } from "../core/datatype.ts";
import { notA, numbersOf } from "../core/number-values.ts";
import type { NumberHead, TensorHead } from "../core/tensor-head.ts";
import { serveErrors } from "../errors.ts";
import { flatten, mismatch } from "./flatten.ts";
import { isSpace, type Span } from "./locate-data.ts";
import { integer, nextInteger, readInteger } from "./read-integer.ts";

/** @throws REQUEST_INVALID, INPUT_SHAPE_MISMATCH, DATATYPE_UNSUPPORTED */
export function readJsonNumbers(bytes: Buffer, span: Span, head: NumberHead): TypedArray {
  const values = readValues(bytes, span, head);
  const isWide = head.datatype === "INT64" || head.datatype === "UINT64";
  if (isWide && values.some(isUnsafe)) return exactIntegers(bytes, span, head, values);
  return numbersOf(values, head, false);
}

function isUnsafe(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
}

/** Elements of BYTES, which JSON carries as base64. @throws REQUEST_INVALID, INPUT_SHAPE_MISMATCH */
export function readJsonBytes(bytes: Buffer, span: Span, head: TensorHead): Uint8Array[] {
  return readValues(bytes, span, head).map((value, index) => {
    const decoded = typeof value === "string" ? base64Bytes(value) : null;
    if (decoded) return decoded;
    throw notA(head, index, value);
  });
}

function readValues(bytes: Buffer, { start, end }: Span, head: TensorHead): readonly unknown[] {
  const elements = elementCount(head.shape);
  // An element takes a byte at least, and so does what is before or after it.
  if (!(elements * 2 <= end - start || elements === 0)) throw mismatch(head, elements, "fewer were sent");
  // Numbers and base64 are ASCII.
  return flatten(parseList(bytes.toString("latin1", start, end), head), head, elements);
}

function parseList(text: string, { name }: TensorHead): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : [];
  } catch (cause) {
    throw serveErrors.error(
      "REQUEST_INVALID",
      `The data of the input "${name}" is not JSON, which has no NaN and no infinity: binary data and CBOR have both.`,
      { cause, details: { input: name } },
    );
  }
}

/** Halves are written in the order of the processors that Node.js runs on: the low one first. */
function exactIntegers(bytes: Buffer, span: Span, head: NumberHead, values: readonly unknown[]): TypedArray {
  const data = new datatypes[head.datatype].array(values.length);
  const words = new Uint32Array(data.buffer, 0, values.length * 2);
  const isSigned = head.datatype === "INT64";
  let at = span.start;
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (typeof value !== "number") throw notA(head, index, value);
    const start = nextInteger(bytes, at);
    const fits = readInteger(bytes, start, isSigned);
    at = integer.end;
    if (isEnd(bytes[at])) {
      if (!fits) throw notA(head, index, value);
      words[index * 2] = integer.low;
      words[index * 2 + 1] = integer.high;
    } else {
      // With a point or an exponent: an integer all the same, where a double is sure of it.
      if (!Number.isSafeInteger(value) || (value < 0 && !isSigned)) throw notA(head, index, value);
      words[index * 2] = value;
      words[index * 2 + 1] = Math.floor(value / 0x1_0000_0000);
      while (!isEnd(bytes[at])) at++;
    }
  }
  return data;
}

/** Whether a number ends before this byte. */
function isEnd(byte: number | undefined): boolean {
  return byte === 0x2c || byte === 0x5d || isSpace(byte);
}
