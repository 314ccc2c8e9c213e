/**
 * Entry of the process that does jobs: what crashes the engine ends this process and no worker, and a worker that renews
 * its hold on a job is not kept from it by computing.
 */
import { postError } from "@cupel/base";
import type { JobAnswer, JobOrder } from "./job-process.ts";
import { runJob } from "./run-job.ts";
import { SharedFolder } from "./shared-folder.ts";

// A terminal sends its signals to all processes: what becomes of the job is for the worker to say.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => {});
// Nobody waits any more.
process.on("disconnect", () => process.exit(1));

const { signal } = new AbortController();

process.on("message", async ({ share, threads, key, job }: JobOrder) => {
  let answer: JobAnswer = { error: null };
  try {
    await runJob(job, key, await SharedFolder.open(share), { threads, signal });
  } catch (thrown) {
    answer = { error: postError(thrown) };
  }
  process.send?.(answer);
});
