/** Bad input: each has its code, says what to do, and changes nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CupelError } from "@cupel/base";
import { FREE_UNITS, HEAP_LOCK } from "../src/core/layout.ts";
import { bufferOf } from "../src/handle.ts";
import {
  jsonCodec,
  type MapKey,
  SharedMap,
  type SharedMapErrorCode,
  type SharedMapHandle,
  structuredCodec,
} from "../src/index.ts";

type AnyMap = SharedMap<unknown, unknown>;

const cases: readonly [string, SharedMapErrorCode | "OPTION_INVALID", (map: AnyMap) => unknown][] = [
  ["a key of more than 4,096 characters", "KEY_TOO_LONG", (map) => map.set("k".repeat(4097), 1)],
  [
    "a key of more than 2,048 characters beyond Latin-1",
    "KEY_TOO_LONG",
    (map) => map.get("\u20ac".repeat(2049)),
  ],
  ["a key of too many bytes", "KEY_TOO_LONG", (map) => map.has(new Uint8Array(4097))],
  ["a bigint key of too many digits", "KEY_TOO_LONG", (map) => map.delete(1n << 40_000n)],
  ["an object as key without a codec", "KEY_UNSUPPORTED", (map) => map.set({ a: 1 }, 1)],
  ["undefined as key", "KEY_UNSUPPORTED", (map) => map.get(undefined)],
  ["a symbol as key", "KEY_UNSUPPORTED", (map) => map.get(Symbol("s"))],
  ["a value larger than the map takes", "VALUE_TOO_LARGE", (map) => map.set("kept", "v".repeat(300_000))],
  ["bytes larger than the map takes", "VALUE_TOO_LARGE", (map) => map.set("kept", new Uint8Array(300_000))],
  [
    "a computed value that is too large",
    "VALUE_TOO_LARGE",
    (map) => map.compute("kept", () => "v".repeat(300_000)),
  ],
  ["an object without a codec", "VALUE_UNSUPPORTED", (map) => map.set("kept", {})],
  ["a function as value", "VALUE_UNSUPPORTED", (map) => map.set("kept", () => 1)],
  ["a ttl of nothing", "OPTION_INVALID", (map) => map.set("kept", 1, { ttl: 0 })],
  ["a ttl that is no number", "OPTION_INVALID", (map) => map.set("kept", 1, { ttl: Number.NaN })],
  ["a ttl that is another word", "OPTION_INVALID", (map) => map.set("kept", 1, { ttl: "never" as never })],
  ["milliseconds in place of options", "OPTION_INVALID", (map) => map.set("kept", 1, 5000 as never)],
  ["the same of add", "OPTION_INVALID", (map) => map.add("n", 1, 5000 as never)],
  ["the same of compute", "OPTION_INVALID", (map) => map.compute("kept", () => 1, 5000 as never)],
  ["null in place of options", "OPTION_INVALID", (map) => map.getOrInsert("n", 1, null as never)],
  ["a fraction added", "NOT_A_COUNTER", (map) => map.add("n", 0.5)],
  ["an addition to a text", "NOT_A_COUNTER", (map) => map.add("kept")],
  ["an addition to a fraction", "NOT_A_COUNTER", (map) => map.set("f", 0.5).add("f")],
  ["a handle to a text as counter", "NOT_A_COUNTER", (map) => map.counter("kept")],
  ["a fraction added by handle", "NOT_A_COUNTER", (map) => map.counter("n").add(0.5)],
  ["a sum beyond 2^53", "COUNTER_OVERFLOW", (map) => [map.add("n", 2 ** 53 - 1), map.add("n", 1)]],
  ["one below -2^53", "COUNTER_OVERFLOW", (map) => [map.set("n", -(2 ** 53 - 1)), map.add("n", -1)]],
  [
    "a sum beyond 2^53 by handle",
    "COUNTER_OVERFLOW",
    (map) => [map.counter("n").add(2 ** 53 - 1), map.counter("n").add(2 ** 53 - 1)],
  ],
  [
    "a text in place of a counter with handles",
    "COUNTER_FIXED",
    (map) => [map.counter("n"), map.set("n", "t")],
  ],
];

for (const [name, code, act] of cases) {
  test(`${name}: ${code}`, () => {
    using map: AnyMap = SharedMap.create<unknown, unknown>({ maxBytes: 2 ** 20 });
    map.set("kept", "as it was");
    assert.throws(() => act(map), hasCode(code));
    assert.equal(map.get("kept"), "as it was");
    map.check();
  });
}

function hasCode(code: SharedMapErrorCode | "OPTION_INVALID"): (thrown: unknown) => true {
  return (thrown) => {
    assert.ok(thrown instanceof CupelError, String(thrown));
    assert.equal(thrown.code, code);
    assert.match(thrown.message, /\.$/);
    return true;
  };
}

test("a codec that throws, or gives no bytes: CODEC_FAILED, with the cause", () => {
  const broken = {
    name: "broken",
    encode: (value: unknown) => {
      if (value === null) throw new Error("no");
      return "text" as unknown as Uint8Array;
    },
    decode: () => {
      throw new Error("cannot");
    },
  };
  using map = SharedMap.create<unknown, unknown>({ codec: broken, keyCodec: broken });
  assert.throws(() => map.set("k", {}), hasCode("CODEC_FAILED"));
  assert.throws(() => map.get(null), hasCode("CODEC_FAILED"));
  assert.equal(map.size, 0);
  using good = SharedMap.create<MapKey, unknown>({ codec: { ...broken, encode: () => new Uint8Array(3) } });
  good.set("k", {}).set("long", [1]);
  assert.throws(() => good.get("k"), hasCode("CODEC_FAILED"));
  assert.throws(() => [...good], hasCode("CODEC_FAILED"));
  good.set("k", 1);
  good.check();
});

test("JSON refuses what it would make {} of, wherever it is, and keeps what is empty", () => {
  using map = SharedMap.create<MapKey, unknown>({ codec: jsonCodec });
  const emptied: readonly unknown[] = [
    new Map([[1, 2]]),
    new Set([1]),
    Promise.resolve(1),
    new Error("e"),
    /a/,
    new ArrayBuffer(8),
    { deep: [{ er: new Map() }] },
    Symbol("s"),
    () => 1,
  ];
  for (const value of emptied) assert.throws(() => map.set("k", value), hasCode("CODEC_FAILED"));
  assert.equal(map.has("k"), false);
  const kept: readonly unknown[] = [{}, { a: {} }, [{}], { text: "{}" }, { when: "x", list: [] }];
  for (const value of kept) assert.deepEqual(map.set("k", value).get("k"), value);
});

test("a map itself is not sent or cloned in place of its handle", () => {
  using map = SharedMap.create();
  const { port1, port2 } = new MessageChannel();
  assert.throws(() => structuredClone(map), { name: "DataCloneError" });
  assert.throws(() => port1.postMessage({ map }), { name: "DataCloneError" });
  port1.postMessage(map.handle);
  port1.close();
  port2.close();
});

const options: readonly [string, object][] = [
  ["maxBytes below a mebibyte", { maxBytes: 1000 }],
  ["maxBytes beyond 4 GiB", { maxBytes: 2 ** 33 }],
  ["maxBytes that is no whole number", { maxBytes: 2 ** 20 + 0.5 }],
  ["a policy of eviction that does not exist", { eviction: "lru" }],
  ["more threads than lanes can be", { maxThreads: 5000 }],
  ["a negative near cache", { nearCache: -1 }],
  ["a value larger than 128 MiB", { maxValueBytes: 2 ** 28 }],
  ["a negative ttl", { ttl: -5 }],
];

for (const [name, given] of options) {
  test(`${name}: OPTION_INVALID`, () => {
    assert.throws(() => SharedMap.create(given), hasCode("OPTION_INVALID"));
  });
}

test("what is no handle, or one that has lost its memory: HANDLE_FOREIGN", () => {
  using map = SharedMap.create();
  const { handle } = map;
  const foreign: unknown[] = [
    undefined,
    null,
    42,
    {},
    { ...handle, kind: "other" },
    { ...handle, memory: undefined },
    { ...handle, memory: new ArrayBuffer(100) },
    { ...handle, memory: new SharedArrayBuffer(8), module: null },
    { ...handle, memory: new SharedArrayBuffer(65_536), module: null },
    JSON.parse(JSON.stringify(handle)),
  ];
  for (const given of foreign) {
    assert.throws(() => SharedMap.attach(given as SharedMapHandle), hasCode("HANDLE_FOREIGN"));
  }
});

test("a map of another layout: VERSION_MISMATCH", () => {
  using map = SharedMap.create();
  const { handle } = map;
  assert.throws(() => SharedMap.attach({ ...handle, version: 99 }), hasCode("VERSION_MISMATCH"));
  const words = new Int32Array(bufferOf(handle.memory));
  words[1]!++;
  assert.throws(() => SharedMap.attach(handle), hasCode("VERSION_MISMATCH"));
  words[1]!--;
});

test("other codecs than the map was created with: CODEC_MISMATCH", () => {
  using map = SharedMap.create({ codec: jsonCodec });
  using plain = SharedMap.create();
  assert.throws(() => SharedMap.attach(map.handle), hasCode("CODEC_MISMATCH"));
  assert.throws(() => SharedMap.attach(map.handle, { codec: structuredCodec }), hasCode("CODEC_MISMATCH"));
  assert.throws(() => SharedMap.attach(plain.handle, { keyCodec: jsonCodec }), hasCode("CODEC_MISMATCH"));
  SharedMap.attach(map.handle, { codec: jsonCodec }).close();
});

test("more attachments than the map was created for: TOO_MANY_THREADS, until one is closed", () => {
  using map = SharedMap.create<MapKey, number>({ maxThreads: 2 });
  const second = SharedMap.attach<MapKey, number>(map.handle);
  assert.throws(() => SharedMap.attach(map.handle), hasCode("TOO_MANY_THREADS"));
  second.close();
  SharedMap.attach(map.handle).close();
});

test("every use after close: MAP_CLOSED, and no other thread's lane is touched", () => {
  const map = SharedMap.create<MapKey, number>({ maxThreads: 1 });
  map.set("a", 1);
  const counter = map.counter("n");
  const cursor = map.cursor();
  const { handle } = map;
  map.close();
  using heir = SharedMap.attach<MapKey, number>(handle);
  const uses: readonly (() => unknown)[] = [
    () => map.get("a"),
    () => map.has("a"),
    () => map.set("a", 2),
    () => map.delete("a"),
    () => map.clear(),
    () => map.size,
    () => map.add("n"),
    () => map.compute("a", () => 2),
    () => map.getOrInsert("a", 2),
    () => map.counter("n"),
    () => map.expiresIn("a"),
    () => [...map],
    () => cursor.next(),
    () => counter.add(),
    () => counter.value,
    () => map.stats(),
    () => map.check(),
    () => map.touch("a"),
    () => map.handle,
  ];
  for (const use of uses) assert.throws(use, hasCode("MAP_CLOSED"), String(use));
  assert.equal(heir.get("a"), 1);
  heir.check();
});

test("a lock that a thread which does not run holds: MAP_BUSY for writes, while reads go on", () => {
  using map = SharedMap.create<MapKey, number>({ maxBytes: 2 ** 20 });
  map.set("a", 1);
  const words = new Int32Array(bufferOf(map.handle.memory));
  words[HEAP_LOCK >> 2] = 5;
  assert.throws(() => map.set("a", 2), hasCode("MAP_BUSY"));
  assert.equal(map.get("a"), 1);
  words[HEAP_LOCK >> 2] = 0;
  assert.equal(map.set("a", 3).get("a"), 3);
  map.check();
});

test("a damaged memory: check says what is wrong, as MAP_CORRUPT", () => {
  using map = SharedMap.create<number, number>({ maxBytes: 2 ** 20 });
  for (let i = 0; i < 100; i++) map.set(i, i);
  const words = new Int32Array(bufferOf(map.handle.memory));
  words[FREE_UNITS >> 2]! += 6;
  assert.throws(() => map.check(), hasCode("MAP_CORRUPT"));
  words[FREE_UNITS >> 2]! -= 6;
  map.check();
});
