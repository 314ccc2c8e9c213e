/**
 * An edge of the graph: made by one node, or a graph input, or a constant; used by any number of nodes.
 * `producer` and `uses` are kept by Node and Graph; read them, never write them.
 */
import type { SparseTensorProto, ValueInfoProto } from "../gen/onnx_pb.ts";
import type { Node } from "./node.ts";
import type { Tensor } from "./tensor.ts";
import type { Shape, ValueType } from "./value-type.ts";

export interface Use {
  readonly node: Node;
  /** Position among the node's inputs. */
  readonly index: number;
}

export class Value {
  name: string;
  type: ValueType | null;
  /** The constant this value holds, when it is an initialiser. */
  constant: Tensor | null = null;
  /** The sparse constant this value holds: carried, not interpreted. */
  sparse: SparseTensorProto | null = null;
  producer: Node | null = null;
  readonly uses: Use[] = [];
  /** The message it was read from; its documentation and metadata are written back. */
  readonly proto: ValueInfoProto | null;

  constructor(name: string, type: ValueType | null = null, proto: ValueInfoProto | null = null) {
    this.name = name;
    this.type = type;
    this.proto = proto;
  }

  /** Null when the value is no tensor or its rank is unknown. */
  get shape(): Shape {
    if (this.constant) return this.constant.dims;
    return this.type?.kind === "tensor" ? this.type.shape : null;
  }

  /** The distinct nodes that read this value, in no promised order. */
  get consumers(): Node[] {
    return [...new Set(this.uses.map((use) => use.node))];
  }
}
