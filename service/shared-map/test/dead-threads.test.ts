/** G6: what a thread held that has ended is recovered by whoever needs it; one that is stopped keeps it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { CupelError, collectGarbage } from "@cupel/base";
import { HEAP_LOCK } from "../src/core/layout.ts";
import { bufferOf } from "../src/handle.ts";
import { type MapKey, SharedMap, type SharedMapHandle } from "../src/index.ts";
import { hasEnded, identity, identityOf, noteEnd } from "../src/thread-identity.ts";
import { areLongTestsAsked } from "./long-tests.ts";
import { createControl, go, startThread } from "./threads/start.ts";
import { type StopAt, startStopped } from "./threads/stopped.ts";

const skip = process.platform !== "linux" && "elsewhere than on Linux the kernel does not tell";
const create = (maxThreads = 8) =>
  SharedMap.create<MapKey, unknown>({ maxBytes: 2 ** 20, groupBits: 0, maxThreads, core: "typescript" });

for (const at of ["segment", "heap", "directory"] satisfies StopAt[]) {
  test(`right after a thread is terminated that has the ${at}'s lock, a write goes through`, {
    skip,
  }, async () => {
    using map = create();
    const { worker } = await startStopped(map.handle, at);
    await worker.terminate();
    for (let i = 0; i < 300; i++) map.set(i, i);
    assert.equal(map.get(299), 299);
    assert.equal(map.stats().threads, 1);
    map.check();
  });
}

test("at a thread's exit event its end is known, though the kernel may list it as running for a moment more", {
  skip,
}, async () => {
  using map = create();
  const start = () => startThread(map, "disturb", { control: createControl(), kept: 1, passing: 1, seed: 1 });
  let late = 0;
  let next = start();
  for (let i = 0; i < (areLongTestsAsked ? 200 : 40); i++) {
    const thread = await next;
    // It keeps a core busy, so that the kernel is not done at once with the thread that ends.
    next = start();
    assert.ok(!hasEnded(thread.identity));
    go([thread]);
    for (const until = performance.now() + (i % 12); performance.now() < until; ) map.get(1);
    thread.worker.prependOnceListener("exit", () => {
      late += Number(!hasEnded(thread.identity));
    });
    await thread.worker.terminate();
  }
  await (await next).worker.terminate();
  assert.equal(late, 0);
});

test("a thread that was terminated with the one that started it is recovered by one that knows of neither", {
  skip,
}, async () => {
  using map = create();
  const { worker } = await startStopped(map.handle, "heap", true);
  await worker.terminate();
  map.set("k", 1);
  assert.equal(map.stats().threads, 1);
  map.check();
});

test("where the thread that started it has no map any more, another recovers it", {
  skip,
}, async () => {
  const { handle, worker } = await startPool();
  for (let i = 0; i < 5; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await worker.terminate();
  await new Promise(setImmediate);
  using map = SharedMap.attach<MapKey, unknown>(handle);
  map.set("k", 1);
  assert.equal(map.stats().threads, 1);
  map.check();

  async function startPool(): Promise<{ handle: SharedMapHandle; worker: { terminate(): Promise<number> } }> {
    const own = create();
    const { worker } = await startStopped(own.handle, "heap");
    return { handle: own.handle, worker };
  }
});

test("the place of a thread that has ended goes to the next that attaches, with nothing of what it was about", {
  skip,
}, async () => {
  const map = create(1);
  const { handle } = map;
  map.close();
  const { worker } = await startStopped(handle, "heap");
  await worker.terminate();
  using heir = SharedMap.attach<MapKey, unknown>(handle);
  heir.set("k", 1);
  heir.check();
});

test("memory that a thread kept from becoming free when it ended is there for who needs it", {
  skip,
}, async () => {
  using map = create();
  const { worker } = await startStopped(map.handle, "pin");
  const exit = once(worker, "exit");
  void worker.terminate();
  await exit;
  // Several times what fits, before the event loop gets to anything else.
  for (let i = 0; i < 20_000; i++) map.set(i % 50, "v".repeat(500));
  map.check();
});

const stoppedSeconds = areLongTestsAsked ? 10 : 3;

test(`a thread that is stopped for ${stoppedSeconds} s keeps its lock: writes are refused, and then all go on`, async () => {
  using map = create();
  const words = new Int32Array(bufferOf(map.handle.memory));
  map.set("k", 1);
  const { worker, control } = await startStopped(map.handle, "heap");
  const held = words[HEAP_LOCK >> 2]! & 0xffff;
  assert.notEqual(held, 0);
  const until = performance.now() + stoppedSeconds * 1000;
  let refused = 0;
  while (performance.now() < until || refused < 2) {
    assert.throws(
      () => map.set("k", 2),
      (thrown) => thrown instanceof CupelError && thrown.code === "MAP_BUSY",
    );
    assert.equal(words[HEAP_LOCK >> 2]! & 0xffff, held);
    assert.equal(map.get("k"), 1);
    assert.equal(map.stats().threads, 2);
    refused++;
  }
  const exit = once(worker, "exit");
  Atomics.store(control, 0, 2);
  Atomics.notify(control, 0);
  await exit;
  assert.equal(map.get("stopped 199"), 199, "it did what it was about");
  map.check();
});

test("a thread has ended when the kernel has none of its id and start, or when its exit was heard of", () => {
  assert.equal(hasEnded(identity), false);
  assert.equal(hasEnded(identityOf(7_000_000)), false, "nobody has told");
  noteEnd(7_000_000);
  assert.equal(hasEnded(identityOf(7_000_000)), true);
  if (process.platform !== "linux") return;
  assert.equal(hasEnded(identity + 2 ** 22), true, "the id is another thread's by now");
  assert.equal(hasEnded(2 ** 22 - 1), true, "no thread has the id");
});
