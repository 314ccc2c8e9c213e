/** The constants of a node. Immutable: to change one, set another in its place. */
import type { AttributeProto } from "../gen/onnx_pb.ts";
import type { Graph } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

export type Attribute = AttributeValue & {
  /** The message it was read from, kept so that what is not changed is written back to the byte. */
  readonly proto?: AttributeProto;
};

export type AttributeValue =
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "tensors"; readonly value: readonly Tensor[] }
  | { readonly kind: "graphs"; readonly value: readonly Graph[] }
  /** Sparse tensors, types, and references to the attributes of an enclosing function. */
  | { readonly kind: "opaque"; readonly proto: AttributeProto };

/** The plain form passes write attributes in; integers unless marked otherwise. */
export const attribute = {
  int: (value: number): Attribute => ({ kind: "int", value }),
  ints: (value: readonly number[]): Attribute => ({ kind: "ints", value }),
  float: (value: number): Attribute => ({ kind: "float", value }),
  floats: (value: readonly number[]): Attribute => ({ kind: "floats", value }),
  string: (value: string): Attribute => ({ kind: "string", value }),
  tensor: (value: Tensor): Attribute => ({ kind: "tensor", value }),
  graph: (value: Graph): Attribute => ({ kind: "graph", value }),
};
