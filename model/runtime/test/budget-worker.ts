/** A session's thread as the budget sees it: runs take their turn, and do nothing in it but look around. */
import { setImmediate } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { type BudgetMemory, type BudgetPlace, EngineBudget } from "../src/session/engine-budget.ts";

const { memory, place, runs }: { memory: BudgetMemory; place: BudgetPlace; runs: number } = workerData;
const budget = new EngineBudget(memory);
// Waiting for a turn does not keep a thread alive; listening does.
parentPort?.on("message", () => {});
let most = 0;
for (let run = 0; run < runs; run++) {
  await budget.acquire(place, new AbortController().signal);
  most = Math.max(most, budget.used);
  if (run % 8 === 0) await setImmediate();
  most = Math.max(most, budget.used);
  budget.release(place);
}
parentPort?.postMessage(most);
parentPort?.close();
