/** Ten thousand requests, some of which leave and some of which fail, leave nothing behind. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { collectGarbage, createRandom } from "@cupel/base";
import { createBatcher } from "../../src/batching/batcher.ts";
import { callOf, FakeSession, outcomeOf, poison, rowsOfTwo } from "./fake-session.ts";

test("after 10,000 requests there are no more listeners, timers or bytes than after 2,000", async () => {
  const random = createRandom(1);
  const session = new FakeSession();
  const batcher = createBatcher(session, { model: "m", version: "1", maxRows: 8, maxQueued: 32 });
  const { signal } = new AbortController();
  const outcomes = new Map<string, number>();

  /** Twenty callers at a time, who ask and wait. */
  async function serve(requests: number): Promise<void> {
    let left = requests;
    let isOver = false;
    const callers = Array.from({ length: 20 }, async (_, i) => {
      while (left-- > 0) {
        const draw = random.uniform();
        const leaving = new AbortController();
        const values = Array.from({ length: 2 * (1 + random.integer(12)) }, () => (draw < 0.02 ? poison : 1));
        const call = callOf(`caller ${i}`, draw > 0.9 ? leaving.signal : signal);
        const answer = outcomeOf(batcher.run(rowsOfTwo(...values), { call }));
        if (draw > 0.95) await new Promise(setImmediate);
        leaving.abort();
        const outcome = await answer;
        const name = typeof outcome === "string" ? outcome : "done";
        outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
      }
    });
    const engine = (async () => {
      while (!isOver) {
        session.finish();
        session.runs.length = 0;
        await new Promise(setImmediate);
      }
    })();
    await Promise.all(callers);
    isOver = true;
    await engine;
  }

  function held() {
    collectGarbage();
    return {
      listeners: getEventListeners(signal, "abort").length,
      timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
      heap: process.memoryUsage().heapUsed,
    };
  }

  await serve(2_000);
  const before = held();
  await serve(8_000);
  const after = held();
  assert.equal(
    [...outcomes.values()].reduce((sum, count) => sum + count, 0),
    10_000,
  );
  assert.ok(
    outcomes.get("done")! > 8_000 && outcomes.get("CANCELLED")! > 100 && outcomes.get("RUN_FAILED")! > 100,
  );
  assert.deepEqual([after.listeners, after.timers, batcher.queued], [0, before.timers, 0]);
  // Of 8,000 requests kept by mistake each would hold more than 500 bytes.
  assert.ok(after.heap - before.heap < 2e6, `${after.heap - before.heap} bytes more`);
  await batcher[Symbol.asyncDispose]();
});
