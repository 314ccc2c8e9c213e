/** A limit of entries: beyond it entries go by policy, or writes are refused. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CupelError } from "@cupel/base";
import { type MapKey, SharedMap } from "../src/index.ts";
import { createControl, go, startThread } from "./threads/start.ts";

const maxBytes = 2 ** 20;
const isFull = (thrown: unknown) =>
  thrown instanceof CupelError && thrown.code === "MAP_FULL" && /maxEntries/.test(thrown.message);

for (const core of ["wasm", "typescript"] as const) {
  describe(`by ${core}`, () => {
    for (const maxEntries of [1, 10, 1000]) {
      test(`a map that evicts has ${maxEntries} entries at most, and has them`, () => {
        using map = SharedMap.create<MapKey, number>({
          maxBytes,
          core,
          eviction: "sieve",
          maxEntries,
          groupBits: 2,
        });
        for (let i = 0; i < 3 * maxEntries + 20; i++) {
          map.set(i, i);
          assert.equal(map.get(i), i);
          assert.equal(map.size, Math.min(i + 1, maxEntries));
        }
        const { evictions } = map.stats();
        assert.equal(evictions, 2 * maxEntries + 20);
        map.add("count", 1);
        assert.equal(map.getOrInsert("other", 1), 1);
        assert.equal(map.size, maxEntries);
        for (const [key] of map) map.set(key, -1);
        assert.deepEqual(
          [map.size, map.stats().evictions],
          [maxEntries, evictions + 2],
          "in place of others",
        );
        map.check();
      });
    }

    test("what was read stays rather than what was not", () => {
      using map = SharedMap.create<MapKey, number>({ maxBytes, core, eviction: "sieve", maxEntries: 200 });
      for (let i = 0; i < 200; i++) map.set(i, i);
      for (let round = 0; round < 20; round++) {
        for (let i = 0; i < 50; i++) map.get(i);
        for (let i = 0; i < 50; i++) map.set(`new ${round} ${i}`, i);
      }
      const left = Array.from({ length: 50 }, (_, i) => map.has(i)).filter(Boolean).length;
      assert.ok(left >= 45, `${left} of 50 that were read`);
    });

    test("a map that does not evict refuses the next entry, not the next value; expired ones make place", async () => {
      const time = { now: 1000 };
      const clock = { now: () => 0, monotonic: () => time.now };
      using map = SharedMap.create<MapKey, number | string>({ maxBytes, core, maxEntries: 100, clock });
      for (let i = 0; i < 100; i++) map.set(i, i, { ttl: i < 40 ? 5 : Number.POSITIVE_INFINITY });
      const writes: (() => unknown)[] = [
        () => map.set("k", 1),
        () => map.setIfAbsent("k", 1),
        () => map.compute("k", () => 1),
        () => map.getOrInsert("k", 1),
        () => map.add("k", 1),
        () => map.counter("k"),
        () => map.set("k", "x".repeat(100_000)),
      ];
      for (const write of writes) assert.throws(write, isFull);
      assert.equal(await map.fetch("k", () => 7), 7);
      assert.deepEqual([map.has("k"), map.size, map.stats().unstored], [false, 100, 1]);
      for (let i = 0; i < 100; i++) map.set(i, `${i}`, { ttl: "keep" });
      assert.equal(map.delete(99), true);
      assert.equal(map.set("k", 1).size, 100);
      time.now += 5;
      for (let i = 0; i < 40; i++) map.set(`new ${i}`, i);
      assert.ok(map.size <= 100);
      assert.throws(() => map.set("one more", 1), isFull);
      map.check();
    });

    test("counters that somebody has are not evicted: a map that has only those refuses", () => {
      using map = SharedMap.create<MapKey, number>({ maxBytes, core, eviction: "sieve", maxEntries: 3 });
      const counters = [1, 2, 3].map((key) => map.counter(key));
      assert.throws(() => map.set("k", 1), isFull);
      counters[0]!.close();
      assert.equal(map.set("k", 1).get("k"), 1);
      assert.equal(map.size, 3);
    });
  });
}

test("two threads together exceed the limit by one entry each at most", async () => {
  const maxEntries = 500;
  using map = SharedMap.create<string, number | string>({
    maxBytes: 2 ** 22,
    eviction: "sieve",
    maxEntries,
    groupBits: 2,
  });
  const control = createControl();
  const parameters = { control, keys: 3000, longest: 60 };
  const threads = await Promise.all([1, 2].map((seed) => startThread(map, "churn", { ...parameters, seed })));
  go(threads);
  let most = 0;
  const until = performance.now() + 150;
  while (performance.now() < until) most = Math.max(most, map.size);
  Atomics.store(control, 0, 1);
  await Promise.all(threads.map(({ done }) => done));
  // While they write, the sum of their counts is of no one moment.
  assert.ok(map.size <= maxEntries + 2, `${map.size} entries`);
  assert.ok(most >= maxEntries * 0.9 && most <= maxEntries * 1.2, `${most} entries at most`);
  map.set("one more", 1);
  assert.ok(map.size <= maxEntries);
  map.check();
});

test("maxEntries is a whole number", () => {
  for (const maxEntries of [0, -1, 1.5, Number.POSITIVE_INFINITY]) {
    assert.throws(() => SharedMap.create({ maxEntries }), /maxEntries is/);
  }
});
