/**
 * Latencies of a run: a histogram of high dynamic range, Node's own (https://nodejs.org/api/perf_hooks.html, of
 * HdrHistogram_c), in microseconds with three figures; it takes a fixed memory, and needs no package besides.
 */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** Of the curves, per cent. */
export const percents = [0, 10, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.9, 99.99, 100] as const;

export interface LatencyFigures {
  readonly count: number;
  /** All in ms. */
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** Per cent and ms. */
  readonly curve: readonly (readonly [number, number])[];
}

export class LatencyRecord {
  /** An hour at most. */
  readonly #histogram: RecordableHistogram = createHistogram({
    lowest: 1,
    highest: 3_600_000_000,
    figures: 3,
  });

  add(ms: number): void {
    this.#histogram.record(Math.min(3_600_000_000, Math.max(1, Math.round(ms * 1000))));
  }

  /** Null of none. */
  figures(): LatencyFigures | null {
    const { count } = this.#histogram;
    if (count === 0) return null;
    const at = (percent: number) =>
      (percent === 0 ? this.#histogram.min : this.#histogram.percentile(percent)) / 1000;
    return {
      count,
      mean: this.#histogram.mean / 1000,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: this.#histogram.max / 1000,
      curve: percents.map((percent) => [percent, at(percent)] as const),
    };
  }
}
