/** Entries expire by one monotonic clock, whatever happens to the clock on the wall and whoever looks. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
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

  const manual = (ttl?: number) => {
    const time = { now: 1000 };
    const clock = { now: () => 0, monotonic: () => time.now };
    const map = SharedMap.create<MapKey, unknown>({ maxBytes: 2 ** 20, nearCache: 9, clock, ttl });
    return { map, time };
  };

  test("compute keeps when an entry ends, unless it is told a ttl; what it makes anew has the map's", () => {
    const { map, time } = manual(500);
    map.set("k", 1, { ttl: 60 }).set("for ever", 1, { ttl: Number.POSITIVE_INFINITY });
    map.add("n", 1, { ttl: 60 });
    time.now += 20;
    for (const key of ["k", "n", "for ever"]) map.compute(key, (value) => Number(value) + 1);
    map.compute("new", () => 1);
    const ends = (keys: string[]) => keys.map((key) => map.expiresIn(key));
    assert.deepEqual(ends(["k", "n", "for ever", "new"]), [40, 40, Number.POSITIVE_INFINITY, 500]);
    map.compute("k", () => "x".repeat(100_000));
    map.compute("n", () => 1, { ttl: 7 });
    map.compute("for ever", () => 1, { ttl: "keep" });
    assert.deepEqual(ends(["k", "n", "for ever"]), [40, 7, Number.POSITIVE_INFINITY]);
    time.now += 40;
    assert.equal(map.get("k"), undefined);
    assert.equal(
      map.compute("k", (value) => value === undefined),
      true,
    );
    assert.equal(map.expiresIn("k"), 500);
    map.close();
  });

  test("set with { ttl: keep } changes the value only; what is not there gets the map's ttl", () => {
    const { map, time } = manual(500);
    map.set("k", 1, { ttl: 60 }).set("n", 1, { ttl: Number.POSITIVE_INFINITY });
    map.add("count", 4, { ttl: 60 });
    time.now += 20;
    for (const key of ["k", "n", "count", "new"]) map.set(key, "changed", { ttl: "keep" });
    for (const key of ["k", "n", "count", "new"]) assert.equal(map.get(key), "changed");
    assert.deepEqual(
      ["k", "n", "count", "new"].map((key) => map.expiresIn(key)),
      [40, Number.POSITIVE_INFINITY, 40, 500],
    );
    map.counter("handles");
    assert.equal(map.set("handles", 7, { ttl: "keep" }).get("handles"), 7);
    assert.equal(map.getOrInsert("there", 1, { ttl: "keep" }), 1);
    assert.equal(map.expiresIn("there"), 500);
    map.close();
  });

  test("touch changes when an entry ends, and nothing else", () => {
    const { map, time } = manual();
    const long = "\u20ac".repeat(60_000);
    const values = new Map<string, unknown>([
      ["text", "t"],
      ["long", long],
      ["bytes", new Uint8Array([1, 2])],
      ["true", true],
      ["nothing", undefined],
    ]);
    for (const [key, value] of values) map.set(key, value, { ttl: 60 });
    map.add("count", 4, { ttl: 60 });
    map.get("text");
    time.now += 50;
    for (const key of [...values.keys(), "count"]) {
      assert.equal(map.touch(key, 100), true);
      assert.equal(map.expiresIn(key), 100, key);
    }
    time.now += 50;
    for (const [key, value] of values) assert.deepEqual(map.get(key), value);
    assert.equal(map.add("count", 1), 5, "still an integer that is added to");
    assert.equal(map.touch("text", 5), true);
    time.now += 5;
    assert.equal(map.get("text"), undefined, "a near cache does not keep it");
    assert.equal(map.touch("text", 5), false);
    assert.equal(map.touch("true"), true);
    assert.equal(map.expiresIn("true"), Number.POSITIVE_INFINITY, "the map's ttl: none");
    map.counter("handles").add(3);
    assert.equal(map.touch("handles", 1), true);
    time.now += 10;
    assert.equal(map.get("handles"), 3);
    assert.throws(() => map.touch("true", -1), /ttl is -1/);
    map.check();
    map.close();
  });

  test("with ttlJitter, entries written together end at different times, none later than its ttl", () => {
    const clock = { now: () => 0, monotonic: () => 1000 };
    const drawn = [0, 0.5, 0.75, 0.25, 1 - Number.EPSILON];
    const random = () => drawn.shift()!;
    using map = SharedMap.create<MapKey, number>({
      maxBytes: 2 ** 20,
      clock,
      ttl: 100,
      ttlJitter: 0.2,
      random,
    });
    map.set("map", 1).set("own", 1, { ttl: 1000 }).set("for ever", 1, { ttl: Number.POSITIVE_INFINITY });
    map.add("count", 1);
    map.set("kept", 1);
    map.set("kept", 2, { ttl: "keep" });
    map.touch("map", 10);
    const ends = ["map", "own", "for ever", "count", "kept"].map((key) => map.expiresIn(key)!);
    // Taken in the order of the writes: shares of a fifth.
    assert.deepEqual(
      ends,
      [10 * (1 - 0.2 * (1 - Number.EPSILON)), 900, Number.POSITIVE_INFINITY, 85, 95].map(
        (ms) => 1000 + ms - 1000,
      ),
    );
    using other = SharedMap.attach<MapKey, number>(map.handle, { clock, random: () => 0.5 });
    assert.equal(other.set("other", 1).expiresIn("other"), 90, "each thread draws by itself");
    using plain = SharedMap.create<MapKey, number>({ maxBytes: 2 ** 20, ttl: 100_000, ttlJitter: 1 });
    for (let i = 0; i < 100; i++) plain.set(i, i);
    const lives = new Set(
      Array.from({ length: 100 }, (_, i) => Math.round((plain.expiresIn(i) ?? 0) / 1000)),
    );
    assert.ok(lives.size > 20 && Math.max(...lives) <= 100 && Math.min(...lives) >= 0, `${lives.size} ends`);
    for (const ttlJitter of [-0.1, 1.1, Number.NaN, "0.1" as never]) {
      assert.throws(() => SharedMap.create({ ttlJitter }), /ttlJitter is/);
    }
  });

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

  for (const core of ["wasm", "typescript"] as const) {
    describe(`by ${core}`, () => {
      const maxBytes = 2 ** 22;

      test("ttl: an entry is there until its time, and gone from then on", () => {
        let now = 5000;
        const clock = { now: () => now, monotonic: () => now };
        using map = SharedMap.create<MapKey, number>({ maxBytes, ttl: 100, core, clock });
        map.set("a", 1).set("b", 2, { ttl: 10 }).set("c", 3, { ttl: Number.POSITIVE_INFINITY });
        assert.deepEqual(
          [map.expiresIn("a"), map.expiresIn("b"), map.expiresIn("c")],
          [100, 10, Number.POSITIVE_INFINITY],
        );
        now += 10;
        assert.deepEqual(
          [map.get("a"), map.get("b"), map.has("b"), map.expiresIn("b")],
          [1, undefined, false, undefined],
        );
        assert.equal(map.delete("b"), false);
        assert.equal(map.getOrInsert("b", 5), 5);
        assert.equal(map.add("window", 1, { ttl: 50 }), 1);
        now += 40;
        assert.equal(map.add("window", 1, { ttl: 50 }), 2);
        now += 10;
        assert.equal(map.add("window", 1, { ttl: 50 }), 1);
        assert.deepEqual([...map.keys()].sort(), ["a", "b", "c", "window"]);
        now += 1000;
        assert.deepEqual([...map.keys()], ["c"]);
        map.check();
      });

      test("writes find and remove what has expired", () => {
        let now = 5000;
        const clock = { now: () => now, monotonic: () => now };
        using map = SharedMap.create<number, number>({ maxBytes, core, clock });
        for (let i = 0; i < 500; i++) map.set(i, i, { ttl: 10 });
        now += 10;
        for (let i = 0; i < 2000; i++) map.set(1000, i);
        assert.equal(map.size, 1);
        assert.equal(map.stats().expirations, 500);
      });
    });
  }
}
