/**
 * The engine's profile: a list of Chrome trace events, one for every node of every run, with durations in
 * microseconds. https://onnxruntime.ai/docs/performance/tune-performance/profiling-tools.html
 */
export interface NodeTime {
  /** The node's name in the optimised graph: fused nodes have names of the engine's making. */
  readonly node: string;
  readonly opType: string;
  /** The execution provider that ran it, such as "CPUExecutionProvider". */
  readonly provider: string;
  readonly totalMs: number;
  /** How often it ran, warm-up left out. */
  readonly runs: number;
  readonly meanMs: number;
  /** Of the time of all nodes, 0 to 1. */
  readonly share: number;
}

/** What we read of an event; the engine writes more. */
export interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  /** Start and duration, microseconds. */
  readonly ts: number;
  readonly dur: number;
  readonly args?: {
    readonly node_index?: string;
    readonly op_name?: string;
    readonly provider?: string;
    /** One entry an input: its sizes by its element type. Empty for a missing one. */
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
    /** Bytes that the node took from the arena, less those it gave back meanwhile. */
    readonly mem_requested_in_use_delta?: string;
  };
}

const kernelSuffix = "_kernel_time";

/**
 * Time by node, the slowest first. Events up to the end of run number `warmup` are left out: first runs
 * allocate, and page in the weights.
 */
export function summariseTrace(
  events: readonly TraceEvent[],
  options: { readonly warmup: number },
): NodeTime[] {
  const runEnds = events
    .filter((event) => event.cat === "Session" && event.name === "model_run")
    .map((event) => event.ts + event.dur)
    .sort((a, b) => a - b);
  const start = options.warmup === 0 ? 0 : (runEnds[options.warmup - 1] ?? Number.POSITIVE_INFINITY);

  const nodes = new Map<
    string,
    { node: string; opType: string; provider: string; us: number; runs: number }
  >();
  for (const event of events) {
    if (event.cat !== "Node" || !event.name.endsWith(kernelSuffix) || event.ts < start) continue;
    const node = event.name.slice(0, -kernelSuffix.length);
    const key = `${event.args?.node_index} ${node}`;
    const time = nodes.get(key) ?? {
      node,
      opType: event.args?.op_name ?? "",
      provider: event.args?.provider ?? "",
      us: 0,
      runs: 0,
    };
    time.us += event.dur;
    time.runs += 1;
    nodes.set(key, time);
  }
  const all = [...nodes.values()].reduce((sum, time) => sum + time.us, 0);
  return [...nodes.values()]
    .sort((a, b) => b.us - a.us)
    .map(({ node, opType, provider, us, runs }) => ({
      node,
      opType,
      provider,
      totalMs: us / 1000,
      runs,
      meanMs: us / 1000 / runs,
      share: all === 0 ? 0 : us / all,
    }));
}
