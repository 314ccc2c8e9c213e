/** G6: a thread may be terminated at any moment. What it leaves is recovered by the thread that started it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { collectGarbage, createRandom } from "@cupel/base";
import {
  DIRECTORY_LOCK,
  HEAP_LOCK,
  LANE_BYTES,
  LANES,
  OWNER,
  PIN,
  SEGMENT_HELD,
} from "../src/core/layout.ts";
import { bufferOf } from "../src/handle.ts";
import { type MapKey, SharedMap } from "../src/index.ts";
import { areLongTestsAsked } from "./long-tests.ts";
import { createControl, go, startThread } from "./threads/start.ts";
import { checkValue, valueFor } from "./threads/tasks.ts";

const rounds = areLongTestsAsked ? 500 : 60;
const keys = 3000;

test(`${rounds} threads terminated at random moments: no lock stays held, no block is lost`, {
  timeout: 280_000,
}, async (t) => {
  using map = SharedMap.create<string, string>({
    maxBytes: 2 ** 22,
    eviction: "sieve",
    groupBits: 1,
    maxThreads: 8,
  });
  const words = new Int32Array(bufferOf(map.handle.memory));
  const random = createRandom(4);
  const found = { inACall: 0, segmentLocked: 0, heapLocked: 0, directoryLocked: 0 };
  const start = () => {
    const control = createControl();
    return startThread(map, "churn", {
      control,
      keys,
      seed: random.integer(2 ** 31),
      longest: 60_000,
      mayFill: true,
    });
  };
  let next = start();
  // On a machine whose cores are taken a thread may not have begun when it is terminated: then more of them.
  const isEnough = (round: number) => round >= rounds && (found.inACall > 0 || round >= 5 * rounds);
  let round = 0;
  for (; !isEnough(round); round++) {
    const thread = await next;
    // The next one starts meanwhile; it only waits.
    next = start();
    go([thread]);
    const until = performance.now() + random.uniform() * 12;
    await new Promise(setImmediate);
    while (performance.now() < until) {
      const key = `k${random.integer(keys)}`;
      checkValue(key, map.get(key));
      map.set(key, valueFor(key, random, 300));
    }
    const lane = words[LANES >> 2]! + laneOf(words, thread.identity) * LANE_BYTES;
    const exit = once(thread.worker, "exit");
    thread.worker.terminate();
    await exit;
    found.inACall += Number(words[(lane + PIN) >> 2] !== 0);
    found.segmentLocked += Number(words[(lane + SEGMENT_HELD) >> 2] !== 0);
    found.heapLocked += Number(words[HEAP_LOCK >> 2] !== 0);
    found.directoryLocked += Number(words[DIRECTORY_LOCK >> 2] !== 0);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    // The next thread may have attached since, and have it.
    assert.notEqual(words[(lane + OWNER) >> 2], thread.identity | 0, "the lane was recovered");
    (await next).worker;
    map.check();
    assert.equal(map.set("after", "after|0|").get("after"), "after|0|");
  }
  await (await next).worker.terminate();
  const { evictions, splits } = map.stats();
  t.diagnostic(
    `${round} terminated: ${found.inACall} in the middle of a call, ${found.segmentLocked} at a segment's lock, ` +
      `${found.heapLocked} with the heap's, ${found.directoryLocked} with the directory's; ${evictions} evictions, ${splits} splits`,
  );
  assert.ok(found.inACall > 0, "some died in the middle of a call");
});

test("threads that end without closing the map give their places back", async () => {
  using map = SharedMap.create<string, string>({ maxBytes: 2 ** 20, maxThreads: 2 });
  for (let i = 0; i < 5; i++) {
    const { worker } = await startThread(map, "churn", {
      control: createControl(),
      keys: 9,
      seed: i,
      longest: 9,
    });
    map.guard(worker);
    const exit = once(worker, "exit");
    worker.postMessage("end");
    await exit;
    await new Promise(setImmediate);
    assert.equal(map.stats().threads, 1);
  }
});

test("maps that are forgotten instead of closed give their places back", async () => {
  using map = SharedMap.create<MapKey, number>({ maxThreads: 2 });
  for (let i = 0; i < 5; i++) {
    SharedMap.attach<MapKey, number>(map.handle).set("i", i);
    for (let turn = 0; turn < 50 && map.stats().threads > 1; turn++) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(map.stats().threads, 1);
  }
  const counter = SharedMap.attach<MapKey, number>(map.handle).counter("n");
  for (let turn = 0; turn < 5; turn++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(counter.add(), 1, "a counter keeps its map open");
});

test("counters that are forgotten give up their handles, and cost no memory", async () => {
  using map = SharedMap.create<MapKey, number>({ maxBytes: 2 ** 22 });
  const heap = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  map.counter(new Uint8Array([1])).add();
  const before = heap();
  for (let i = 0; i < 20_000; i++) map.counter(new Uint8Array([1])).add();
  assert.ok(heap() - before < 1_000_000, "equal bytes, one handle");
  for (let i = 0; i < 5000; i++) map.counter(`text ${i}`).add();
  for (let turn = 0; turn < 50 && map.size > 0; turn++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 5));
    map.clear();
  }
  assert.equal(map.size, 0);
  map.check();
});

function laneOf(words: Int32Array, identity: number): number {
  for (let i = 0; ; i++) {
    // The lower half of it.
    if (words[(words[LANES >> 2]! + i * LANE_BYTES + OWNER) >> 2] === (identity | 0)) return i;
  }
}
