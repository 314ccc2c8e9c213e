/** A trainer that is dropped without close() ends its threads when it is collected, and not while a step is under way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { collectGarbage } from "@cupel/base";
import { mlp, openParallelTrainer, openTrainer } from "@cupel/train";
import { randomBatch } from "./support/random-batch.ts";

const network = mlp({ inputs: 4, hidden: [3], classes: 2 });
const batch = randomBatch([4], 2, 2, 1);
const options = { batch: 2, threads: 1 };

test("dropped trainers end the threads of all their replicas, after the step under way", async () => {
  const running = new Set<Worker>();
  const warnings: string[] = [];
  process.on("warning", ({ message }) => warnings.push(message));
  process.on("worker", (worker) => {
    running.add(worker);
    worker.on("exit", () => running.delete(worker));
  });
  // What is left of the trainers is a step of each, and then nothing.
  const steps = await Promise.all([
    openTrainer(network, options).then((trainer) => trainer.step(batch, 0.01)),
    openParallelTrainer(network, { ...options, replicas: 2 }).then((trainer) => {
      const step = trainer.step(batch, 0.01);
      collectGarbage();
      return step;
    }),
  ]);
  assert.ok(steps.every(({ loss }) => Number.isFinite(loss)));
  const limit = AbortSignal.timeout(60_000);
  while (running.size > 0 || warnings.length === 0) {
    limit.throwIfAborted();
    collectGarbage();
    await sleep(20);
  }
  assert.match(warnings.join(), /^A session was dropped without close\(\).*This is said once\.$/);
});
