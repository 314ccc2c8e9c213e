/** A process of its own that does a task, tells what came of it and stays, so that its memory can be looked at. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Probe<Outcome> extends AsyncDisposable {
  readonly outcome: Outcome;
  ask<Answer>(question: string): Promise<Answer>;
}

/** @param script beside this file */
export async function openProbe<Outcome>(
  script: string,
  task: object,
  signal: AbortSignal,
): Promise<Probe<Outcome>> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), { execArgv: [], signal });
  child.send(task);
  const outcome = await messageOf<Outcome>(child);
  return {
    outcome,
    ask<Answer>(question: string) {
      child.send(question);
      return messageOf<Answer>(child);
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

async function messageOf<Message>(child: ChildProcess): Promise<Message> {
  return await new Promise((resolve, reject) => {
    child.once("message", resolve as (message: unknown) => void);
    child.once("error", reject);
    child.once("exit", (status) =>
      reject(new Error(`The probe ended with status ${status} and no figures.`)),
    );
  });
}
