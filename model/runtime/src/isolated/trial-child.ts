/**
 * Entry of the process that tries a model: what crashes the engine ends this process and no other. Nothing of the model
 * is touched before the guard is on.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { moduleBeside, postError } from "@cupel/base";
import type { GuardOrders, TrialMessage, TrialOutcome, TrialTask } from "./trial-protocol.ts";

const orders: GuardOrders = JSON.parse(process.argv[2] ?? "");
const guard = new Worker(moduleBeside(import.meta.url, "trial-guard"), { execArgv: [], workerData: orders });
guard.unref();
const isOn = once(guard, "message");

process.once("message", async (task: TrialTask) => {
  let outcome: TrialOutcome;
  try {
    // The engine takes as long to be loaded as the guard to start.
    const [{ runTrial }] = await Promise.all([import("./run-trial.ts"), isOn]);
    outcome = { kind: "ran", trial: await runTrial(task, (doing) => tell({ kind: "stage", doing })) };
  } catch (thrown) {
    outcome = { kind: "failed", error: postError(thrown) };
  }
  await tell(outcome);
  process.disconnect?.();
});

/** Resolves when it has left the process. */
function tell(message: TrialMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve());
    else resolve();
  });
}
