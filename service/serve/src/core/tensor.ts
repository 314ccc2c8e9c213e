/** Tensors as the core sees them, whatever face they came by. */
import type { TypedArray } from "@cupel/runtime";
import type { NumberDatatype } from "./datatype.ts";

export interface NumberTensor {
  readonly name: string;
  readonly datatype: NumberDatatype;
  readonly shape: readonly number[];
  /** Row-major, of the array that `datatypes` names; often a view of the request's body. */
  readonly data: TypedArray;
}

/** Elements of any length: encoded images for the image input of a model. */
export interface BytesTensor {
  readonly name: string;
  readonly datatype: "BYTES";
  readonly shape: readonly number[];
  /** As many as the shape has elements. */
  readonly data: readonly Uint8Array[];
}

export type Tensor = NumberTensor | BytesTensor;
