/** A thread that dies takes its own session with it, at once and with a code, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { moduleBeside } from "@cupel/base";
import { openSession, type TensorData, type ValueInfo } from "@cupel/runtime";
import { startEngineThread } from "../src/session/engine-thread.ts";
import { createSession } from "../src/session/session.ts";
import { failureOf } from "./errors-of.ts";
import { doubler } from "./tiny-models.ts";

/** A session over `crashing-worker.ts`, that takes the feed `name`. */
function crashing(name: string) {
  const inputs: ValueInfo[] = [{ name, type: "float32", dims: [] }];
  const thread = startEngineThread(moduleBeside(import.meta.url, "crashing-worker"), 1);
  return createSession({ thread, inputs, outputs: [] }, 8);
}

const feed = (name: string): Record<string, TensorData> => ({
  [name]: { type: "float32", dims: [], data: Float32Array.of(1) },
});

for (const way of ["exit", "throw"] as const) {
  test(`a thread that ends by ${way} fails every pending run, and ended settles with the same error`, async () => {
    const session = crashing(way);
    const failures = [1, 2, 3].map(() => failureOf(session.run(feed(way))));
    const ended = await session.ended;
    assert.equal(ended?.code, "THREAD_CRASHED");
    for (const failure of await Promise.all(failures)) {
      assert.equal(failure.code, "THREAD_CRASHED");
      assert.match(failure.message, way === "exit" ? /status 3/ : /out of cheese/);
    }
    assert.equal((await failureOf(session.run(feed(way)))).code, "THREAD_CRASHED");
    await session.close();
  });
}

/** The next worker thread that this process starts. */
const nextWorker = () => new Promise<Worker>((resolve) => process.once("worker", resolve));

test("a session whose idle thread is killed says so within a second, and the others go on", async (context) => {
  await using other = await openSession(doubler());
  const starting = nextWorker();
  const session = await openSession(doubler());
  const worker = await starting;
  const died = new Promise<number>((resolve) => worker.once("exit", () => resolve(performance.now())));
  void worker.terminate();
  const ended = await session.ended;
  const after = performance.now() - (await died);
  assert.equal(ended?.code, "THREAD_CRASHED");
  context.diagnostic(`known ${after.toFixed(1)} ms after its death`);
  assert.ok(after < 1000, `${after} ms`);
  const x: TensorData = { type: "float32", dims: [1, 3], data: Float32Array.of(1, 2, 3) };
  assert.equal((await failureOf(session.run({ x }))).code, "THREAD_CRASHED");
  assert.deepEqual([...(await other.run({ x })).y!.data], [2, 4, 6]);
});

test("a thread that dies while opening is a crash, not a wait", async () => {
  const worker = nextWorker();
  const opening = failureOf(openSession(doubler()));
  await (await worker).terminate();
  assert.equal((await opening).code, "THREAD_CRASHED");
});

test("closing fails the runs under way, ended is null, and closing again is harmless", async () => {
  const session = crashing("wait");
  const pending = failureOf(session.run(feed("wait")));
  await session.close();
  assert.equal((await pending).code, "SESSION_CLOSED");
  assert.equal(await session.ended, null);
  await session.close();
  assert.equal((await failureOf(session.run(feed("wait")))).code, "SESSION_CLOSED");
});
