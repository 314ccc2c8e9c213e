/**
 * Tensors as bytes: little-endian, row-major; BYTES are elements, each after its length in 4 bytes. So have them Triton's
 * binary extension over REST and the raw contents of gRPC.
 */
import { elementCount } from "@cupel/base/portable";
import { clientError } from "../errors.ts";
import { arrays, isNumberDatatype, numberTensor, type Tensor } from "./tensor.ts";

/** A view, or of BYTES one copy. */
export function tensorBytes(tensor: Tensor): Uint8Array<ArrayBuffer> {
  if (tensor.datatype === "BYTES") return elementBytes(tensor.data);
  const { buffer, byteOffset, byteLength } = tensor.data;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : Uint8Array.from(new Uint8Array(buffer, byteOffset, byteLength));
}

function elementBytes(elements: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(elements.reduce((sum, { byteLength }) => sum + 4 + byteLength, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const element of elements) {
    view.setUint32(at, element.byteLength, true);
    bytes.set(element, at + 4);
    at += 4 + element.byteLength;
  }
  return bytes;
}

/** What an answer says of a tensor before its data. */
export interface TensorHead {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** A view where the bytes lie as the processor wants them, else one copy. @throws ANSWER_INVALID */
export function tensorOf({ name, datatype, shape }: TensorHead, bytes: Uint8Array): Tensor {
  if (datatype === "BYTES") return { name, datatype, shape, data: readElements(bytes, name) };
  if (!isNumberDatatype(datatype)) throw invalid(`The output "${name}" is of datatype "${datatype}"`);
  const array = arrays[datatype];
  const size = array.BYTES_PER_ELEMENT;
  if (bytes.length !== elementCount(shape) * size)
    throw invalid(
      `The output "${name}" of shape [${shape.join(", ")}] and ${datatype} has ${bytes.length} bytes`,
    );
  const isAligned = bytes.byteOffset % size === 0 && bytes.buffer instanceof ArrayBuffer;
  const { buffer, byteOffset } = isAligned ? bytes : Uint8Array.from(bytes);
  return numberTensor(
    name,
    datatype,
    shape,
    new array(buffer as ArrayBuffer, byteOffset, bytes.length / size),
  );
}

function readElements(bytes: Uint8Array, name: string): readonly Uint8Array[] {
  const lengths = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const elements: Uint8Array[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const end = at + 4 + lengths.getUint32(at, true);
    elements.push(bytes.subarray(at + 4, end));
    at = end;
  }
  if (at !== bytes.length) throw invalid(`The elements of the output "${name}" are cut`);
  return elements;
}

function invalid(what: string): Error {
  return clientError("ANSWER_INVALID", `${what}, which is not as the protocol has it.`);
}
