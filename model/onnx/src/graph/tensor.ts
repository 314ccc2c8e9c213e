/**
 * Constant data of a model. A tensor is immutable and lazy: it keeps the bytes as a view of the file
 * they came from (or the place of an external file) and decodes nothing until asked, so that opening a
 * large model costs no second copy of its weights.
 */

import { elementCount } from "@cupel/base";
import { onnxErrors } from "../errors.ts";
import type { TensorProto } from "../gen/onnx_pb.ts";
import { byteLengthOf, type ElementType, elementTypes } from "./element-type.ts";
import { readBfloat16, readFloat16 } from "./half.ts";

/** Where the elements are. `bytes` is the layout of `raw_data`: little endian, packed under 8 bits. */
export type TensorSource =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "strings"; readonly strings: readonly Uint8Array[] }
  /** Computed each time they are asked for, so that nobody holds them. `make` MUST return the same bytes each time. */
  | { readonly kind: "made"; make(): Uint8Array }
  /** Read when needed. `load` MUST return exactly the tensor's bytes. */
  | { readonly kind: "external"; readonly place: ExternalPlace; load(): Uint8Array };

export interface ExternalPlace {
  /** As written in the model, relative to its folder. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export class Tensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly source: TensorSource;
  /** The message it was read from, kept so that it is written back to the byte. */
  readonly proto: TensorProto | null;

  /** @throws TENSOR_INVALID when inline bytes do not fit type and dims. */
  constructor(
    type: ElementType,
    dims: readonly number[],
    source: TensorSource,
    proto: TensorProto | null = null,
  ) {
    this.type = type;
    this.dims = dims;
    this.source = source;
    this.proto = proto;
    const expected = this.byteLength;
    if (source.kind === "bytes" && source.bytes.byteLength !== expected) {
      throw onnxErrors.error(
        "TENSOR_INVALID",
        `A ${type} tensor of shape [${dims}] takes ${expected} bytes, but ${source.bytes.byteLength} are given.`,
      );
    }
  }

  static fromBytes(type: ElementType, dims: readonly number[], bytes: Uint8Array): Tensor {
    return new Tensor(type, dims, { kind: "bytes", bytes });
  }

  /** Elements that are computed when they are written or read, and are not kept. @param make as many bytes as type and dims take */
  static made(type: ElementType, dims: readonly number[], make: () => Uint8Array): Tensor {
    return new Tensor(type, dims, { kind: "made", make });
  }

  static float32(dims: readonly number[], values: Float32Array | readonly number[]): Tensor {
    return Tensor.fromBytes("float32", dims, bytesOf(Float32Array.from(values)));
  }

  static int64(dims: readonly number[], values: readonly number[]): Tensor {
    return Tensor.fromBytes("int64", dims, bytesOf(BigInt64Array.from(values, BigInt)));
  }

  static int32(dims: readonly number[], values: Int32Array | readonly number[]): Tensor {
    return Tensor.fromBytes("int32", dims, bytesOf(Int32Array.from(values)));
  }

  static int8(dims: readonly number[], values: Int8Array | readonly number[]): Tensor {
    return Tensor.fromBytes("int8", dims, bytesOf(Int8Array.from(values)));
  }

  static uint8(dims: readonly number[], values: Uint8Array | readonly number[]): Tensor {
    return Tensor.fromBytes("uint8", dims, Uint8Array.from(values));
  }

  /** Number of elements. */
  get size(): number {
    return elementCount(this.dims);
  }

  get byteLength(): number {
    return byteLengthOf(this.type, this.size);
  }

  /** The elements as in `raw_data`. A view where possible: do not write into it. */
  bytes(): Uint8Array {
    switch (this.source.kind) {
      case "bytes":
        return this.source.bytes;
      case "external":
        return this.source.load();
      case "made":
        return this.source.make();
      case "strings":
        throw onnxErrors.error("TENSOR_INVALID", "A string tensor has no raw bytes.");
    }
  }

