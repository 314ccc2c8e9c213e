/** What is handed to the session at once: rows of one request or more, joined, and given back to each. */
import { own, setOwn } from "@cupel/base";
import { type EngineRun, type Feeds, joinTensors, type TensorData } from "@cupel/runtime";
import { takeRows, viewRows } from "./rows.ts";
import type { WaitingRequest } from "./waiting-request.ts";

/** Some or all rows of a request. */
export interface Slice {
  readonly request: WaitingRequest;
  readonly from: number;
  readonly count: number;
}

export interface Batch {
  readonly slices: readonly Slice[];
  /** Of all slices. */
  readonly rows: number;
  /** What the slices were worth in the queue. */
  readonly weight: number;
  /** Of the second try of one of them: the batch that failed. */
  readonly secondOf?: FailedBatch | undefined;
}

/** Its requests are run once more, one by one. */
export interface FailedBatch {
  /** Requests of it that have not succeeded by themselves. */
  left: number;
}

export function isWhole({ request, from, count }: Slice): boolean {
  return from === 0 && count === request.rows;
}

/**
 * What the session is fed. Rows of several requests are copied here, once, into memory of the batch, which can be moved
 * on; those of one request are views, which the session copies.
 */
export function feedsOf({ slices }: Batch): { feeds: Feeds; isOwn: boolean } {
  const [first] = slices;
  if (slices.length === 1 && isWhole(first!)) return { feeds: first!.request.feeds, isOwn: false };
  const feeds: Record<string, TensorData> = {};
  for (const name of Object.keys(first!.request.feeds)) {
    const parts = slices.map(({ request, from, count }) => viewRows(own(request.feeds, name)!, from, count));
    setOwn(feeds, name, parts.length === 1 ? parts[0]! : joinTensors(parts));
  }
  return { feeds, isOwn: slices.length > 1 };
}

/** Whether each row that went in has one in every output. */
export function hasRowsOf(batch: Batch, { outputs }: EngineRun): boolean {
  const [first] = batch.slices;
  if (batch.slices.length === 1 && isWhole(first!)) return true;
  return Object.values(outputs).every(({ dims }) => dims[0] === batch.rows);
}

/** The outputs of each slice, in their order. */
export function outputsOf(batch: Batch, { outputs }: EngineRun): Record<string, TensorData>[] {
  if (batch.slices.length === 1) return [outputs];
  let from = 0;
  return batch.slices.map(({ count }) => {
    const own: Record<string, TensorData> = {};
    for (const [name, output] of Object.entries(outputs)) setOwn(own, name, takeRows(output, from, count));
    from += count;
    return own;
  });
}
