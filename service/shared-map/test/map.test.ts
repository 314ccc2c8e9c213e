/** The map as one thread sees it: like a Map where it can be, by both cores. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { Attachment } from "../src/attachment.ts";
import { ANYTHING, CONFLICT } from "../src/core/layout.ts";
import { jsonCodec, type MapKey, SharedMap, structuredCodec } from "../src/index.ts";

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

    test("values come back as they were, from nothing to several chunks, lone surrogates included", () => {
      using map = SharedMap.create<MapKey, unknown>({ maxBytes: 2 ** 24, core });
      const texts = ["", "a", "\xff", "\u0100", "\ud800", "e\u0301\u{1f600}"];
      const lengths = [1, 20, 21, 4096, 28_631, 28_632, 28_633, 32_736, 65_472, 65_473, 1_000_000];
      for (const value of [...texts, ...lengths.flatMap((n) => ["x".repeat(n), "\u20ac".repeat(n)])]) {
        assert.equal(map.set("k", value).get("k"), value);
      }
      const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
      assert.deepEqual(map.set("k", bytes).get("k"), bytes);
      for (const value of [
        0,
        -0,
        1e308,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        0n,
        -(2n ** 200n),
        true,
        false,
        null,
      ]) {
        assert.ok(Object.is(map.set("k", value).get("k"), value), String(value));
      }
      assert.equal(map.set("k", undefined).get("k"), undefined);
      assert.equal(map.has("k"), true);
      map.check();
    });

    test("values without bytes, behind keys that fill their blocks, touch no other block", () => {
      using map = SharedMap.create<MapKey, boolean | string | null>({ maxBytes, core });
      for (let length = 1; length <= 64; length++) {
        const keys = Array.from({ length: 20 }, (_, i) => String(i).padEnd(length, "-"));
        for (const key of keys) map.set(key, null);
        for (const key of keys.toReversed()) map.set(key, true).set(key, "").set(key, false);
        for (const key of keys) assert.equal(map.get(key), false);
        map.check();
      }
    });

    test("bytes of another realm are bytes: as key, as value, and from a codec", () => {
      const bytes: Uint8Array = runInNewContext("new Uint8Array([1, 2])");
      assert.ok(!(bytes instanceof Uint8Array));
      const codec = {
        name: "foreign",
        encode: (): Uint8Array => runInNewContext("new Uint8Array([7])"),
        decode: (stored: Uint8Array) => [...stored],
      };
      using map = SharedMap.create<MapKey, unknown>({ maxBytes, core, codec });
      map.set(bytes, bytes).set("long", runInNewContext("new Uint8Array(100_000).fill(3)")).set("coded", {});
      assert.deepEqual(map.get(new Uint8Array([1, 2])), new Uint8Array([1, 2]));
      assert.deepEqual(map.get("long"), new Uint8Array(100_000).fill(3));
      assert.deepEqual(map.get("coded"), [7]);
      assert.equal(map.counter(runInNewContext("new Uint8Array([5])")).add(), 1);
    });

    test("a bytes value is a copy, in and out", () => {
      using map = SharedMap.create<MapKey, Uint8Array>({ maxBytes, core });
      const bytes = new Uint8Array([1, 2]);
      map.set("k", bytes);
      bytes[0] = 9;
      const out = map.get("k")!;
      out[1] = 9;
      assert.deepEqual(map.get("k"), new Uint8Array([1, 2]));
    });

    test("compute replaces, makes and deletes; what it throws changes nothing", () => {
      using map = SharedMap.create<MapKey, string | number>({ maxBytes, core });
      assert.equal(
        map.compute("n", (n) => (n === undefined ? 1 : -1)),
        1,
      );
      assert.equal(
        map.compute("n", (n) => Number(n) + 1),
        2,
      );
      assert.throws(
        () =>
          map.compute("n", () => {
            throw new Error("mine");
          }),
        /mine/,
      );
      assert.equal(map.get("n"), 2);
      assert.equal(
        map.compute("n", () => undefined),
        undefined,
      );
      assert.equal(map.has("n"), false);
      assert.equal(
        map.compute("n", () => undefined),
        undefined,
      );
    });

    test("a compute that changes its own key under way starts again", () => {
      using map = SharedMap.create<MapKey, number>({ maxBytes, core });
      let calls = 0;
      const made = map.compute("n", (n) => {
        if (calls++ === 0) map.set("n", 10);
        return (n ?? 0) + 1;
      });
      assert.deepEqual([made, calls, map.get("n")], [11, 2, 11]);
      // The same value again, at the same address perhaps: still another entry.
      calls = 0;
      map.compute("n", (n) => {
        if (calls++ === 0) for (let i = 0; i < 100; i++) map.set("n", i).set("n", 11);
        return n! + 1;
      });
      assert.deepEqual([calls, map.get("n")], [2, 12]);
    });

    test("add and counters: integers that others see at once", () => {
      using map = SharedMap.create<MapKey, number | string>({ maxBytes, core });
      assert.equal(map.add("a"), 1);
      assert.equal(map.add("a", 41), 42);
      assert.equal(map.set("b", 5).add("b", -7), -2);
      const counter = map.counter("a");
      assert.equal(counter.add(2 ** 40), 2 ** 40 + 42);
      assert.equal(map.get("a"), counter.value);
      assert.equal(map.add("a", -42), 2 ** 40);
      assert.equal(map.counter("a"), counter);
      map.set("a", 7);
      assert.equal(counter.value, 7);
      assert.equal(
        map.compute("a", (n) => Number(n) * 3),
        21,
      );
      assert.equal(counter.add(), 22);
      assert.equal(map.delete("a"), true);
      assert.equal(counter.value, 0);
      counter.add(5);
      map.clear();
      assert.equal(counter.value, 0);
      assert.equal(counter.add(), map.get("a"));
      map.check();
    });

    test("a counter whose handles are all closed is an entry like others, with its value", () => {
      using map = SharedMap.create<MapKey, number>({ maxBytes, core });
      using other = SharedMap.attach<MapKey, number>(map.handle);
      const bytes = () => new Uint8Array([1, 2]);
      const mine = map.counter(bytes());
      assert.equal(map.counter(bytes()), mine, "one handle for equal bytes");
      const theirs = other.counter(bytes());
      mine.add(5);
      mine.close();
      mine.close();
      assert.throws(() => mine.add(), /closed/);
      assert.throws(() => mine.value, /closed/);
      map.delete(bytes());
      assert.equal(map.has(bytes()), true, "another thread has a handle");
      assert.equal(theirs.add(7), 7);
      theirs.close();
      assert.equal(map.get(bytes()), 7);
      assert.equal(map.add(bytes(), 1), 8);
      assert.equal(map.delete(bytes()), true);
      assert.equal(map.has(bytes()), false);
      {
        using again = map.counter("text");
        again.add(2);
      }
      assert.equal(map.touch("text", 5), true);
      assert.equal(map.expiresIn("text") !== Number.POSITIVE_INFINITY, true);
      assert.equal(other.counter("text").add(), 3);
      other.close();
      map.clear();
      assert.equal(map.size, 0, "a map that is closed has no handles");
      map.check();
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

    test("codecs: values and keys of other types", () => {
      const date = new Date(7);
      using map = SharedMap.create<unknown, unknown>({
        maxBytes,
        codec: structuredCodec,
        keyCodec: jsonCodec,
        core,
      });
      map.set({ id: 1 }, date).set(["a", 2], new Map([[1, new Set([2])]]));
      assert.deepEqual(map.get({ id: 1 }), date);
      assert.deepEqual(map.get(["a", 2]), new Map([[1, new Set([2])]]));
      assert.deepEqual(
        new Set([...map.keys()].map((key) => JSON.stringify(key))),
        new Set(['{"id":1}', '["a",2]']),
      );
    });

    test("a codec may use the map itself", () => {
      const codec = {
        name: "counting",
        encode(value: unknown) {
          map.add("encoded");
          return Buffer.from(JSON.stringify(value));
        },
        decode(bytes: Uint8Array): unknown {
          map.add("decoded");
          return JSON.parse(Buffer.from(bytes).toString());
        },
      };
      using map: SharedMap<unknown, unknown> = SharedMap.create<unknown, unknown>({
        maxBytes,
        codec,
        keyCodec: codec,
        core,
      });
      map.set({ k: 1 }, { v: 1 });
      assert.deepEqual(map.get({ k: 1 }), { v: 1 });
      const walked = [...map].filter(([key]) => typeof key === "object");
      assert.deepEqual(walked, [[{ k: 1 }, { v: 1 }]]);
      assert.deepEqual(
        map.compute({ k: 1 }, (value) => ({ old: value })),
        { old: { v: 1 } },
      );
      map.check();
    });
  });
}

test("a conditional write is not deceived by an entry that came to lie where the expected one lay", () => {
  using map = SharedMap.create<MapKey, number>({ maxBytes });
  const thread = new Attachment(map.handle, {});
  const put = (value: number, expected: number, generation: number) => {
    const keyMeta = thread.putKey("k");
    return thread.write(keyMeta, thread.values.put(value), 0, expected, generation, 0);
  };
  put(0, ANYTHING, 0);
  thread.read("k", undefined);
  const { found, foundGeneration } = thread;
  let writes = 0;
  do {
    put(++writes, ANYTHING, 0);
    thread.read("k", undefined);
  } while (thread.found !== found && writes < 100_000);
  assert.equal(thread.found, found, "the block was used again");
  assert.equal(put(-1, found, foundGeneration), CONFLICT);
  assert.equal(map.get("k"), writes);
  assert.equal(put(-1, found, thread.foundGeneration), 0);
  thread.detach();
});

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
