/** The table of hedges: the 99th percentile against extra sends, measured and by arithmetic. Pure. */
import type { MedianInterval } from "@cupel/base";
import type { ScenarioLink } from "../scenario/scenario.ts";
import { type HedgingFigures, simulateHedging } from "./simulate-hedging.ts";
import type { CellSummary } from "./summarise.ts";

export interface HedgingRow {
  /** After which a call without an answer is sent once more, ms; null: is not. */
  readonly hedgeMs: number | null;
  readonly measured: {
    /** ms */
    readonly p99: MedianInterval;
    /** Sends besides the first, a call. */
    readonly extraSends: number;
  };
  readonly byArithmetic: HedgingFigures;
}

export interface LinkHedging {
  /** Of the link. */
  readonly name: string;
  readonly rows: readonly HedgingRow[];
}

export function hedgingTable({ name, spec }: ScenarioLink, cells: readonly CellSummary[]): LinkHedging {
  return {
    name,
    rows: cells.map(({ cell: { hedgeMs }, p99, extraSends }) => ({
      hedgeMs,
      measured: { p99, extraSends },
      byArithmetic: simulateHedging(spec, hedgeMs),
    })),
  };
}
