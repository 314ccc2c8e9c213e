/** The process that opens the connections: a round after the other of every kind, in orders that are drawn. */
import { setTimeout as delay } from "node:timers/promises";
import { serveJob } from "../link/serve-job.ts";
import { type FirstCall, firstCall, type HandshakeTarget, type TicketHolder } from "./first-call.ts";

export interface HandshakeJob {
  readonly targets: readonly HandshakeTarget[];
  /** Of the targets, in order. */
  readonly order: readonly number[];
  /** Between the begins of two connections, whatever became of those before. */
  readonly stepMs: number;
}

export interface HandshakeResult {
  /** Of each target, in the order in which they were begun. */
  readonly calls: readonly (readonly FirstCall[])[];
  /** How late each was begun, ms. */
  readonly lags: readonly number[];
}

/** Rounds that are not counted: code is compiled at both ends, and the tickets to begin with are got. */
const warmUpRounds = 2;

await serveJob(async ({ targets, order, stepMs }: HandshakeJob, { signal }): Promise<HandshakeResult> => {
  const tickets = targets.map((): TicketHolder => ({ ticket: undefined }));
  const call = (index: number) => firstCall(targets[index]!, tickets[index]!);
  for (let round = 0; round < warmUpRounds; round++)
    await Promise.all(targets.map((_, index) => call(index)));
  const begun = targets.map((): Promise<FirstCall>[] => []);
  const lags: number[] = [];
  const since = performance.now();
  for (const [turn, index] of order.entries()) {
    if (signal.aborted) break;
    const restMs = since + turn * stepMs - performance.now();
    if (restMs > 0) await delay(restMs, undefined, { signal }).catch(() => {});
    lags.push(performance.now() - since - turn * stepMs);
    begun[index]?.push(call(index));
  }
  return { calls: await Promise.all(begun.map((calls) => Promise.all(calls))), lags };
});
