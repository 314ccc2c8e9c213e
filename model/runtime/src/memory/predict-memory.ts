/**
 * What a model will take, told from the graph that the engine runs: weights in the forms that they pass through when they are
 * loaded, what is fed, and the activations of a run. One run tells the sizes that follow from the feeds; memory is not measured: `measureMemory` does that.
 */
import { join } from "node:path";
import { openTemporaryFolder, own } from "@cupel/base";
import { type MemoryPlan, type Model, type Node, planMemory, type ReuseRule, type Tensor } from "@cupel/onnx";
import type { InputForms } from "../measure/feed-dims.ts";
import { optimisedGraph } from "../measure/optimised-graph.ts";
import { readTrace } from "../measure/profile.ts";
import { randomFeeds } from "../measure/random-feeds.ts";
import { setTracedTypes } from "../measure/traced-types.ts";
import type { EngineTuning } from "../session/engine-options.ts";
import { readSource } from "../session/graph-edits.ts";
import type { ModelSource } from "../session/model-source.ts";
import { openSession } from "../session/session.ts";
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

/** @throws INPUT_TOO_LARGE, and what `openSession` and `InferenceSession.run` throw */
export async function predictMemory(
  source: ModelSource,
  options: PredictMemoryOptions = {},
): Promise<MemoryPrediction> {
  const { batch = 1, inputs = {}, memoryPattern = true, signal, ...tuning } = options;
  const given = await readSource(source);
  const graph = await optimisedGraph(source, { ...tuning, signal });
  await using folder = await openTemporaryFolder("memory");
  {
    const profile = join(folder.path, "trace");
    await using session = await openSession(source, { ...tuning, threads: 1, signal, profile });
    const feeds = randomFeeds(session.inputs, 1, { ...inputs, batch });
    await session.run(feeds);
    for (const input of graph.graph.inputs) {
      const dims = own(feeds, input.name)?.dims;
      if (dims && input.type?.kind === "tensor") input.type = { ...input.type, shape: dims };
    }
  }
  setTracedTypes(graph, await readTrace(folder.path));
  // What is of a size that the engine learns only when it runs, it cannot plan into the memory of another value.
  const rules = isOpen(given) ? { reuse: aliasesOf, reusesFreed: false } : { reuse: engineReuse };
  return predictionOf(given, graph, planMemory(graph, { batch, ...rules }), memoryPattern);
}

function aliasesOf(node: Node): ReuseRule | null {
  const rule = engineReuse(node);
  return rule?.kind === "alias" ? rule : null;
}

/** Whether sizes are open besides a named first one. */
function isOpen(model: Model): boolean {
  return model.graph.inputs.some(
    ({ shape, constant }) =>
      !constant &&
      (shape === null || shape.some((size, axis) => size === null || (axis > 0 && typeof size === "string"))),
  );
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
  const outside = Array.from(given.graph.initializers).filter(
    ({ constant }) => constant?.source.kind === "external",
  );
  const inside = stored - bytesOf(outside.map(({ constant }) => constant!));
  const folded = bytesOf(constantsOf(run));
  const packed = bytesOf(packedBy([...run.graph.nodes]));
  // What is mapped, and not folded into something else, takes no memory of its own.
  const mapped = outside.filter(({ name, constant }) => {
    const kept = run.graph.value(name)?.constant;
    return kept?.type === constant!.type && kept.byteLength === constant!.byteLength;
  });
  const made = folded - bytesOf(mapped.map(({ constant }) => constant!));
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
