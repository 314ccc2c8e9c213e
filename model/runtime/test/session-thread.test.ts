import assert from "node:assert/strict";
import { test } from "node:test";
import { engineOptions } from "../src/session/engine-options.ts";
import { SessionThread } from "../src/session/session-thread.ts";
import { failureOf } from "./errors-of.ts";

const entry = new URL("./crashing-worker.ts", import.meta.url);
const tensor = { type: "float32" as const, dims: [], data: Float32Array.of(1) };
const opening = (path: string) =>
  ({ kind: "open", model: { kind: "path", path }, state: [], options: engineOptions({}) }) as const;

for (const way of ["exit", "throw"] as const) {
  test(`a thread that ends by ${way} fails every pending run and nothing else`, async () => {
    const thread = new SessionThread(entry);
    await thread.open(opening("model"), []);
    const before = thread.perform({ kind: "run", into: {}, feeds: { wait: tensor }, fetches: null }, []);
    const crash = thread.perform({ kind: "run", into: {}, feeds: { [way]: tensor }, fetches: null }, []);
    const after = thread.perform({ kind: "run", into: {}, feeds: { wait: tensor }, fetches: null }, []);
    for (const failure of await Promise.all([before, crash, after].map(failureOf))) {
      assert.equal(failure.code, "THREAD_CRASHED");
      assert.match(failure.message, way === "exit" ? /status 3/ : /out of cheese/);
    }
    const late = thread.perform({ kind: "run", into: {}, feeds: { wait: tensor }, fetches: null }, []);
    assert.equal((await failureOf(late)).code, "THREAD_CRASHED");
    await thread.close();
  });
}

test("a thread that dies while opening is a crash, not a wait", async () => {
  const thread = new SessionThread(entry);
  assert.equal((await failureOf(thread.open(opening("exit while opening"), []))).code, "THREAD_CRASHED");
});

test("closing fails the runs under way, and closing again is harmless", async () => {
  const thread = new SessionThread(entry);
  await thread.open(opening("model"), []);
  const pending = failureOf(
    thread.perform({ kind: "run", into: {}, feeds: { wait: tensor }, fetches: null }, []),
  );
  await thread.close();
  assert.equal((await pending).code, "SESSION_CLOSED");
  await thread.close();
  const late = thread.perform({ kind: "run", into: {}, feeds: { wait: tensor }, fetches: null }, []);
  assert.equal((await failureOf(late)).code, "SESSION_CLOSED");
});
