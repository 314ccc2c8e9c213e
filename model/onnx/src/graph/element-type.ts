/**
 * The element types of ONNX tensors: one row a type, with its number in `TensorProto.DataType`
 * (onnx.proto, IR 14) and its width. Widths under 8 bits are packed, first element in the low bits.
 */
export type ElementType = keyof typeof elementTypes;

export interface ElementTypeRow {
  readonly code: number;
  /** Bits one element takes in `raw_data`; 0 for strings, which have none. */
  readonly bits: number;
}

export const elementTypes = {
  float32: { code: 1, bits: 32 },
  uint8: { code: 2, bits: 8 },
  int8: { code: 3, bits: 8 },
  uint16: { code: 4, bits: 16 },
  int16: { code: 5, bits: 16 },
  int32: { code: 6, bits: 32 },
  int64: { code: 7, bits: 64 },
  string: { code: 8, bits: 0 },
  bool: { code: 9, bits: 8 },
  float16: { code: 10, bits: 16 },
  float64: { code: 11, bits: 64 },
  uint32: { code: 12, bits: 32 },
  uint64: { code: 13, bits: 64 },
  complex64: { code: 14, bits: 64 },
  complex128: { code: 15, bits: 128 },
  bfloat16: { code: 16, bits: 16 },
  float8e4m3fn: { code: 17, bits: 8 },
  float8e4m3fnuz: { code: 18, bits: 8 },
  float8e5m2: { code: 19, bits: 8 },
  float8e5m2fnuz: { code: 20, bits: 8 },
  uint4: { code: 21, bits: 4 },
  int4: { code: 22, bits: 4 },
  float4e2m1: { code: 23, bits: 4 },
  float8e8m0: { code: 24, bits: 8 },
  uint2: { code: 25, bits: 2 },
  int2: { code: 26, bits: 2 },
} as const satisfies Record<string, ElementTypeRow>;

const names = Object.keys(elementTypes).filter((name): name is ElementType =>
  Object.hasOwn(elementTypes, name),
);
const byCode = new Map(names.map((name) => [elementTypes[name].code as number, name]));

/** Undefined for 0 (UNDEFINED) and for numbers newer than this table. */
export function elementTypeOf(code: number): ElementType | undefined {
  return byCode.get(code);
}

/** Bytes that `count` elements take in `raw_data`. */
export function byteLengthOf(type: ElementType, count: number): number {
  return Math.ceil((count * elementTypes[type].bits) / 8);
}
