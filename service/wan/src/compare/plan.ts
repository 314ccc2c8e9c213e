/**
 * The order of the runs: every cell once in each round, in an order that is drawn for each, so that an hour in which the
 * machine is slow does not meet one cell alone. Six rounds: a median has no 95 % interval of fewer.
 */
import { createRandom } from "@cupel/base";
import type { Cell } from "../scenario/scenario.ts";

export interface PlanOptions {
  readonly rounds: number;
  /** Of a run, ms that are not counted, and that are. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly seed: number;
}

export const planDefaults: PlanOptions = { rounds: 6, warmUpMs: 3_000, measureMs: 5_000, seed: 1 };

export interface Run {
  readonly round: number;
  /** Of the scenario's. */
  readonly cell: number;
  /** Its load differs from round to round, and is the same for all cells of one. */
  readonly seed: number;
}

export function planRuns(cells: readonly Cell[], { rounds, seed }: PlanOptions): readonly Run[] {
  const random = createRandom(seed);
  return Array.from({ length: rounds }, (_, round) =>
    random.permutation(cells.length).map((cell) => ({ round, cell, seed: seed + round })),
  ).flat();
}
