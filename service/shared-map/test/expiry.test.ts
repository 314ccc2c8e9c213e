/** Entries expire by one monotonic clock, whatever happens to the clock on the wall and whoever looks. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { type MapKey, SharedMap } from "../src/index.ts";
import { processClock } from "../src/process-clock.ts";

const hour = 3_600_000;

if (!isMainThread) {
  const { handle, times }: { handle: never; times: Float64Array<SharedArrayBuffer> } = workerData.expiry;
  using map = SharedMap.attach<MapKey, number>(handle);
  times[0] = map.expiresIn("main") ?? -1;
  map.set("worker", 1, { ttl: 60_000 });
} else {
  for (const [direction, step] of [
    ["back", -hour],
    ["forward", hour],
  ] as const) {
    test(`the wall clock is set ${direction} an hour: an entry of a minute still lives a minute`, (t) => {
      using map = SharedMap.create<MapKey, number>({ maxBytes: 2 ** 20, nearCache: 9 });
      map.set("set before", 1, { ttl: 60_000 });
      map.add("window", 1, { ttl: 60_000 });
      map.get("set before");
      const { now } = Date;
      t.mock.method(Date, "now", () => now() + step);
      map.set("set after", 1, { ttl: 60_000 });
      for (const key of ["set before", "window", "set after"]) {
        const left = map.expiresIn(key)!;
        assert.ok(left > 30_000 && left <= 60_000, `${key}: ${left} ms`);
        assert.equal(map.get(key), 1);
      }
    });
  }

  test("threads that started at different times have one clock", async () => {
    using map = SharedMap.create<MapKey, number>({ maxBytes: 2 ** 20 });
    map.set("main", 1, { ttl: 60_000 });
    const times = new Float64Array(new SharedArrayBuffer(8));
    const started = processClock.monotonic();
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { expiry: { handle: map.handle, times } },
    });
    await once(worker, "exit");
    // No more than what has passed meanwhile, and the millisecond that whole ones may be apart.
    const passed = processClock.monotonic() - started + 1;
    assert.ok(times[0]! <= 60_001 && times[0]! >= 60_000 - passed - 1, `${times[0]} ms left`);
    const left = map.expiresIn("worker")!;
    assert.ok(left <= 60_001 && left >= 60_000 - passed, `${left} ms left`);
  });
}
