/** How the engine is set up: what callers may choose, and what it becomes when they do not. */
import { availableParallelism } from "node:os";

/** How much the engine may rewrite the graph when it loads. */
export type Optimization = "all" | "extended" | "basic" | "disabled";

/** What may be chosen wherever a model is loaded. */
export interface EngineTuning {
  /** Threads that work on one run (intra-op). Default: the cores this process may use. */
  readonly threads?: number | undefined;
  /** How much the engine may rewrite the graph when it loads. Default "all". */
  readonly optimization?: Optimization | undefined;
  /** In order of preference. Default `["cpu"]`. */
  readonly executionProviders?: readonly string[] | undefined;
  /**
   * Whether the engine, from the second run with inputs of one shape on, takes the memory of all intermediate values at
   * once, as it lay in the first. That saves a little time, and takes the memory of the first run besides. Default true.
   */
  readonly memoryPattern?: boolean | undefined;
  /** Any of the engine's configuration keys, such as `session.intra_op.allow_spinning`. */
  readonly configEntries?: Readonly<Record<string, string>> | undefined;
}

/** The same with every choice made, as it crosses the thread boundary. */
export interface EngineOptions {
  readonly threads: number;
  readonly optimization: Optimization;
  readonly executionProviders: readonly string[];
  readonly memoryPattern: boolean;
  readonly configEntries: Readonly<Record<string, string>>;
  /** Prefix of the trace file that the engine writes when it is closed. */
  readonly tracePrefix: string | null;
  /** Where the engine writes the graph it will actually run. */
  readonly optimisedModelPath: string | null;
}

export function engineOptions(tuning: EngineTuning): EngineOptions {
  return {
    threads: tuning.threads ?? availableParallelism(),
    optimization: tuning.optimization ?? "all",
    executionProviders: tuning.executionProviders ?? ["cpu"],
    memoryPattern: tuning.memoryPattern ?? true,
    configEntries: tuning.configEntries ?? {},
    tracePrefix: null,
    optimisedModelPath: null,
  };
}