  /**
   * The elements as float32: a view when they are float32 and aligned, else a copy.
   * @throws TENSOR_INVALID for strings, complex numbers and types under 16 bits of float.
   */
  toFloat32(): Float32Array {
    const raw = this.bytes();
    switch (this.type) {
      case "float32":
        return new Float32Array(aligned(raw, 4), offsetOf(raw, 4), this.size);
      case "float16":
        return readFloat16(new Uint16Array(aligned(raw, 2), offsetOf(raw, 2), this.size));
      case "bfloat16":
        return readBfloat16(new Uint16Array(aligned(raw, 2), offsetOf(raw, 2), this.size));
      default:
        return Float32Array.from(this.toNumbers());
    }
  }

  /** Integers and truth values, exactly. @throws TENSOR_INVALID for other types. */
  toBigInts(): bigint[] {
    const raw = this.bytes();
    switch (this.type) {
      case "int64":
        return Array.from(new BigInt64Array(aligned(raw, 8), offsetOf(raw, 8), this.size));
      case "uint64":
        return Array.from(new BigUint64Array(aligned(raw, 8), offsetOf(raw, 8), this.size));
      default:
        if (/^u?int|^bool/.test(this.type)) return this.toNumbers().map(BigInt);
        throw onnxErrors.error("TENSOR_INVALID", `A ${this.type} tensor holds no integers.`);
    }
  }

  /** The elements as JavaScript numbers; 64-bit integers beyond 2^53 lose their last bits. */
  toNumbers(): number[] {
    const raw = this.bytes();
    const count = this.size;
    switch (this.type) {
      case "float32":
      case "float16":
      case "bfloat16":
        return Array.from(this.toFloat32());
      case "float64":
        return Array.from(new Float64Array(aligned(raw, 8), offsetOf(raw, 8), count));
      case "int64":
        return Array.from(new BigInt64Array(aligned(raw, 8), offsetOf(raw, 8), count), Number);
      case "uint64":
        return Array.from(new BigUint64Array(aligned(raw, 8), offsetOf(raw, 8), count), Number);
      case "int32":
        return Array.from(new Int32Array(aligned(raw, 4), offsetOf(raw, 4), count));
      case "uint32":
        return Array.from(new Uint32Array(aligned(raw, 4), offsetOf(raw, 4), count));
      case "int16":
        return Array.from(new Int16Array(aligned(raw, 2), offsetOf(raw, 2), count));
      case "uint16":
        return Array.from(new Uint16Array(aligned(raw, 2), offsetOf(raw, 2), count));
      case "int8":
        return Array.from(new Int8Array(raw.buffer, raw.byteOffset, count));
      case "uint8":
      case "bool":
        return Array.from(raw);
      case "int4":
      case "uint4":
      case "int2":
      case "uint2":
        return unpackIntegers(raw, count, elementTypes[this.type].bits, this.type.startsWith("int"));
      default:
        throw onnxErrors.error("TENSOR_INVALID", `A ${this.type} tensor cannot be read as numbers.`);
    }
  }
}

/** Packs signed or unsigned integers of `bits` (4 or 2) as `raw_data` does: first element in the low bits. */
export function packIntegers(values: ArrayLike<number>, bits: 2 | 4): Uint8Array {
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const packed = new Uint8Array(Math.ceil(values.length / perByte));
  for (let i = 0; i < values.length; i++) {
    packed[Math.floor(i / perByte)]! |= (values[i]! & mask) << ((i % perByte) * bits);
  }
  return packed;
}

function unpackIntegers(packed: Uint8Array, count: number, bits: number, signed: boolean): number[] {
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const sign = 1 << (bits - 1);
  return Array.from({ length: count }, (_, i) => {
    const code = (packed[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & mask;
    return signed && code >= sign ? code - 2 * sign : code;
  });
}

/** The bytes behind a typed array, not copied. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function isAligned(bytes: Uint8Array, width: number): boolean {
  return bytes.byteOffset % width === 0;
}

function aligned(bytes: Uint8Array, width: number): ArrayBufferLike {
  // Not slice(): on a Buffer that is a view of the same, unaligned, memory.
  return isAligned(bytes, width) ? bytes.buffer : new Uint8Array(bytes).buffer;
}

function offsetOf(bytes: Uint8Array, width: number): number {
  return isAligned(bytes, width) ? bytes.byteOffset : 0;
}
