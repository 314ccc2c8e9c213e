/**
 * What a model will take, told from the graph that the engine runs: weights in the forms that they pass through when they are
 * loaded, what is fed, and the activations of a run. Nothing is measured; `measureMemory` measures.
 */
import { join } from "node:path";
import { openTemporaryFolder, own } from "@cupel/base";
import {
  cloneModel,
  inferShapes,
  type MemoryPlan,
  type Model,
  type Node,
  planMemory,
  type Tensor,
  writeModelFile,
} from "@cupel/onnx";
import { feedDims, type InputForms } from "../measure/feed-dims.ts";
import { optimisedGraph } from "../measure/optimised-graph.ts";
import type { EngineTuning } from "../session/engine-options.ts";
import { readSource } from "../session/graph-edits.ts";
import type { ModelSource } from "../session/model-source.ts";
import { engineReuse } from "./engine-reuse.ts";

export interface PredictMemoryOptions
  extends Pick<EngineTuning, "optimization" | "executionProviders" | "configEntries" | "memoryPattern"> {
  /** Images a run. Default 1. */
  readonly batch?: number | undefined;
  /** Sizes that the model leaves open. Default: see `feedDims`. */
  readonly inputs?: InputForms | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** In bytes. */
export interface MemoryPrediction {
  readonly weights: {
    /** As stored, in the model's file and in those beside it. */
    readonly stored: number;
    /** Of those in the model's own file, which is read as a whole. */
    readonly inside: number;
    /** Of the graph that the engine runs, after folding and fusion. */
    readonly folded: number;
    /** Of those that the engine's kernels want in another form, a copy each. */
    readonly packed: number;
  };
  readonly inputs: number;
  /** Of one run, of the graph that the engine runs. */
  readonly activations: MemoryPlan;
  /** Held at once while the model is loaded: the file, what is made of its weights, and their packed copies. */
  readonly loading: number;
  /**
   * Held at once while it runs: packed and other weights, what is fed, activations; those twice with a memory pattern, which
   * is made in the second run while the memory of the first is kept.
   */
  readonly running: number;
  /** The larger of both: compare with `anonymous` of `measureMemory`. Kernels' workspaces are not in it. */
  readonly peak: number;
}

/** @throws INPUT_TOO_LARGE, and what `optimisedGraph` throws */
export async function predictMemory(
  source: ModelSource,
  options: PredictMemoryOptions = {},
): Promise<MemoryPrediction> {
  const { batch = 1, inputs = {}, memoryPattern = true, signal, ...tuning } = options;
  const given = await readSource(source);
  const sized = cloneModel(given);
  const declared = sized.graph.inputs.filter((input) => !input.constant);
  const dims = feedDims(
    declared.map(({ name, shape }) => ({ name, dims: (shape ?? []).map((size) => size ?? "") })),
    { ...inputs, batch },
  );
  const inputShapes = Object.fromEntries(
    declared.flatMap(({ name, shape }, i) => (shape === null ? [] : [[name, dims[i]!]])),
  );
  inferShapes(sized, { inputShapes });
  await using folder = await openTemporaryFolder("memory");
  const path = join(folder.path, "model.onnx");
  // In a file, so that the engine maps the weights; what it makes of them does not depend on where they lie.
  await writeModelFile(sized, path, { externalData: {}, signal });
  const graph = await optimisedGraph(path, { ...tuning, signal });
  return predictionOf(given, graph, planMemory(graph, { batch, reuse: engineReuse }), memoryPattern);
}

/** Pure. @param given the file. @param run the graph that the engine makes of it. */
export function predictionOf(
  given: Model,
  run: Model,
  activations: MemoryPlan,
  memoryPattern: boolean,
): MemoryPrediction {
  const before = constantsOf(given);
  const stored = bytesOf(before);
  const inside = bytesOf(before.filter(({ source }) => source.kind !== "external"));
  const folded = bytesOf(constantsOf(run));
  const packed = bytesOf(packedBy([...run.graph.nodes]));
  // What was mapped and is read as it is takes no memory of its own.
  const mapped = stored - inside;
  const made = Math.max(0, folded - mapped);
  const loading = inside + made + packed;
  const running = folded + activations.inputBytes + (memoryPattern ? 2 : 1) * activations.peakBytes;
  return {
    weights: { stored, inside, folded, packed },
    inputs: activations.inputBytes,
    activations,
    loading,
    running,
    peak: Math.max(loading, running),
  };
}

/** Inputs, by position, that kernels of the CPU copy into a form of their own when the model is loaded. */
const packs: Readonly<Record<string, readonly number[]>> = {
  Conv: [1],
  ConvInteger: [1],
  FusedConv: [1],
  FusedGemm: [1],
  FusedMatMul: [1],
  Gemm: [1],
  MatMul: [1],
  DynamicQuantizeMatMul: [1],
  MatMulInteger: [1],
  MatMulIntegerToFloat: [1],
  QGemm: [3],
  QLinearConv: [3],
  QLinearMatMul: [3],
};

function packedBy(nodes: readonly Node[]): Tensor[] {
  const found = nodes.flatMap((node) =>
    (own(packs, node.opType) ?? []).map((index) => node.input(index)?.constant ?? null),
  );
  return [...new Set(found.filter((tensor) => tensor !== null))];
}

function constantsOf(model: Model): Tensor[] {
  const constants = new Set(Array.from(model.graph.initializers, ({ constant }) => constant!));
  for (const node of model.graph.allNodes()) {
    const held = node.is("Constant") ? node.tensor("value") : null;
    if (held) constants.add(held);
  }
  return [...constants];
}

function bytesOf(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
