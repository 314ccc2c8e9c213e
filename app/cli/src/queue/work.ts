/**
 * A worker: takes jobs, does each in a process of its own, and says what came of it. What it holds when it is asked to stop goes
 * back; what it held when it was killed is taken by another, when it has not renewed its hold for a while.
 */
import { type CupelError, errorFrom } from "@cupel/base";
import { cliErrors } from "../errors.ts";
import { type FleetJob, isJob } from "./fleet-job.ts";
import { failureText } from "./job-failure.ts";
import { JobProcess, type JobRunner } from "./job-process.ts";
import { type QueueConnection, queueName } from "./open-queue.ts";
import type { SharedFolder } from "./shared-folder.ts";

export interface WorkOptions {
  readonly name: string;
  readonly concurrency: number;
  /** Of the engine, for each job. */
  readonly threads: number;
  /** Without a sign of its worker for so long, a job is given to another. */
  readonly stalledAfterMs: number;
  readonly signal: AbortSignal;
  /** As many as `concurrency`. Default: processes. */
  readonly openRunner?: (() => JobRunner) | undefined;
  say(line: string): void;
}

export interface WorkDone {
  readonly done: number;
  readonly failed: number;
  readonly returned: number;
}

/** How often a job may be given to another because its worker was silent, before it fails. */
export const mostStalls = 2;

/** Until the signal. @throws what the first connection throws */
export async function work(
  { client, bullmq }: QueueConnection,
  share: SharedFolder,
  {
    name,
    concurrency,
    threads,
    stalledAfterMs,
    signal,
    openRunner = () => new JobProcess(),
    say,
  }: WorkOptions,
): Promise<WorkDone> {
  using runners = new DisposableStack();
  const idle = Array.from({ length: concurrency }, () => runners.use(openRunner()));
  const counts = { done: 0, failed: 0, returned: 0 };
  const worker = new bullmq.Worker<FleetJob>(
    queueName(share),
    async (job, token) => {
      const { id: key, data } = job;
      const runner = idle.pop()!;
      try {
        if (!isJob(data, key)) throw notAJob(key);
        await runner.run({ share: share.path, threads, key: key!, job: data }, signal);
        counts.done++;
        say(`done ${data.model.path}, job ${key!.slice(0, 8)}`);
      } catch (thrown) {
        if (signal.aborted) {
          await job.moveToWait(token);
          counts.returned++;
          throw new bullmq.WaitingError();
        }
        const error = errorFrom(thrown);
        counts.failed++;
        say(`failed ${String(key).slice(0, 8)}: ${error.code}: ${error.message}`);
        const text = failureText(error, name);
        // What is wrong with the work is wrong on every machine; a crash may not be.
        throw error.code === "QUEUE_JOB_CRASHED" ? new Error(text) : new bullmq.UnrecoverableError(text);
      } finally {
        idle.push(runner);
      }
    },
    {
      connection: client,
      name,
      concurrency,
      lockDuration: stalledAfterMs,
      stalledInterval: stalledAfterMs,
      maxStalledCount: mostStalls,
    },
  );
  // Breaks of the connection are told where it is opened.
  worker.on("error", () => {});
  await aborted(signal);
  // What it holds of a queue that is away is taken by another later: waiting for it would take as long.
  if (client.status !== "ready") client.disconnect();
  await worker.close(client.status !== "ready");
  return counts;
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

function notAJob(key: string | undefined): CupelError {
  return cliErrors.error(
    "QUEUE_INPUT_CHANGED",
    `Job ${key} is not what was submitted: its key is of another.`,
  );
}
