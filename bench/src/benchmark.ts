/** What a benchmark is, and what it says at its end. */
import type { Progress } from "@cupel/base";

export interface Benchmark {
  readonly name: string;
  /** What is claimed, in one sentence with its bars. */
  readonly claim: string;
  /** What it is measured against. */
  readonly peer: string;
  /** On two idle cores, for a person who decides whether to wait. */
  readonly takes: string;
  run(context: BenchmarkContext): Promise<Outcome>;
}

export interface BenchmarkContext {
  /** A line for the person who watches; nothing with `--json`. */
  print(line: string): void;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Folder of the test data; null where it is absent. */
  readonly data: string | null;
  /** Interpreter of Python to ask for other packages; it may not be there. */
  readonly interpreter: string;
  /** The same when it has onnx and onnxruntime; null otherwise. */
  readonly python: string | null;
}

export type Outcome =
  | { readonly kind: "skipped"; readonly reason: string }
  | {
      readonly kind: "measured";
      /** Every figure, JSON-serialisable, with its unit in its name. */
      readonly figures: unknown;
      readonly bars: readonly Bar[];
      /** One sentence that a README can quote. */
      readonly quote: string;
    };

export interface Bar {
  readonly claim: string;
  readonly measured: string;
  readonly isMet: boolean;
  /**
   * True when the figure does not depend on the machine or on what else runs there: sizes, fused nodes,
   * accuracies. Missing such a bar fails the run; missing one of time is only printed.
   */
  readonly isExact: boolean;
}

export const withoutData: Outcome = { kind: "skipped", reason: "CUPEL_DATA absent" };
export const withoutPython: Outcome = {
  kind: "skipped",
  reason: "no Python with onnx, onnxruntime and sympy; name one in CUPEL_PYTHON",
};
