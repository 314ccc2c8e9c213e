/**
 * The submitter: puts jobs into the queue and waits for what comes of them. What a job came to is read from the shared folder,
 * never from the queue, so that a queue which forgets, or a submitter that is started again, loses nothing.
 */
import { setTimeout as pause } from "node:timers/promises";
import { cancellation, type Progress } from "@cupel/base";
import type { JobsOptions, Queue } from "bullmq";
import type { FleetJob } from "./fleet-job.ts";
import { type JobFailure, readFailure } from "./job-failure.ts";
import { type JobResult, readResult } from "./job-result.ts";
import { type QueueConnection, queueName } from "./open-queue.ts";
import { fitting, workersOf } from "./roster.ts";
import { ownFolder, type SharedFolder } from "./shared-folder.ts";

export type JobOutcome = JobResult | (JobFailure & { readonly kind: "failed" });

export interface SubmitOptions {
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Whether an interrupt leaves the jobs to the workers. */
  readonly keepJobs: boolean;
  remark(sentence: string): void;
  /** As each job ends. */
  onOutcome(key: string, outcome: JobOutcome): void;
}

/** How often a crashed job is tried. */
export const mostAttempts = 3;
/** Without an event: those of a queue that is restarted are lost. */
const lookAgainMs = 2_000;
/** Jobs that a queue without a file forgot when it was restarted are submitted again. */
const submitAgainMs = 30_000;

const jobOptions: JobsOptions = {
  attempts: mostAttempts,
  // The result is in the shared folder; what failed is told to whoever asks.
  removeOnComplete: true,
  removeOnFail: false,
};

/** @returns when every job has ended. @throws QUEUE_WORKERS_DIFFER, QUEUE_RESULT_DAMAGED, CANCELLED */
export async function submit(
  { client, bullmq }: QueueConnection,
  share: SharedFolder,
  jobs: ReadonlyMap<string, FleetJob>,
  { signal, progress, keepJobs, remark, onOutcome }: SubmitOptions,
): Promise<void> {
  const open = new Map(jobs);
  using task = progress.start("Jobs of the queue", jobs.size, "jobs");
  const settle = (key: string, outcome: JobOutcome) => {
    if (!open.delete(key)) return;
    task.advance();
    onOutcome(key, outcome);
  };
  const takeResults = async () => {
    const finished = await share.finished();
    for (const key of open.keys()) if (finished.has(key)) settle(key, await resultOf(share, key));
  };
  await takeResults();
  if (jobs.size > open.size) remark(`${jobs.size - open.size} of ${jobs.size} jobs were done before.`);
  if (open.size === 0) return;
  if (fitting(await workersOf(client), share).length === 0) {
    remark("No worker is there yet. On each machine: cupel work --queue URL --share FOLDER");
  }

  const name = queueName(share);
  await using owned = new AsyncDisposableStack();
  const queue: Queue<FleetJob> = new bullmq.Queue(name, { connection: client });
  const events = new bullmq.QueueEvents(name, { connection: client });
  queue.on("error", () => {});
  events.on("error", () => {});
  for (const each of [queue, events]) owned.defer(() => each.close());
  let wake = Promise.withResolvers<void>();
  for (const event of ["active", "completed", "failed"] as const) events.on(event, () => wake.resolve());
  const onAbort = () => {
    wake.resolve();
    // What was asked of a queue that is away would be waited for until it is back.
    if (client.status !== "ready") client.disconnect();
  };
  signal.addEventListener("abort", onAbort, { once: true });

  let [submittedAt, isFirst] = [0, true];
  try {
    await forgetFailed(queue, open);
    while (open.size > 0) {
      if (signal.aborted) throw cancellation("Waiting for the jobs", signal);
      wake = Promise.withResolvers<void>();
      const failed = isFirst ? [] : await queue.getFailed();
      await takeResults();
      for (const { id, failedReason } of failed) {
        if (id !== undefined) settle(id, { kind: "failed", ...readFailure(failedReason) });
      }
      if (open.size === 0) break;
      if (isFirst || Date.now() - submittedAt > submitAgainMs) {
        // One that is there is left as it is.
        await queue.addBulk(
          Array.from(open, ([jobId, data]) => ({
            name: data.model.path,
            data,
            opts: { ...jobOptions, jobId },
          })),
        );
        [submittedAt, isFirst] = [Date.now(), false];
      }
      const { active = 0, waiting = 0 } = await queue.getJobCounts("active", "waiting");
      task.note(`${active} active, ${waiting} waiting, ${failed.length} failed`);
      await Promise.race([wake.promise, pause(lookAgainMs, undefined, { ref: false })]);
    }
  } catch (thrown) {
    throw signal.aborted ? cancellation("Waiting for the jobs", signal) : thrown;
  } finally {
    signal.removeEventListener("abort", onAbort);
    if (open.size > 0 && !keepJobs && client.status === "ready") await removeWaiting(queue, open, remark);
  }
}

async function resultOf(share: SharedFolder, key: string): Promise<JobResult> {
  return readResult(await share.result(key), key, `${share.path}/${ownFolder}/results/${key}.json`);
}

/** What failed before is tried again. */
async function forgetFailed(queue: Queue<FleetJob>, open: ReadonlyMap<string, FleetJob>): Promise<void> {
  const failed = await queue.getFailed();
  await Promise.all(failed.filter(({ id = "" }) => open.has(id)).map((job) => job.remove()));
}

/** Those that a worker has in hand it ends, and their results stay. */
async function removeWaiting(
  queue: Queue<FleetJob>,
  open: ReadonlyMap<string, FleetJob>,
  remark: (sentence: string) => void,
): Promise<void> {
  const removed = await Promise.all(Array.from(open.keys(), (key) => queue.remove(key).catch(() => 0)));
  const count = removed.filter((each) => each === 1).length;
  remark(`${count} waiting jobs were removed; the same command goes on from what is done.`);
}
