/** A loader that is dropped without close() ends its threads when it is collected, and not while an epoch is under way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { collectGarbage } from "@cupel/base";
import { openLoader } from "../src/index.ts";
import { asDecoded, level, sourceOf } from "./fixtures.ts";

test("a dropped loader ends its threads, after the epoch under way", async () => {
  const running = new Set<Worker>();
  const warnings: string[] = [];
  process.on("warning", ({ message }) => warnings.push(message));
  process.on("worker", (worker) => {
    running.add(worker);
    worker.on("exit", () => running.delete(worker));
  });
  // What is left of the loader is an epoch of it, and then nothing.
  const count = await (async () => {
    const batches = openLoader(
      sourceOf(Array.from({ length: 6 }, (_, i) => level(i))),
      asDecoded({ colour: "grey" }),
      { batchSize: 2, workers: 1, queue: 1 },
    ).epoch(0);
    let seen = 0;
    for await (const _ of batches) {
      seen++;
      collectGarbage();
      await sleep(20);
    }
    return seen;
  })();
  assert.equal(count, 3);
  const limit = AbortSignal.timeout(60_000);
  while (running.size > 0 || warnings.length === 0) {
    limit.throwIfAborted();
    collectGarbage();
    await sleep(20);
  }
  assert.match(warnings.join(), /^A loader was dropped without close\(\).*This is said once\.$/);
});
