/** Tensors in and out, typed by their datatype (Open Inference Protocol v2), whatever face carries them. */

/** The array that holds each datatype. FP16 is bit patterns; BOOL a byte an element, 0 or 1. */
export const arrays = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const;

export type NumberDatatype = keyof typeof arrays;
export type Datatype = NumberDatatype | "BYTES";
export type ArrayOf<Name extends NumberDatatype> = InstanceType<(typeof arrays)[Name]>;

/** A tensor of one datatype; `data` is row-major. */
export interface TensorOf<Name extends NumberDatatype> {
  readonly name: string;
  readonly datatype: Name;
  readonly shape: readonly number[];
  readonly data: ArrayOf<Name>;
}

export type NumberTensor = { [Name in NumberDatatype]: TensorOf<Name> }[NumberDatatype];

/** Elements of any length, such as encoded images; as many as the shape has elements. */
export interface BytesTensor {
  readonly name: string;
  readonly datatype: "BYTES";
  readonly shape: readonly number[];
  readonly data: readonly Uint8Array[];
}

export type Tensor = NumberTensor | BytesTensor;

export function isNumberDatatype(name: string): name is NumberDatatype {
  return Object.hasOwn(arrays, name);
}

/** A tensor whose datatype and array belong together, as one of the union. */
export function numberTensor<Name extends NumberDatatype>(
  name: string,
  datatype: Name,
  shape: readonly number[],
  data: ArrayOf<Name>,
): NumberTensor {
  // The compiler does not see that the members of a generic belong to one row of the union.
  return { name, datatype, shape, data } as unknown as NumberTensor;
}
