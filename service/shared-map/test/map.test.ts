/** The map as one thread sees it: like a Map where it can be, by both cores. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { MAX_DEPTH } from "../src/core/layout.ts";
import { bufferOf } from "../src/handle.ts";
import { jsonCodec, type MapKey, SharedMap } from "../src/index.ts";

const cores = ["wasm", "typescript"] as const;
const maxBytes = 2 ** 22;

for (const core of cores) {
  describe(`by ${core}`, () => {
    test("any sequence of operations leaves what it leaves in a Map", () => {
      const key = fc.oneof(
        fc.string({ unit: "binary", maxLength: 30 }),
        fc.double(),
        fc.integer({ min: -3, max: 3 }),
        fc.bigInt({ min: -5n, max: 5n }),
      );
      const value = fc.oneof(
        fc.string({ unit: "binary", maxLength: 60 }),
        fc.double(),
        fc.bigInt(),
        fc.boolean(),
        fc.constant(null),
        fc.constant(undefined),
        fc.uint8Array({ maxLength: 40 }),
      );
      const operation = fc.oneof(
        { weight: 5, arbitrary: fc.record({ kind: fc.constant("set" as const), key, value }) },
        { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), key, value }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant("getOrInsert" as const), key, value }) },
      );
      fc.assert(
        fc.property(
          fc.array(operation, { maxLength: 200 }),
          fc.integer({ min: 0, max: 2 }),
          (operations, groupBits) => {
            using map = SharedMap.create<string | number | bigint, unknown>({ maxBytes, groupBits, core });
            const model = new Map<unknown, unknown>();
            for (const { kind, key, value } of operations) {
              if (kind === "set") {
                map.set(key, value);
                model.set(key, value);
              } else if (kind === "delete") {
                assert.equal(map.delete(key), model.delete(key));
              } else {
                if (!model.has(key)) model.set(key, value);
                assert.deepEqual(map.getOrInsert(key, value), model.get(key));
              }
            }
            assert.equal(map.size, model.size);
            for (const [key, value] of model) {
              assert.deepEqual(map.get(key as string), value);
              assert.ok(map.has(key as string));
            }
            const walked = new Map(map);
            assert.equal(walked.size, model.size);
            for (const [key, value] of walked) assert.deepEqual(value, model.get(key));
            map.check();
          },
        ),
        { numRuns: core === "wasm" ? 150 : 30 },
      );
    });

    test("many keys, in segments that split, with deletions", () => {
      using map = SharedMap.create<number, number>({ maxBytes: 2 ** 23, core });
      const count = core === "wasm" ? 50_000 : 4000;
      for (let i = 0; i < count; i++) map.set(i, -i);
      for (let i = 0; i < count; i += 3) assert.equal(map.delete(i), true);
      for (let i = 0; i < count; i++) assert.equal(map.get(i), i % 3 === 0 ? undefined : -i);
      assert.equal(map.size, count - Math.ceil(count / 3));
      assert.equal([...map.keys()].length, map.size);
      map.check();
      map.clear();
      assert.equal(map.size, 0);
      assert.deepEqual([...map], []);
      map.check();
    });

    test("keys of different types are different keys, bytes are compared by content", () => {
      using map = SharedMap.create<MapKey, string>({ maxBytes, core });
      map
        .set(1, "number")
        .set("1", "string")
        .set(1n, "bigint")
        .set(new Uint8Array([49]), "bytes")
        .set("\u0100", "wide");
      assert.deepEqual(
        [map.get(1), map.get("1"), map.get(1n), map.get(new Uint8Array([49])), map.get("\u0100")],
        ["number", "string", "bigint", "bytes", "wide"],
      );
      assert.equal(map.set(Number.NaN, "NaN").get(Number.NaN), "NaN");
      assert.equal(map.set(-0, "zero").get(0), "zero");
      assert.equal(map.get(-1n), undefined);
      assert.equal(map.size, 7);
      assert.equal(map.set("", "empty").get(""), "empty");
    });

    test("forEach has its this, and a map its name", () => {
      using map = SharedMap.create<MapKey, number>({ maxBytes, core });
      map.set("a", 1);
      const seen: unknown[] = [];
      map.forEach(function (this: unknown, value, key) {
        seen.push(this, value, key);
      }, seen);
      assert.deepEqual(seen, [seen, 1, "a"]);
      assert.equal(Object.prototype.toString.call(map), "[object SharedMap]");
    });

    test("entries are counted, whichever thread adds them and whichever takes them out, also after it has closed", () => {
      using map = SharedMap.create<MapKey, number>({ maxBytes, maxThreads: 3, core });
      using adding = SharedMap.attach<MapKey, number>(map.handle);
      const removing = SharedMap.attach<MapKey, number>(map.handle);
      for (let i = 0; i < 20; i++) adding.set(i, i);
      for (let i = 0; i < 5; i++) removing.delete(i);
      assert.deepEqual([map.size, adding.size, removing.size], [15, 15, 15]);
      removing.close();
      assert.equal(map.size, 15);
      using heir = SharedMap.attach<MapKey, number>(map.handle);
      heir.set(0, 0).set(0, 1).delete(7);
      assert.deepEqual([map.size, heir.size, [...map].length], [15, 15, 15]);
      map.check();
    });

    test("what is cleared is not used any more", () => {
      using map = SharedMap.create<MapKey, string>({ maxBytes, core });
      const before = map.stats().usedBytes;
      for (let i = 0; i < 1000; i++) map.set(i, "v".repeat(500));
      const full = map.stats().usedBytes;
      map.clear();
      const left = map.stats().usedBytes;
      assert.ok(full - before > 500_000 && left - before < 50_000, `${before}, ${full}, ${left}`);
    });

    test("a near cache gives the same as the map, and the same object while it is current", () => {
      using map = SharedMap.create<MapKey, object>({ maxBytes, nearCache: 2, codec: jsonCodec, core });
      using other = SharedMap.attach<MapKey, object>(map.handle, { codec: jsonCodec });
      map.set("a", { n: 1 });
      assert.equal(map.get("a"), map.get("a"));
      other.set("a", { n: 2 });
      assert.deepEqual(map.get("a"), { n: 2 });
      other.delete("a");
      assert.equal(map.get("a"), undefined);
      other.set("b", { n: 3 }).set("c", { n: 4 }).set("d", { n: 5 });
      for (const key of ["b", "c", "d", "b"]) assert.ok(map.get(key));
    });

    test("a near cache does not keep what a segment that cannot grow has evicted for another key", () => {
      using map = SharedMap.create<MapKey, string>({
        maxBytes,
        nearCache: 50,
        eviction: "sieve",
        groupBits: 0,
        core,
      });
      // Segments of two bits at most: 32 places.
      new Int32Array(bufferOf(map.handle.memory))[MAX_DEPTH >> 2] = 2;
      for (let i = 0; i < 200; i++) {
        map.set(i, `value ${i}`);
        for (let key = Math.max(0, i - 40); key <= i; key++)
          assert.equal(map.get(key), map.peek(key), `${key}`);
      }
      assert.ok(map.stats().evictions >= 168);
      map.check();
    });
  });
}

test("two attachments of one thread see the same map, and close by themselves", () => {
  const map = SharedMap.create<MapKey, number>({ maxThreads: 2 });
  const other = SharedMap.attach<MapKey, number>(map.handle);
  other.set("a", 1);
  assert.equal(map.get("a"), 1);
  assert.equal(map.stats().threads, 2);
  map.close();
  map.close();
  assert.equal(other.get("a"), 1);
  using again = SharedMap.attach<MapKey, number>(other.handle);
  assert.equal(again.get("a"), 1);
  other.close();
});

test("the same operations leave the same memory, byte for byte, by both cores", () => {
  const images = cores.map((core) => {
    using map = SharedMap.create<MapKey, string | number>({
      maxBytes: 2 ** 20,
      groupBits: 1,
      eviction: "sieve",
      core,
    });
    const memory = map.handle.memory;
    // One seed for both: the hash's key is at bytes 8 to 15.
    const buffer = memory instanceof SharedArrayBuffer ? memory : memory.buffer;
    new Int32Array(buffer).fill(7, 2, 4);
    let state = 1;
    const next = (limit: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    for (let i = 0; i < 20_000; i++) {
      const key = `key ${next(3000)}`;
      const choice = next(10);
      if (choice < 5) map.set(key, "v".repeat(next(2) === 0 ? next(40) : next(40_000)));
      else if (choice < 7) map.delete(key);
      else if (choice < 8) map.add(`n${key}`, next(9));
      else map.get(key);
    }
    map.check();
    const end = (new Int32Array(buffer)[36 >> 2]! + new Int32Array(buffer)[388 >> 2]! * 65_536) >>> 0;
    return Buffer.from(new Uint8Array(buffer, 0, end));
  });
  assert.equal(images[0]!.length, images[1]!.length);
  assert.ok(images[0]!.length > 2 ** 20);
  assert.ok(images[0]!.equals(images[1]!));
});
