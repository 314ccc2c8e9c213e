/**
 * Which convolutions and matrix products run on integers in the end, and why the others do not.
 *
 * A quantised model (QuantizeLinear/DequantizeLinear pairs, "QDQ") is only a promise: the engine keeps it
 * where it can replace DequantizeLinear -> Conv -> QuantizeLinear by one integer kernel. Where a piece of
 * that pattern is missing it computes in float32, at the price of the conversions on top. The rules below
 * are the engine's own conditions, asked in its order; see ONNX Runtime's qdq_selectors.
 */
import type { Model, Node, Value } from "@cupel/onnx";
import type { ModelSource } from "../session/model-source.ts";
import { type OptimisedGraphOptions, optimisedGraph } from "./optimised-graph.ts";

export interface FusionReport {
  /** Operators of the optimised graph with their domain ("com.microsoft.QLinearConv"), the most frequent first. */
  readonly operators: readonly { readonly opType: string; readonly count: number }[];
  readonly convolutions: FusionCount;
  /** Gemm and MatMul. */
  readonly matrixProducts: FusionCount;
  readonly unfused: readonly UnfusedNode[];
}

export interface FusionCount {
  readonly total: number;
  /** Those that run on integers. */
  readonly quantised: number;
}

export interface UnfusedNode {
  readonly node: string;
  readonly opType: string;
  readonly kind: ComputeKind;
  readonly reason: string;
}

type ComputeKind = "convolution" | "matrixProduct";

/** Operators that hold a model's multiplications, by name; those of the engine's own domains included. */
const computeOperators: Readonly<
  Record<string, { readonly kind: ComputeKind; readonly quantised: boolean }>
> = {
  Conv: { kind: "convolution", quantised: false },
  FusedConv: { kind: "convolution", quantised: false },
  NhwcFusedConv: { kind: "convolution", quantised: false },
  ConvTranspose: { kind: "convolution", quantised: false },
  QLinearConv: { kind: "convolution", quantised: true },
  ConvInteger: { kind: "convolution", quantised: true },
  QLinearConvTranspose: { kind: "convolution", quantised: true },
  Gemm: { kind: "matrixProduct", quantised: false },
  FusedGemm: { kind: "matrixProduct", quantised: false },
  MatMul: { kind: "matrixProduct", quantised: false },
  FusedMatMul: { kind: "matrixProduct", quantised: false },
  QGemm: { kind: "matrixProduct", quantised: true },
  QLinearMatMul: { kind: "matrixProduct", quantised: true },
  MatMulInteger: { kind: "matrixProduct", quantised: true },
  MatMulIntegerToFloat: { kind: "matrixProduct", quantised: true },
  DynamicQuantizeMatMul: { kind: "matrixProduct", quantised: true },
  MatMulNBits: { kind: "matrixProduct", quantised: true },
};

/** Operators that only move elements: what matters is what stands before them. */
const movements = new Set(["Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze"]);
const reorders = new Set(["ReorderInput", "ReorderOutput"]);

/** Optimises the model with the engine and reports on the outcome. @throws what `openSession` throws */
export async function fusionReport(
  source: ModelSource,
  options: OptimisedGraphOptions = {},
): Promise<FusionReport> {
  return reportFusions(await optimisedGraph(source, options));
}

/** @param optimised as the engine left it: see `optimisedGraph`. */
export function reportFusions(optimised: Model): FusionReport {
  const operators = new Map<string, number>();
  const counts = {
    convolution: { total: 0, quantised: 0 },
    matrixProduct: { total: 0, quantised: 0 },
  };
  const unfused: UnfusedNode[] = [];
  for (const node of optimised.graph.allNodes()) {
    const opType = node.isStandard ? node.opType : `${node.domain}.${node.opType}`;
    operators.set(opType, (operators.get(opType) ?? 0) + 1);
    const compute = Object.hasOwn(computeOperators, node.opType) ? computeOperators[node.opType] : undefined;
    if (!compute) continue;
    counts[compute.kind].total += 1;
    if (compute.quantised) counts[compute.kind].quantised += 1;
    else unfused.push({ node: nameOf(node), opType, kind: compute.kind, reason: reasonFor(optimised, node) });
  }
  return {
    operators: [...operators]
      .map(([opType, count]) => ({ opType, count }))
      .sort((a, b) => b.count - a.count || (a.opType < b.opType ? -1 : 1)),
    convolutions: counts.convolution,
    matrixProducts: counts.matrixProduct,
    unfused,
  };
}

/** Each rule names what is missing, or null when its piece of the pattern is there. */
const rules: readonly ((model: Model, node: Node) => string | null)[] = [
  (_, node) =>
    isDequantised(node.input(0))
      ? null
      : `its input is not quantised: it comes from ${originOf(node.input(0))}`,
  (_, node) =>
    isDequantised(node.input(1))
      ? null
      : `its weights are not quantised: they come from ${originOf(node.input(1))}`,
  (_, node) => {
    const bias = node.input(2);
    return bias === null || bias.constant || isDequantised(bias)
      ? null
      : `its bias is computed by ${originOf(bias)} instead of being a constant`;
  },
  ({ graph }, node) =>
    graph.isOutput(node.output) ? "its output is an output of the graph, which has to be float" : null,
  (_, node) => {
    const readers = readersOf(node.output);
    const inFloat = readers.find((reader) => !reader.is("QuantizeLinear"));
    if (inFloat)
      return `its output is not quantised: ${nameOf(inFloat)} (${inFloat.opType}) reads it in float`;
    return readers.length > 1
      ? `its output is quantised ${readers.length} times: the engine fuses one QuantizeLinear only`
      : null;
  },
];

function reasonFor(model: Model, node: Node): string {
  for (const rule of rules) {
    const reason = rule(model, node);
    if (reason !== null) return reason;
  }
  return "it is quantised on all sides, yet the engine has no integer kernel for these types: use uint8 activations and int8 weights with zero point 0";
}

function isDequantised(value: Value | null): boolean {
  return producerBehindMovement(value)?.is("DequantizeLinear") ?? false;
}

function producerBehindMovement(value: Value | null): Node | null {
  let producer = value?.producer ?? null;
  while (producer && isMovement(producer)) producer = producer.input(0)?.producer ?? null;
  return producer;
}

function readersOf(value: Value): Node[] {
  return value.consumers.flatMap((reader) =>
    reorders.has(reader.opType) ? readersOf(reader.output) : [reader],
  );
}

function isMovement(node: Node): boolean {
  return movements.has(node.opType) || reorders.has(node.opType);
}

function originOf(value: Value | null): string {
  if (value?.constant) return `the constant "${value.name}"`;
  const producer = producerBehindMovement(value);
  return producer ? `${nameOf(producer)} (${producer.opType})` : `the graph input "${value?.name ?? ""}"`;
}

function nameOf(node: Node): string {
  return node.name || node.output.name;
}
