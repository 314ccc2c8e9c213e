/** What is known of a value before the model runs: its element type and its shape. */

import type { TypeProto } from "../gen/onnx_pb.ts";
import type { ElementType } from "./element-type.ts";

/** A size, the name of a symbolic size (such as "N"), or null when nothing is known. */
export type Dimension = number | string | null;

/** Null when not even the rank is known. */
export type Shape = readonly Dimension[] | null;

export type ValueType =
  | { readonly kind: "tensor"; readonly elementType: ElementType; readonly shape: Shape }
  /** Sequences, maps, optionals and sparse tensors: carried, not interpreted. */
  | { readonly kind: "opaque"; readonly proto: TypeProto };

export function tensorType(elementType: ElementType, shape: Shape): ValueType {
  return { kind: "tensor", elementType, shape };
}

/** A shape whose every size is a number. */
export function isStatic(shape: Shape): shape is readonly number[] {
  return shape?.every((dim) => typeof dim === "number") ?? false;
}
