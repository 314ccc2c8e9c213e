/** A thread is told what its calls evict or find expired: soon, not in the middle of a call, and what is lost is counted. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type EvictionEvent, jsonCodec, type MapKey, SharedMap } from "../src/index.ts";

const maxBytes = 2 ** 20;
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
type Event = EvictionEvent<MapKey, unknown>;

for (const core of ["wasm", "typescript"] as const) {
  describe(`by ${core}`, () => {
    const manual = (more: object = {}) => {
      const time = { now: 1000 };
      const clock = { now: () => 0, monotonic: () => time.now };
      const map = SharedMap.create<MapKey, unknown>({ maxBytes, core, clock, codec: jsonCodec, ...more });
      const events: Event[] = [];
      const listening = map.onEviction((event) => events.push(event));
      return { map, time, events, listening };
    };

    test("what is evicted is told, with its key and value, once, and later", async () => {
      const { map, events } = manual({ eviction: "sieve", maxEntries: 50 });
      for (let i = 0; i < 120; i++) map.set(i, { i });
      map.counter("counts");
      map.delete(119);
      map.set(118, "replaced");
      assert.deepEqual(events, [], "not while the call runs");
      await turn();
      assert.equal(events.length, 71, "what is deleted or replaced is not evicted");
      for (const { key, value, reason } of events) {
        assert.deepEqual([value, reason], [{ i: key }, "evicted"]);
        assert.equal(map.has(key), false);
      }
      assert.equal(new Set(events.map(({ key }) => key)).size, 71);
      map.close();
    });

    test("what has expired is told when it is come upon: swept, purged, replaced, deleted", async () => {
      const { map, time, events } = manual({ groupBits: 0 });
      const keys: MapKey[] = ["text", "\u0100", 5, 7n, new Uint8Array([1, 2])];
      for (const key of keys) map.set(key, key, { ttl: 5 });
      map.add("count", 3, { ttl: 5 });
      map.set("long", "x".repeat(2000), { ttl: 5 }).set("longer", "x".repeat(100_000), { ttl: 5 });
      map.set("replaced", 1, { ttl: 5 }).set("deleted", 2, { ttl: 5 }).set("lives", 1);
      time.now += 5;
      assert.equal(map.get("text"), undefined);
      map.set("replaced", 2);
      assert.equal(map.delete("deleted"), false);
      map.purgeStale();
      await turn();
      assert.ok(events.every(({ reason }) => reason === "expired"));
      const told = new Map(events.map(({ key, value }) => [String(key), value]));
      assert.equal(events.length, told.size);
      assert.deepEqual(
        told,
        new Map<string, unknown>([
          ...events.map(({ key }): [string, unknown] => [String(key), told.get(String(key))]),
          ...keys.map((key): [string, unknown] => [String(key), key]),
          ["count", 3],
          ["long", undefined],
          ["longer", undefined],
          ["replaced", 1],
          ["deleted", 2],
        ]),
      );
      assert.equal(map.stats().expirations, 10);
      map.check();
      map.close();
    });

    test("each listener is told until it ends, a thread of its own calls only", async () => {
      const { map, events, listening } = manual({ eviction: "sieve", maxEntries: 10 });
      using other = SharedMap.attach<MapKey, unknown>(map.handle, { codec: jsonCodec });
      const second: Event[] = [];
      const ending = map.onEviction((event) => second.push(event));
      for (let i = 0; i < 15; i++) map.set(i, i);
      for (let i = 0; i < 10; i++) other.set(`other ${i}`, i);
      await turn();
      assert.deepEqual([events.length, second.length], [5, 5]);
      ending[Symbol.dispose]();
      map.set("k", 1);
      await turn();
      assert.deepEqual([events.length, second.length], [6, 5]);
      listening[Symbol.dispose]();
      for (let i = 0; i < 15; i++) map.set(i, i);
      await turn();
      assert.equal(events.length, 6);
      assert.equal(map.stats().eventsLost, 0, "nobody listened");
      map.close();
      assert.throws(() => map.onEviction(() => {}), /closed/);
    });

    test("of a closed map the last is told; what one call finds more than there is room for is counted", async () => {
      const { map, events } = manual({ eviction: "sieve", maxEntries: 10 });
      for (let i = 0; i < 700; i++) map.set(i, i);
      map.close();
      await turn();
      assert.equal(events.length, 690);
      const second = manual({ groupBits: 7 });
      for (let i = 0; i < 3000; i++) second.map.set(i, "v".repeat(100), { ttl: 5 });
      second.time.now += 5;
      const purged = second.map.purgeStale();
      await turn();
      const { eventsLost, expirations } = second.map.stats();
      assert.ok(purged === expirations && eventsLost > 0, `${eventsLost} of ${expirations}`);
      assert.equal(second.events.length + eventsLost, expirations);
      second.map.close();
    });
  });
}

test("while a thread does not get to its event loop, 10,000 wait, and the others are counted", async () => {
  using map = SharedMap.create<MapKey, number>({ maxBytes, eviction: "sieve", maxEntries: 10 });
  let told = 0;
  map.onEviction(() => told++);
  for (let i = 0; i < 11_010; i++) map.set(i, i);
  await turn();
  assert.deepEqual([told, map.stats().eventsLost], [10_000, 1000]);
});

test("a listener may use the map, and one that throws breaks neither it nor other listeners", async (t) => {
  using map = SharedMap.create<MapKey, number>({ maxBytes, eviction: "sieve", maxEntries: 10 });
  const told: MapKey[] = [];
  map.onEviction(() => {
    throw new Error("a listener's");
  });
  map.onEviction(({ key }) => {
    told.push(key);
    if (told.length < 50) map.set(`more ${told.length}`, 1);
  });
  const listeners = process.listeners("uncaughtException");
  const uncaught: unknown[] = [];
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (thrown) => uncaught.push(thrown));
  t.after(() => {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  });
  for (let i = 0; i < 11; i++) map.set(i, i);
  for (let i = 0; i < 100 && told.length < 50; i++) await turn();
  assert.ok(told.length >= 50);
  assert.ok(uncaught.length > 0 && uncaught.every((thrown) => /a listener's/.test(String(thrown))));
  assert.equal(map.size, 10);
  map.check();
});
