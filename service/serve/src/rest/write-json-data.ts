/** Writes the `data` of a tensor as a flat array of JSON. NaN and infinities are refused by name: JSON has neither. */
import type { NumberTensor } from "../core/tensor.ts";
import { serveErrors } from "../errors.ts";
import type { TextBytes } from "./text-bytes.ts";
import { longestNumber, writeFloat, writeInteger, writeWide } from "./write-number.ts";

const comma = 0x2c;

/** Writes the element at an index to a place; answers where it ends. */
type WriteElement = (bytes: Buffer, at: number, index: number) => number;

/** @throws NOT_ACCEPTABLE */
export function writeJsonData(out: TextBytes, tensor: NumberTensor): void {
  const { length } = tensor.data;
  const write = elementWriter(tensor);
  out.text("[");
  const start = out.length;
  for (let index = 0; index < length; ) {
    // Room for many at once: within, the bytes stay where they are. Those after will be about as long as those before.
    const end = Math.min(length, index + 1024);
    const expected = index === 0 ? 0 : Math.ceil(((out.length - start) / index) * (length - end) * 1.05);
    out.reserve((end - index) * (longestNumber + 1) + expected);
    const { bytes } = out;
    let at = out.length;
    for (; index < end; index++) {
      if (index > 0) bytes[at++] = comma;
      at = write(bytes, at, index);
    }
    out.length = at;
  }
  out.text("]");
}

function elementWriter(tensor: NumberTensor): WriteElement {
  const { data, datatype } = tensor;
  if (datatype === "FP16") throw notInJson(tensor, "is FP16, which JSON does not carry");
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return wideWriter(data);
  if (datatype === "BOOL") return (bytes, at, index) => at + bytes.write(data[index] ? "true" : "false", at);
  if (data instanceof Float32Array) {
    return (bytes, at, index) => writeFloat(bytes, at, finite(tensor, data[index]!, index));
  }
  if (data instanceof Float64Array) {
    return (bytes, at, index) => {
      const value = finite(tensor, data[index]!, index);
      return at + bytes.write(Object.is(value, -0) ? "-0" : String(value), at);
    };
  }
  return (bytes, at, index) => writeInteger(bytes, at, Number(data[index]));
}

/** Halves lie in the order of the processors that Node.js runs on: the low one first. */
function wideWriter(data: BigInt64Array | BigUint64Array): WriteElement {
  const low = new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
  const high =
    data instanceof BigInt64Array ? new Int32Array(data.buffer, data.byteOffset, data.length * 2) : low;
  return (bytes, at, index) => {
    const upper = high[index * 2 + 1]!;
    const lower = low[index * 2]!;
    const value = upper * 0x1_0000_0000 + lower;
    if (Number.isSafeInteger(value)) return writeInteger(bytes, at, value);
    if (upper >= 0) return writeWide(bytes, at, false, upper, lower);
    // The two's complement, turned around.
    return lower === 0
      ? writeWide(bytes, at, true, -upper, 0)
      : writeWide(bytes, at, true, -upper - 1, 0x1_0000_0000 - lower);
  };
}

function finite(tensor: NumberTensor, value: number, index: number): number {
  if (Number.isFinite(value)) return value;
  throw notInJson(tensor, `is ${value} at element ${index}, which JSON does not carry`);
}

function notInJson({ name, datatype }: NumberTensor, what: string): Error {
  return serveErrors.error(
    "NOT_ACCEPTABLE",
    `The output "${name}" ${what}. Ask for it as binary data (parameter binary_data) or for CBOR (Accept: application/cbor).`,
    { details: { output: name, datatype } },
  );
}
