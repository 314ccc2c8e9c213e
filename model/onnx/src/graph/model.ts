/** A model: one graph, the operator sets its nodes are to be read by, and what its maker wrote about it. */
import type { FunctionProto, ModelProto } from "../gen/onnx_pb.ts";
import { Graph } from "./graph.ts";

/** The newest versions Cupel reads: ONNX 1.23. */
export const newestIrVersion = 14;
export const newestOpset = 28;

export class Model {
  irVersion: number;
  /** Operator set version by domain; "" is the standard domain. */
  readonly opsets: Map<string, number>;
  readonly graph: Graph;
  /** `metadata_props`: free text by key. Preprocessing and labels travel here. */
  readonly metadata: Map<string, string>;
  producerName: string;
  producerVersion: string;
  /** Functions local to the model: carried as they are. */
  readonly functions: FunctionProto[];
  readonly proto: ModelProto | null;

  constructor(parts: {
    irVersion: number;
    opsets: Map<string, number>;
    graph?: Graph;
    metadata?: Map<string, string>;
    producerName?: string;
    producerVersion?: string;
    functions?: FunctionProto[];
    proto?: ModelProto | null;
  }) {
    this.irVersion = parts.irVersion;
    this.opsets = parts.opsets;
    this.graph = parts.graph ?? new Graph("main");
    this.metadata = parts.metadata ?? new Map();
    this.producerName = parts.producerName ?? "cupel";
    this.producerVersion = parts.producerVersion ?? "";
    this.functions = parts.functions ?? [];
    this.proto = parts.proto ?? null;
  }

  /** Version of the standard operator set; 0 when the model imports none. */
  get opset(): number {
    return this.opsets.get("") ?? this.opsets.get("ai.onnx") ?? 0;
  }

  set opset(version: number) {
    this.opsets.set(this.opsets.has("ai.onnx") ? "ai.onnx" : "", version);
  }
}
