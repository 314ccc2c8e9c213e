/** Answers like an engine up to the first run, which does what its feed is named after. */
import { setTimeout } from "node:timers/promises";
import { workerData } from "node:worker_threads";
import { serveThread } from "@cupel/base";
import { EngineBudget } from "../src/session/engine-budget.ts";
import type { EngineAnswer, EngineTask, EngineThreadData } from "../src/session/engine-protocol.ts";

const { budget, place }: EngineThreadData = workerData;

serveThread<EngineTask, EngineAnswer>({
  async perform(task, signal) {
    if (task.kind === "run" && "exit" in task.feeds) process.exit(3);
    if (task.kind === "run" && "throw" in task.feeds) {
      queueMicrotask(() => {
        throw new Error("out of cheese");
      });
    }
    if (task.kind === "run" && "hold" in task.feeds) {
      await new EngineBudget(budget).acquire(place, signal);
      process.exit(5);
    }
    if (task.kind === "run") await setTimeout(60_000, null, { signal });
    return { result: { kind: "done", run: { outputs: {}, engineMs: 0 } } };
  },
});
