/**
 * Tensors as they cross the thread boundary: a type, a shape and a typed array, nothing with behaviour.
 *
 * Half precision and bfloat16 travel as their bit patterns in a `Uint16Array`, booleans as bytes 0 and 1,
 * 4-bit integers two to a byte with the first in the low bits, as in ONNX `raw_data`.
 */
import type { ElementType } from "@cupel/onnx";
import { runtimeErrors } from "../errors.ts";

/** The element types that may enter or leave a session, and the array that holds each. */
export const tensorArrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  int4: Uint8Array,
  uint4: Uint8Array,
} as const;

export type EngineElementType = keyof typeof tensorArrays;
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

export interface TensorData {
  readonly type: ElementType;
  /** Empty for a scalar. */
  readonly dims: readonly number[];
  /** Elements in row-major order. */
  readonly data: TypedArray;
}

/** A graph input or output as the engine declares it. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  /** A number, or the name of a symbolic dimension (`""` when it has none). Empty also when the rank is unknown. */
  readonly dims: readonly (number | string)[];
}

export function isEngineElementType(type: string): type is EngineElementType {
  return Object.hasOwn(tensorArrays, type);
}

/** @throws TENSOR_TYPE_MISMATCH */
export function engineElementType(type: string): EngineElementType {
  if (isEngineElementType(type)) return type;
  throw runtimeErrors.error("TENSOR_TYPE_MISMATCH", `The engine takes no ${type} tensors from JavaScript.`);
}

/** How many elements of the typed array `count` tensor elements take: half as many for 4-bit types. */
export function arrayLength(type: EngineElementType, count: number): number {
  return type === "int4" || type === "uint4" ? Math.ceil(count / 2) : count;
}

/** A copy in memory of its own, never shared. Buffer overrides `slice` to share memory, hence the constructor for bytes. */
export function copyOf(data: TypedArray): TypedArray {
  return data instanceof Uint8Array ? new Uint8Array(data) : data.slice();
}

/** The same memory as bytes. */
export function bytesOf(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * One tensor of several, one behind the other along the first dimension.
 * @throws TENSOR_TYPE_MISMATCH where they differ in their type or in another dimension
 */
export function joinTensors(tensors: readonly TensorData[]): TensorData {
  const [first] = tensors;
  const rest = first?.dims.slice(1) ?? [];
  for (const { type, dims } of tensors) {
    if (type === first?.type && dims.slice(1).join() === rest.join() && dims.length > 0) continue;
    throw runtimeErrors.error(
      "TENSOR_TYPE_MISMATCH",
      `Tensors that differ are not joined: ${first?.type} [${first?.dims.join(", ")}] and ${type} [${dims.join(", ")}].`,
    );
  }
  const bytes = new Uint8Array(tensors.reduce((sum, { data }) => sum + data.byteLength, 0));
  let at = 0;
  for (const { data } of tensors) {
    bytes.set(bytesOf(data), at);
    at += data.byteLength;
  }
  const type = engineElementType(first?.type ?? "float32");
  const images = tensors.reduce((sum, { dims }) => sum + dims[0]!, 0);
  return { type, dims: [images, ...rest], data: new tensorArrays[type](bytes.buffer) };
}

/** The same tensor as often as there are images; itself where it is not of one image. */
export function repeatedTo(tensor: TensorData, images: number | null | undefined): TensorData {
  const { dims, data } = tensor;
  if (dims[0] !== 1 || images == null || images === 1) return tensor;
  const bytes = bytesOf(data);
  const all = new Uint8Array(bytes.length * images);
  for (let i = 0; i < images; i++) all.set(bytes, i * bytes.length);
  return {
    ...tensor,
    dims: [images, ...dims.slice(1)],
    data: new tensorArrays[engineElementType(tensor.type)](all.buffer),
  };
}

export function isShared(data: TypedArray): boolean {
  return data.buffer instanceof SharedArrayBuffer;
}

/**
 * The elements of a float32 tensor, as a view.
 * @throws TENSOR_TYPE_MISMATCH
 */
export function float32Of(tensor: TensorData): Float32Array {
  if (tensor.type === "float32" && tensor.data instanceof Float32Array) return tensor.data;
  throw runtimeErrors.error(
    "TENSOR_TYPE_MISMATCH",
    `A float32 tensor was expected, but this one of shape [${tensor.dims.join(", ")}] is ${tensor.type}.`,
    { details: { expected: "float32", given: tensor.type } },
  );
}
