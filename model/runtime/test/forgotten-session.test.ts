/** A session that is dropped without close() is closed when it is collected; one of which anything is kept is not. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { collectGarbage } from "@cupel/base";
import { openIsolated, openSession, openStatefulSession } from "@cupel/runtime";
import { doubler } from "./tiny-models.ts";

/** Rejects when it takes longer than any machine needs. */
const soon = async (promise: Promise<unknown>) => {
  const limit = AbortSignal.timeout(60_000);
  let isOver = false;
  void promise.then(() => {
    isOver = true;
  });
  while (!isOver) {
    limit.throwIfAborted();
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** What is left of a session is the promise of its end. */
async function drop(open: typeof openSession): Promise<{ readonly ended: Promise<unknown> }> {
  const { ended } = await open(doubler());
  return { ended };
}

test("dropped sessions are closed, and that is said once", async () => {
  const warned = once(process, "warning");
  let warnings = 0;
  process.on("warning", () => warnings++);
  const stateful = () => openStatefulSession(doubler(), { state: [] });
  const openers = [openSession, openSession, stateful, openIsolated];
  const ends = await Promise.all(openers.map(drop));
  await soon(Promise.all(ends.map(({ ended }) => ended)));
  const [warning] = await warned;
  assert.equal(warning.code, "CUPEL_NOT_CLOSED");
  assert.match(warning.message, /A session was dropped without close\(\)/);
  assert.equal(warnings, 1);
});

test("one whose run function is kept stays open, and so does one with a run under way", async () => {
  const { run, close } = await openSession(doubler());
  const feeds = { x: { type: "float32" as const, dims: [1, 3], data: Float32Array.of(1, 2, 3) } };
  const underWay = (await openSession(doubler())).run(feeds);
  for (let i = 0; i < 5; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual([...(await underWay).y!.data], [2, 4, 6]);
  assert.deepEqual([...(await run(feeds)).y!.data], [2, 4, 6]);
  await close();
});
