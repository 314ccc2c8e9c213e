/** Calls that go on from what was there come to an end, whatever others do meanwhile: they reserve the key. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { CupelError } from "@cupel/base";
import { Attachment } from "../src/attachment.ts";
import { ATTEMPTS } from "../src/core/reservation.ts";
import { type MapKey, SharedMap, type SharedMapHandle } from "../src/index.ts";

interface Task {
  readonly handle: SharedMapHandle;
  /** Word 0: 1 once it is at work; anything else after ends it. */
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly task: "write" | "reserve";
}

if (!isMainThread) {
  const { handle, control, task }: Task = workerData.starvation;
  const begin = () => {
    Atomics.store(control, 0, 1);
    Atomics.notify(control, 0);
  };
  if (task === "reserve") {
    new Attachment(handle, {}).reserve("reserved");
    begin();
    Atomics.wait(control, 0, 1);
  } else {
    using map = SharedMap.attach<MapKey, number>(handle);
    const counter = map.counter("counter");
    begin();
    for (let i = 0; Atomics.load(control, 0) === 1; i++) {
      map.set("written", i).set("comes and goes", i);
      map.delete("comes and goes");
      counter.add();
    }
  }
} else {
  const start = async (handle: SharedMapHandle, task: Task["task"]) => {
    const control = new Int32Array(new SharedArrayBuffer(4));
    const data: Task = { handle, control, task };
    const worker = new Worker(new URL(import.meta.url), { workerData: { starvation: data } });
    await Atomics.waitAsync(control, 0, 0).value;
    return { worker, control };
  };
  const busy = (ms: number) => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  };

  test("compute, getOrInsert and add end against a thread that does nothing but write their keys", async (t) => {
    using map = SharedMap.create<MapKey, number>({ maxBytes: 2 ** 20 });
    const { worker, control } = await start(map.handle, "write");
    // Those before the reservation, the one that has it, and one that a write under way was faster than.
    const most = ATTEMPTS + 2;
    const calls: Record<string, number> = {};
    const slowly = (name: string, value: number) => {
      calls[name] = (calls[name] ?? 0) + 1;
      busy(3);
      return value;
    };
    map.compute("written", (n) => slowly("compute", n! + 1));
    map.compute("counter", (n) => slowly("compute of a counter with handles", n! + 1));
    map.compute("comes and goes", () => void slowly("compute that deletes", 0));
    map.getOrInsertComputed("comes and goes", () => slowly("getOrInsertComputed", -1));
    for (let i = 0; i < 1000; i++) map.add("written");
    Atomics.store(control, 0, 2);
    await once(worker, "exit");
    t.diagnostic(JSON.stringify(calls));
    for (const [name, count] of Object.entries(calls)) assert.ok(count <= most, `${name}: ${count} calls`);
    map.check();
  });

  test("a reserved key's writers wait, others do not; when its holder has ended it is free", {
    skip: process.platform !== "linux" && "elsewhere than on Linux the kernel does not tell",
  }, async () => {
    using map = SharedMap.create<MapKey, number>({ maxBytes: 2 ** 20 });
    map.set("reserved", 1);
    const { worker } = await start(map.handle, "reserve");
    map.set("another", 1);
    assert.throws(
      () => map.set("reserved", 2),
      (thrown) => thrown instanceof CupelError && thrown.code === "MAP_BUSY",
    );
    assert.equal(map.get("reserved"), 1);
    await worker.terminate();
    assert.equal(map.set("reserved", 3).get("reserved"), 3);
    map.check();
  });

  test("a thread does not wait for itself, nor does a closed map keep a key reserved", () => {
    using map = SharedMap.create<MapKey, number>({ maxBytes: 2 ** 20 });
    using same = SharedMap.attach<MapKey, number>(map.handle);
    let calls = 0;
    map.compute("k", (n) => {
      if (calls++ <= ATTEMPTS) same.set("k", calls);
      return (n ?? 0) + 100;
    });
    assert.deepEqual([calls, map.get("k")], [ATTEMPTS + 2, ATTEMPTS + 101]);
    const closing = SharedMap.attach<MapKey, number>(map.handle);
    calls = 0;
    assert.throws(() =>
      closing.compute("k", () => {
        same.set("k", calls);
        if (calls++ > ATTEMPTS) closing.close();
        return 1;
      }),
    );
    assert.equal(map.set("k", 5).get("k"), 5);
  });
}
