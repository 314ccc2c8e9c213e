/** The datatypes of the Open Inference Protocol v2, and the engine's element types they are. */
import { own } from "@cupel/base";
import type { TypedArray } from "@cupel/runtime";

/** By OIP name. BYTES, which has no element type here, carries encoded images. */
export const datatypes = {
  BOOL: { type: "bool", array: Uint8Array },
  UINT8: { type: "uint8", array: Uint8Array },
  UINT16: { type: "uint16", array: Uint16Array },
  UINT32: { type: "uint32", array: Uint32Array },
  UINT64: { type: "uint64", array: BigUint64Array },
  INT8: { type: "int8", array: Int8Array },
  INT16: { type: "int16", array: Int16Array },
  INT32: { type: "int32", array: Int32Array },
  INT64: { type: "int64", array: BigInt64Array },
  /** Bit patterns. */
  FP16: { type: "float16", array: Uint16Array },
  FP32: { type: "float32", array: Float32Array },
  FP64: { type: "float64", array: Float64Array },
} as const satisfies Readonly<Record<string, { type: string; array: new (length: number) => TypedArray }>>;

export type NumberDatatype = keyof typeof datatypes;
export type Datatype = NumberDatatype | "BYTES";

export function isNumberDatatype(name: string): name is NumberDatatype {
  return own(datatypes, name as NumberDatatype) !== undefined;
}

const names = new Map<string, NumberDatatype>(
  Object.entries(datatypes).map(([name, { type }]) => [type, name as NumberDatatype]),
);

/** Of an element type of ONNX; null where the protocol has no name for it. */
export function datatypeOf(elementType: string): NumberDatatype | null {
  return names.get(elementType) ?? null;
}
