/** `getMany`, `hasMany` and `setMany` give what as many single calls give, by both cores. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import fc from "fast-check";
import { jsonCodec, type MapKey, SharedMap } from "../src/index.ts";

const maxBytes = 2 ** 22;
const code = (expected: string) => (thrown: unknown) => (thrown as { code?: string }).code === expected;

for (const core of ["wasm", "typescript"] as const) {
  describe(`by ${core}`, () => {
    test("any keys and values, in any number, are what single reads of them are", () => {
      const key = fc.oneof(
        fc.string({ unit: "binary", maxLength: 30 }),
        fc.constantFrom<MapKey>("", "wide ★", 0, -0, Number.NaN, 1e300, -1n, new Uint8Array([1, 2]), "1", 1),
      );
      const value = fc.oneof(
        fc.string({ unit: "binary", maxLength: 60 }),
        fc.constantFrom(undefined, null, true, false, 7, Number.NaN, -0, 2n ** 70n, "", new Uint8Array([3])),
      );
      fc.assert(
        fc.property(
          fc.array(fc.tuple(key, value), { maxLength: 90 }),
          fc.array(key, { maxLength: 20 }),
          fc.integer({ min: 0, max: 2 }),
          (entries, others, groupBits) => {
            using map = SharedMap.create({ maxBytes, groupBits, core });
            map.setMany(entries);
            using single = SharedMap.create({ maxBytes, groupBits, core });
            for (const [k, v] of entries) single.set(k, v);
            const asked = [...others, ...entries.map(([k]) => k), ...others];
            assert.deepEqual(
              map.getMany(asked),
              asked.map((k) => single.get(k)),
            );
            assert.deepEqual(
              map.hasMany(asked),
              asked.map((k) => single.has(k)),
            );
            assert.equal(map.size, single.size);
          },
        ),
        { numRuns: core === "wasm" ? 100 : 20 },
      );
    });

    test("keys that fill the scratch many times over, and values that do", () => {
      using map = SharedMap.create<string, string>({ maxBytes, core });
      const entries = Array.from(
        { length: 70 },
        (_, i) => [`${i}`.padEnd(i % 3 === 0 ? 4096 : 60 * i, "k"), "v".repeat(i * 150) + i] as const,
      );
      map.setMany(entries);
      assert.deepEqual(
        map.getMany(entries.map(([key]) => key)),
        entries.map(([, value]) => value),
      );
      assert.ok(map.hasMany(entries.map(([key]) => key)).every(Boolean));
    });

    test("values that lie in chunks, beside others", () => {
      using map = SharedMap.create<string, string>({ maxBytes, core });
      map.set("long", "l".repeat(100_000)).set("wide", "★".repeat(40_000)).set("short", "s");
      assert.deepEqual(map.getMany(["short", "long", "none", "wide", "short"]), [
        "s",
        "l".repeat(100_000),
        undefined,
        "★".repeat(40_000),
        "s",
      ]);
    });

    test("what has expired is not there, and ttls are set", () => {
      let now = 1000;
      const clock = { now: () => 0, monotonic: () => now };
      using map = SharedMap.create<string, number>({ maxBytes, core, clock });
      map.setMany(
        [
          ["a", 1],
          ["b", 2],
        ],
        { ttl: 50 },
      );
      map.set("c", 3);
      assert.deepEqual(map.getMany(["a", "b", "c"]), [1, 2, 3]);
      now += 51;
      assert.deepEqual(map.getMany(["a", "b", "c"]), [undefined, undefined, 3]);
      assert.deepEqual(map.hasMany(["a", "b", "c"]), [false, false, true]);
    });

    test("hits and misses are counted, a key at a time", () => {
      using map = SharedMap.create<string, number>({ maxBytes, core });
      map.set("a", 1);
      map.getMany(["a", "b", "a"]);
      map.hasMany(["b", "a"]);
      assert.deepEqual([map.stats().hits, map.stats().misses], [3, 2]);
    });

    test("integers that are added to in place, with handles and without", () => {
      using map = SharedMap.create<string, number>({ maxBytes, core });
      map.add("plain", 5);
      const counter = map.counter("handle");
      counter.add(7);
      assert.deepEqual(map.getMany(["plain", "handle"]), [5, 7]);
      counter.add(1);
      map.add("plain", 1);
      assert.deepEqual(map.getMany(["handle", "plain"]), [8, 6]);
    });

    test("codecs may use the map, and so may what is iterated over", () => {
      const codec = {
        name: "curious",
        encode: (value: unknown) => Buffer.from(JSON.stringify([value, map.get("count")])),
        decode: (bytes: Uint8Array) => {
          map.get("other key");
          return JSON.parse(Buffer.from(bytes).toString())[0];
        },
      };
      using map: SharedMap<string, unknown> = SharedMap.create<string, unknown>({ maxBytes, core, codec });
      const entries = Array.from({ length: 40 }, (_, i) => [`k${i}`, { i }] as const);
      map.set("count", 1).set("other key", "something else").setMany(entries);
      function* keys(): Generator<string> {
        for (const [key] of entries) {
          map.has("other key");
          yield key;
        }
      }
      assert.deepEqual(
        map.getMany(keys()),
        entries.map(([, value]) => value),
      );
    });

    test("what is asked for stays when eviction comes", () => {
      using map = SharedMap.create<number, string>({ maxBytes: 2 ** 20, eviction: "sieve", core });
      const wanted = [1, 2, 3, 4];
      for (const key of wanted) map.set(key, "wanted");
      const random = createRandom(1);
      for (let i = 0; i < 12_000; i++) {
        map.set(1000 + random.integer(2 ** 30), "x".repeat(200));
        if (i % 50 === 0) map.getMany(wanted);
      }
      assert.ok(map.stats().evictions > 1000);
      assert.deepEqual(map.hasMany(wanted), [true, true, true, true]);
    });
  });
}

test("where one entry is refused, those before it are written, and nothing of a list that is none", () => {
  using map = SharedMap.create<string, string>({ maxValueBytes: 100 });
  const entries = [
    ["a", "1"],
    ["b", "x".repeat(101)],
    ["c", "3"],
  ] as const;
  assert.throws(() => map.setMany(entries), code("VALUE_TOO_LARGE"));
  assert.deepEqual(map.getMany(["a", "b", "c"]), ["1", undefined, undefined]);
  assert.throws(() => map.setMany([...entries.slice(0, 1), "no pair"] as never), code("OPTION_INVALID"));
  assert.throws(() => map.setMany(entries, 5000 as never), code("OPTION_INVALID"));
  for (const none of [undefined, null, "a", 7, {}]) {
    assert.throws(() => map.getMany(none as never), code("OPTION_INVALID"));
    assert.throws(() => map.setMany(none as never), code("OPTION_INVALID"));
  }
  assert.deepEqual(map.getMany([]), []);
  assert.throws(() => map.getMany(["a", "k".repeat(4097)]), code("KEY_TOO_LONG"));
  assert.throws(() => map.getMany([{}] as never), code("KEY_UNSUPPORTED"));
});

test("keys with a codec, and a map that is closed", () => {
  const map = SharedMap.create<{ id: number }, string>({ keyCodec: jsonCodec });
  map.setMany([
    [{ id: 1 }, "one"],
    [{ id: 2 }, "two"],
  ]);
  assert.deepEqual(map.getMany([{ id: 2 }, { id: 3 }, { id: 1 }]), ["two", undefined, "one"]);
  map.close();
  assert.throws(() => map.getMany([{ id: 1 }]), code("MAP_CLOSED"));
  assert.throws(() => map.hasMany([{ id: 1 }]), code("MAP_CLOSED"));
});
