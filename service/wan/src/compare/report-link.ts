/** What the runs over a link come to. Pure. */
import type { Cell } from "../scenario/scenario.ts";
import { type PairedRatio, pairedRatios } from "./paired-ratio.ts";
import type { ComparedLink } from "./run-comparison.ts";
import { type CellSummary, summarise } from "./summarise.ts";

export interface LinkReport extends ComparedLink {
  /** In the order of the cells that were compared. */
  readonly cells: readonly CellSummary[];
  /** Wherever a cell over one connection has one by the client's policy beside it. */
  readonly ratios: readonly PairedRatio[];
}

export function reportLink(link: ComparedLink, cells: readonly Cell[]): LinkReport {
  return {
    ...link,
    cells: summarise(cells, link),
    ratios: pairedRatios(cells, link.runs),
  };
}
