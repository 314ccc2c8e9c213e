/** One node of a graph in the engine's trace, by the name and the shapes it really ran with. */
import { own } from "@cupel/base";
import { macsOf, Node, tensorType, Value } from "@cupel/onnx";
import type { TraceEvent } from "@cupel/runtime";

const kernelSuffix = "_kernel_time";
/** The engine's names for what it has re-laid or fused. */
const engineSuffix = /_nchwc$|_token_\d+$/;

export function isKernel({ cat, name }: TraceEvent): boolean {
  return cat === "Node" && name.endsWith(kernelSuffix);
}

export function isRun({ cat, name }: TraceEvent): boolean {
  return cat === "Session" && name === "model_run";
}

export function isOpening({ cat, name }: TraceEvent): boolean {
  return cat === "Session" && name === "session_initialization";
}

/** The node's name in the model, without what the engine appended. Nodes without a name are named by the engine. */
export function kernelName(node: string): string {
  return node.replace(engineSuffix, "");
}

/** The node's name in a kernel's event; see `isKernel`. */
export function nodeOf({ name }: TraceEvent): string {
  return name.slice(0, -kernelSuffix.length);
}

/** "layer1.0.conv1" and "/layer1/layer1.0/Conv" are paths; a layer is a folder of nodes. */
export function layerPath(name: string): string[] {
  return name.split(/[/.]/).filter((part) => part !== "");
}

/** Fused operators count as what they were fused from. */
const unfused: Readonly<Record<string, string>> = {
  FusedConv: "Conv",
  FusedGemm: "Gemm",
  FusedMatMul: "Gemm",
};

/**
 * Multiply-accumulates of one run, from the shapes in its event; null for operators without, and for those
 * the engine made up. Channels that the engine added to fill its vectors are counted, since they are computed.
 */
export function kernelMacs({ args }: TraceEvent): number | null {
  if (args?.op_name === undefined) return null;
  const dims = (shapes: typeof args.input_type_shape) =>
    (shapes ?? []).map((shape) => Object.values(shape)[0]);
  const value = (shape: readonly number[] | undefined) =>
    shape === undefined ? null : new Value("", tensorType("float32", shape));
  const inputs = dims(args.input_type_shape);
  const outputs = dims(args.output_type_shape).map((shape) => value(shape) ?? new Value(""));
  const opType = own(unfused, args.op_name) ?? args.op_name;
  if (opType === "Gemm") return gemmMacs(inputs[0], dims(args.output_type_shape)[0]);
  const node = new Node({ opType, inputs: inputs.map(value), outputs });
  return macsOf(node, (of) => of?.shape ?? null);
}

/** A trace does not say what is transposed; each element of the left factor meets one of each column. */
function gemmMacs(left: readonly number[] | undefined, output: readonly number[] | undefined): number | null {
  const columns = output?.at(-1);
  if (left === undefined || columns === undefined) return null;
  return left.reduce((product, size) => product * size, columns);
}
