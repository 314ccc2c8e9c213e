/**
 * Tensors as bytes: little-endian, row-major; BYTES are elements with their length in 4 bytes before each. So has the
 * binary tensor extension of Triton, and so have byte strings of CBOR.
 */
import { elementCount } from "@cupel/base";
import { runtimeErrors, type TypedArray } from "@cupel/runtime";
import { datatypes } from "../core/datatype.ts";
import type { NumberTensor } from "../core/tensor.ts";
import { serveErrors } from "../errors.ts";
import type { NumberHead, TensorHead } from "./tensor-head.ts";

export const headerLengthHeader = "inference-header-content-length";

/** A view where the bytes lie as the processor wants them, else a copy. @throws INPUT_SHAPE_MISMATCH, REQUEST_INVALID */
export function readNumbers(bytes: Uint8Array<ArrayBuffer>, head: NumberHead): TypedArray {
  const { array } = datatypes[head.datatype];
  const size = elementCount(head.shape) * array.BYTES_PER_ELEMENT;
  if (bytes.length !== size) {
    throw runtimeErrors.error(
      "INPUT_SHAPE_MISMATCH",
      `The input "${head.name}" of shape [${head.shape.join(", ")}] takes ${size} bytes of ${head.datatype}; ${bytes.length} were sent.`,
      { details: { input: head.name, shape: head.shape, bytes: bytes.length } },
    );
  }
  if (head.datatype === "BOOL" && bytes.some((byte) => byte > 1)) {
    throw serveErrors.error(
      "REQUEST_INVALID",
      `The input "${head.name}" is BOOL, a byte an element, 0 or 1; it has others.`,
      { details: { input: head.name } },
    );
  }
  const isAligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset } = isAligned ? bytes : new Uint8Array(bytes);
  return new array(buffer, byteOffset, bytes.length / array.BYTES_PER_ELEMENT);
}

/** Views of the elements. @throws INPUT_SHAPE_MISMATCH */
export function readElements(bytes: Uint8Array, head: TensorHead): Uint8Array[] {
  const elements = elementCount(head.shape);
  const lengths = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const data: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + 4;
    const end = start <= bytes.length ? start + lengths.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (end > bytes.length || data.length === elements) break;
    data.push(bytes.subarray(start, end));
    at = end;
  }
  if (data.length === elements && at === bytes.length) return data;
  throw runtimeErrors.error(
    "INPUT_SHAPE_MISMATCH",
    `The input "${head.name}" of shape [${head.shape.join(", ")}] takes ${elements} elements, each after its length in 4 bytes; its ${bytes.length} bytes are not that.`,
    { details: { input: head.name, shape: head.shape, bytes: bytes.length } },
  );
}

/** A view of what is sent. */
export function tensorBytes({ data }: NumberTensor): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Of the JSON before the tensors; null where the header is absent. @throws REQUEST_INVALID */
export function readHeaderLength(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw serveErrors.error(
    "REQUEST_INVALID",
    "Inference-Header-Content-Length is the length of the JSON before the tensors, in bytes.",
    { details: { header: headerLengthHeader } },
  );
}

/** Hands out the bytes after the JSON, in the order of the tensors. */
export interface BinaryPart {
  /** @throws REQUEST_INVALID where fewer are left */
  take(size: number, name: string): Uint8Array<ArrayBuffer>;
  /** @throws REQUEST_INVALID where bytes are left */
  finish(): void;
}

export function binaryPart(bytes: Uint8Array<ArrayBuffer>): BinaryPart {
  let at = 0;
  return {
    take(size, name) {
      if (size > bytes.length - at) {
        throw serveErrors.error(
          "REQUEST_INVALID",
          `The input "${name}" says binary_data_size ${size}; ${bytes.length - at} bytes are left of the body.`,
          { details: { input: name, size, left: bytes.length - at } },
        );
      }
      at += size;
      return bytes.subarray(at - size, at);
    },
    finish() {
      if (at === bytes.length) return;
      throw serveErrors.error(
        "REQUEST_INVALID",
        `The body has ${bytes.length - at} bytes more than its inputs say by binary_data_size.`,
        { details: { left: bytes.length - at } },
      );
    },
  };
}
