/**
 * Tensors as bytes: little-endian, row-major; BYTES are elements, each after its length in 4 bytes. So have them Triton's
 * binary extension over REST, the raw contents of gRPC, and byte strings of CBOR.
 */
import { elementCount } from "@cupel/base";
import { runtimeErrors, type TypedArray } from "@cupel/runtime";
import { serveErrors } from "../errors.ts";
import { datatypes } from "./datatype.ts";
import type { BytesTensor, NumberTensor } from "./tensor.ts";

/** A view where the bytes lie as the processor wants them, else one copy. @throws INPUT_SHAPE_MISMATCH, REQUEST_INVALID */
export function readNumbers(
  bytes: Uint8Array,
  { name, shape, datatype }: Pick<NumberTensor, "name" | "shape" | "datatype">,
): TypedArray {
  const { array } = datatypes[datatype];
  const size = elementCount(shape) * array.BYTES_PER_ELEMENT;
  if (bytes.length !== size) {
    throw runtimeErrors.error(
      "INPUT_SHAPE_MISMATCH",
      `The input "${name}" of shape [${shape.join(", ")}] takes ${size} bytes of ${datatype}; ${bytes.length} were sent.`,
      { details: { input: name, shape, bytes: bytes.length } },
    );
  }
  if (datatype === "BOOL" && bytes.some((byte) => byte > 1)) {
    throw serveErrors.error(
      "REQUEST_INVALID",
      `The input "${name}" is BOOL, a byte an element, 0 or 1; it has others.`,
      { details: { input: name } },
    );
  }
  const isAligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 && bytes.buffer instanceof ArrayBuffer;
  const { buffer, byteOffset } = isAligned ? bytes : Uint8Array.from(bytes);
  return new array(buffer as ArrayBuffer, byteOffset, bytes.length / array.BYTES_PER_ELEMENT);
}

/** Views of the elements. @throws INPUT_SHAPE_MISMATCH */
export function readElements(
  bytes: Uint8Array,
  { name, shape }: Pick<BytesTensor, "name" | "shape">,
): readonly Uint8Array[] {
  const wanted = elementCount(shape);
  const lengths = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const elements: Uint8Array[] = [];
  let at = 0;
  while (at + 4 <= bytes.length && elements.length < wanted) {
    const end = at + 4 + lengths.getUint32(at, true);
    if (end > bytes.length) break;
    elements.push(bytes.subarray(at + 4, end));
    at = end;
  }
  if (at === bytes.length && elements.length === wanted) return elements;
  throw runtimeErrors.error(
    "INPUT_SHAPE_MISMATCH",
    `The input "${name}" of shape [${shape.join(", ")}] takes ${wanted} elements, each after its length in 4 bytes; its ${bytes.length} bytes are not that.`,
    { details: { input: name, shape, bytes: bytes.length } },
  );
}

/** A view of what is sent. */
export function tensorBytes({ data }: NumberTensor): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = data;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : Uint8Array.from(new Uint8Array(buffer, byteOffset, byteLength));
}
