/**
 * What the client's own policy makes of a stock single connection: in each round the 99th percentile of the one over that
 * of the other, under the same schedule and in the same minutes, and the median of these ratios. Pure.
 */
import { isDeepStrictEqual } from "node:util";
import { type MedianInterval, medianInterval } from "@cupel/base";
import { clientPolicy, stockPolicy } from "../face/connection-policy.ts";
import type { Cell } from "../scenario/scenario.ts";
import type { MeasuredRun } from "./measure-run.ts";

export interface PairedRatio {
  /** By the client's policy. */
  readonly client: Cell;
  /** Over one connection, and else the same. */
  readonly stock: Cell;
  /** P99 of the client's policy over P99 of the single connection. */
  readonly ratio: MedianInterval;
  /** The single connection was at its deadline in most rounds: without one the ratio would be lower still. */
  readonly isAtMost: boolean;
}

/** A ratio for each cell over one connection that the client's policy has a cell beside. */
export function pairedRatios(cells: readonly Cell[], runs: readonly MeasuredRun[]): readonly PairedRatio[] {
  return cells.flatMap((stock, stockIndex) => {
    if (!isDeepStrictEqual(stock.policy, stockPolicy)) return [];
    const clientIndex = cells.findIndex((each) =>
      isDeepStrictEqual(each, { ...stock, policy: clientPolicy }),
    );
    const client = cells[clientIndex];
    if (client === undefined) return [];
    const pairs = runs.flatMap((ours) => {
      const theirs = runs.find(({ cell, round }) => cell === stockIndex && round === ours.round);
      return ours.cell === clientIndex && theirs !== undefined ? [{ ours, theirs }] : [];
    });
    if (pairs.length === 0) return [];
    const cutOff = pairs.filter(({ theirs }) => isCutOff(theirs)).length;
    return [
      {
        client,
        stock,
        ratio: medianInterval(pairs.map(({ ours, theirs }) => p99Of(ours) / p99Of(theirs))),
        isAtMost: 2 * cutOff > pairs.length,
      },
    ];
  });
}

function p99Of({ load }: MeasuredRun): number {
  return load.latency?.p99 ?? Number.NaN;
}

/** The slowest hundredth, or more of it, ended by the deadline: what is counted of it is the deadline. */
function isCutOff({ load }: MeasuredRun): boolean {
  return load.outcomes.deadline >= 0.01 * load.requests;
}
