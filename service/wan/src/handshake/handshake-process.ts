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

/** Of each target, in the order in which they were begun. */
export type HandshakeResult = readonly (readonly FirstCall[])[];

await serveJob(async ({ targets, order, stepMs }: HandshakeJob, { signal }): Promise<HandshakeResult> => {
  const tickets = targets.map((): TicketHolder => ({ ticket: undefined }));
  const call = (index: number) => firstCall(targets[index]!, tickets[index]!);
  // Tickets to begin with.
  await Promise.all(
    targets.map(({ kind }, index) => (kind.tls?.isResumed ? call(index) : Promise.resolve(null))),
  );
  const begun = targets.map((): Promise<FirstCall>[] => []);
  const since = performance.now();
  for (const [turn, index] of order.entries()) {
    if (signal.aborted) break;
    const restMs = since + turn * stepMs - performance.now();
    if (restMs > 0) await delay(restMs, undefined, { signal }).catch(() => {});
    begun[index]?.push(call(index));
  }
  return await Promise.all(begun.map((calls) => Promise.all(calls)));
});
