/** The process that does the jobs of a worker, from the worker's side: one job at a time, started again after a crash. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { moduleBeside, type PostedError, reviveError } from "@cupel/base";
import { cliErrors } from "../errors.ts";
import type { FleetJob } from "./fleet-job.ts";

export interface JobOrder {
  readonly share: string;
  readonly threads: number;
  readonly key: string;
  readonly job: FleetJob;
}

export interface JobAnswer {
  readonly error: PostedError | null;
}

/** Does one job at a time. */
export interface JobRunner extends Disposable {
  /**
   * Settles when the job is done, or nothing works at it any more: an aborted signal ends it at once.
   * @throws QUEUE_JOB_CRASHED, and what `runJob` throws
   */
  run(order: JobOrder, signal: AbortSignal): Promise<void>;
}

export class JobProcess implements JobRunner {
  #child: ChildProcess | null = null;

  run(order: JobOrder, signal: AbortSignal): Promise<void> {
    const child = this.#started();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => void child.kill("SIGKILL");
    const onMessage = ({ error }: JobAnswer) => (error === null ? resolve() : reject(reviveError(error)));
    const onExit = (status: number | null, killed: string | null) =>
      reject(crashed(killed ?? `status ${status}`));
    child.on("message", onMessage);
    child.once("exit", onExit);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    else child.send(order, () => {});
    return promise.finally(() => {
      child.off("message", onMessage);
      child.off("exit", onExit);
      signal.removeEventListener("abort", onAbort);
    });
  }

  [Symbol.dispose](): void {
    this.#child?.kill("SIGKILL");
  }

  #started(): ChildProcess {
    if (this.#child !== null) return this.#child;
    const child = fork(fileURLToPath(moduleBeside(import.meta.url, "job-child")), {
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    child.once("exit", () => {
      if (this.#child === child) this.#child = null;
    });
    child.on("error", () => {});
    this.#child = child;
    return child;
  }
}

function crashed(how: string) {
  return cliErrors.error(
    "QUEUE_JOB_CRASHED",
    `The process that did the job ended by ${how}: the engine crashed on the model, or there was not enough memory.`,
    { details: { reason: how } },
  );
}
