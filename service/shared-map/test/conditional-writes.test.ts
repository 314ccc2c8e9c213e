/** Writes that depend on what is there, looks that leave no trace, and taking out what has expired. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CupelError } from "@cupel/base";
import { jsonCodec, type MapKey, SharedMap } from "../src/index.ts";

const maxBytes = 2 ** 20;
const isFull = (thrown: unknown) => thrown instanceof CupelError && thrown.code === "MAP_FULL";

for (const core of ["wasm", "typescript"] as const) {
  describe(`by ${core}`, () => {
    const manual = (eviction: "none" | "sieve" = "none") => {
      const time = { now: 1000 };
      const clock = { now: () => 0, monotonic: () => time.now };
      const map = SharedMap.create<MapKey, unknown>({
        maxBytes,
        core,
        clock,
        eviction,
        codec: jsonCodec,
        groupBits: 1,
      });
      return { map, time };
    };

    test("setIfAbsent sets what is absent or has expired, once", () => {
      const { map, time } = manual();
      assert.equal(map.setIfAbsent("k", 1, { ttl: 10 }), true);
      assert.equal(map.setIfAbsent("k", 2), false);
      assert.equal(map.get("k"), 1);
      time.now += 10;
      assert.equal(map.setIfAbsent("k", 3), true);
      assert.deepEqual([map.get("k"), map.expiresIn("k")], [3, Number.POSITIVE_INFINITY]);
      map.set("undefined", undefined);
      assert.equal(map.setIfAbsent("undefined", 1), false, "it is there, with that value");
      map.counter("count").add(5);
      assert.equal(map.setIfAbsent("count", 1), false);
      assert.equal(map.get("count"), 5);
      map.check();
      map.close();
    });

    test("compareAndSet sets where the value is the expected one, by value and not by kind of storage", () => {
      const { map } = manual();
      const values: [MapKey, unknown, unknown, unknown][] = [
        ["text", "one", "one", "One"],
        ["wide", "\u0100", "\u0100", "\u0101"],
        ["number", 0, -0, 1],
        ["not a number", Number.NaN, Number.NaN, 0],
        ["bigint", 2n ** 70n, 2n ** 70n, 2n ** 70n + 1n],
        ["bytes", new Uint8Array([1, 2]), Buffer.from([1, 2]), new Uint8Array([1, 2, 0])],
        ["boolean", false, false, null],
        ["null", null, null, false],
        ["object", { a: [1] }, { a: [1] }, { a: [2] }],
        ["long", "x".repeat(100_000), "x".repeat(100_000), `${"x".repeat(99_999)}y`],
        ["long object", { a: "x".repeat(90_000) }, { a: "x".repeat(90_000) }, "x"],
        ["bytes, not an object", new Uint8Array([123, 125]), Buffer.from("{}"), {}],
      ];
      for (const [key, stored, same, other] of values) {
        map.set(key, stored);
        assert.equal(map.compareAndSet(key, other, "new"), false, `${key}: another value`);
        assert.equal(map.compareAndSet(key, undefined, "new"), false, `${key}: it is there`);
        assert.deepEqual(map.get(key), stored);
        assert.equal(map.compareAndSet(key, same, "new"), true, `${key}: the same value`);
        assert.equal(map.get(key), "new");
      }
      map.add("count", 7);
      assert.equal(map.compareAndSet("count", 6, 1), false);
      assert.equal(map.compareAndSet("count", 7, 1), true);
      const counter = map.counter("handles");
      counter.add(3);
      assert.equal(map.compareAndSet("handles", 3, 10), true);
      assert.equal(counter.value, 10);
      map.check();
      map.close();
    });

    test("undefined is no entry: expected, an absent key; as the value, it deletes", () => {
      const { map, time } = manual();
      assert.equal(map.compareAndSet("k", "old", "new"), false);
      assert.equal(map.compareAndSet("k", undefined, 1, { ttl: 50 }), true);
      assert.equal(map.expiresIn("k"), 50);
      assert.equal(map.compareAndSet("k", 1, 2, { ttl: "keep" }), true);
      assert.equal(map.expiresIn("k"), 50);
      assert.equal(map.compareAndSet("k", 2, 3), true);
      assert.equal(map.expiresIn("k"), Number.POSITIVE_INFINITY, "the map's ttl, as of set");
      assert.equal(map.compareAndSet("k", 2, undefined), false);
      assert.equal(map.compareAndSet("k", 3, undefined), true);
      assert.equal(map.has("k"), false);
      assert.equal(map.compareAndSet("k", undefined, undefined), true, "nothing was there, nothing is");
      map.set("short", 1, { ttl: 5 });
      time.now += 5;
      assert.equal(map.compareAndSet("short", 1, 2), false, "it has expired");
      map.close();
    });

    test("a full map refuses what is absent, and answers for what is there", () => {
      const { map } = manual();
      let keys = 0;
      assert.throws(() => {
        for (; ; keys++) map.set(`key ${keys}`, "v".repeat(1000));
      }, isFull);
      assert.equal(map.setIfAbsent("key 0", "v".repeat(1000)), false);
      assert.throws(() => map.setIfAbsent("absent", "v".repeat(1000)), isFull);
      assert.equal(map.has("absent"), false);
      assert.throws(() => map.compareAndSet("absent", undefined, "v".repeat(1000)), isFull);
      assert.equal(map.compareAndSet("key 0", "v".repeat(1000), "w".repeat(1000)), true, "in its place");
      map.close();
    });

    test("peek gives what get gives, and leaves no trace", () => {
      const { map, time } = manual("sieve");
      for (const value of ["text", 1, { a: 1 }, "x".repeat(100_000)]) {
        map.set("k", value);
        assert.deepEqual(map.peek("k"), value);
      }
      assert.equal(map.peek("absent"), undefined);
      map.set("short", 1, { ttl: 5 });
      time.now += 5;
      assert.equal(map.peek("short"), undefined);
      const { hits, misses } = map.stats();
      assert.deepEqual([hits, misses], [0, 0]);
      map.clear();
      // What is got is kept, what is only peeked at goes.
      for (let i = 0; i < 200; i++) map.set(i, "v".repeat(400));
      for (let round = 0; round < 60; round++) {
        for (let i = 0; i < 200; i++) i < 100 ? map.get(i) : map.peek(i);
        for (let i = 0; i < 60; i++) map.set(`new ${round} ${i}`, "v".repeat(400));
      }
      const left = (from: number) =>
        Array.from({ length: 100 }, (_, i) => map.has(from + i)).filter(Boolean).length;
      assert.ok(left(0) > 80 && left(100) < 20, `${left(0)} got, ${left(100)} peeked at`);
      map.check();
      map.close();
    });

    test("purgeStale takes out all that has expired and nothing else", () => {
      const { map, time } = manual();
      assert.equal(map.purgeStale(), 0);
      for (let i = 0; i < 1000; i++) map.set(i, i, { ttl: i % 2 === 0 ? 5 : 50 });
      map.set("for ever", 1);
      map.counter("handles").add(1);
      assert.equal(map.purgeStale(), 0);
      time.now += 5;
      assert.equal(map.purgeStale(), 500);
      assert.equal(map.size, 502);
      assert.equal(map.stats().expirations, 500);
      time.now += 45;
      assert.equal(map.purgeStale(), 500);
      assert.equal(map.purgeStale(), 0);
      assert.deepEqual([map.get("for ever"), map.get("handles")], [1, 1]);
      map.check();
      map.close();
    });
  });
}
