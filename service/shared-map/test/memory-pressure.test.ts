/** What happens when memory is full: entries go by policy or writes are refused, and nothing breaks in the middle. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import { LANE_BYTES, LANES, PIN } from "../src/core/layout.ts";
import { bufferOf } from "../src/handle.ts";
import { type MapKey, SharedMap } from "../src/index.ts";
import { areLongTestsAsked } from "./long-tests.ts";
import { createControl, go, startThread } from "./threads/start.ts";

const mebibyte = 2 ** 20;
const isFull = (thrown: unknown) => (thrown as { code?: string }).code === "MAP_FULL";

test("a full map that evicts takes every write, and stays within its memory", () => {
  using map = SharedMap.create<MapKey, string>({ maxBytes: mebibyte, eviction: "sieve" });
  for (let i = 0; i < 200_000; i++) {
    map.set(`key ${i}`, `value ${i}`);
    assert.equal(map.get(`key ${i}`), `value ${i}`);
  }
  const { memoryBytes, maxBytes, evictions, size } = map.stats();
  assert.ok(
    memoryBytes <= maxBytes + 4 * mebibyte,
    `${memoryBytes} bytes: the tables of a small map are larger than it`,
  );
  assert.ok(evictions > 150_000 && size > 5000, `${evictions} evictions, ${size} entries`);
  map.check();
});

test("what is stored may change from small to large and back: memory follows", () => {
  for (const eviction of ["sieve", "none"] as const) {
    using map = SharedMap.create<MapKey, string>({
      maxBytes: 2 * mebibyte,
      eviction,
      maxValueBytes: mebibyte,
    });
    const sizes = [8, 20_000, 300, 400_000, 40, 5000, 28_632, 28_633, 1];
    for (const size of sizes) {
      const value = "v".repeat(size);
      if (eviction === "none") map.clear();
      const count = Math.min(20_000, Math.floor((0.5 * 2 * mebibyte) / (size + 150)));
      for (let i = 0; i < count; i++) map.set(`${size}-${i}`, value);
      assert.equal(map.get(`${size}-${count - 1}`), value);
      map.check();
    }
  }
});

test("a full map that does not evict refuses, changes nothing, and takes writes again after deletions", () => {
  using map = SharedMap.create<MapKey, string>({ maxBytes: mebibyte });
  let count = 0;
  assert.throws(() => {
    for (; ; count++) map.set(`key ${count}`, `value ${count}`);
  }, isFull);
  assert.ok(count > 8000, `${count} entries in a mebibyte`);
  assert.equal(map.has(`key ${count}`), false);
  assert.throws(() => map.set("key 7", "x".repeat(1000)), isFull);
  for (let i = 0; i < count; i++) assert.equal(map.get(`key ${i}`), `value ${i}`);
  map.check();
  for (let i = 0; i < count; i += 2) map.delete(`key ${i}`);
  for (let i = 0; i < count; i += 4) map.set(`key ${i}`, `again ${i}`);
  map.check();
});

test("a full map that does not evict takes a value in the place of one as large, of any size, and no new key", () => {
  for (const length of [0, 300, 5000, 28_000]) {
    using map = SharedMap.create<MapKey, string>({ maxBytes: mebibyte });
    const value = (i: number, round: number) => `${i}/${round}`.padEnd(length, "-");
    let count = 0;
    assert.throws(() => {
      for (; ; count++) map.set(count, value(count, 0));
    }, isFull);
    for (let round = 1; round <= 2; round++) {
      for (let i = 0; i < count; i++) map.set(i, value(i, round));
      assert.throws(() => map.set(count, value(count, 0)), isFull);
    }
    for (let i = 0; i < count; i++) map.compute(i, (old) => old!.replace("/", ":"));
    for (let i = 0; i < count; i++) assert.equal(map.touch(i, 60_000), true);
    for (let i = 0; i < count; i++) assert.equal(map.get(i), value(i, 2).replace("/", ":"));
    map.set(0, "");
    map.check();
  }
});

test("memory left over by small entries becomes room for a large one, though no page of it is free", () => {
  using map = SharedMap.create<MapKey, string>({ maxBytes: mebibyte });
  let count = 0;
  assert.throws(() => {
    for (; ; count++) map.set(`key ${count}`, `value ${count}`);
  }, isFull);
  for (let i = 0; i < count; i++) if (i % 8 !== 0) map.delete(`key ${i}`);
  map.set("large", "l".repeat(200_000));
  assert.equal(map.get("large"), "l".repeat(200_000));
  for (let i = 0; i < count; i += 8) assert.equal(map.get(`key ${i}`), `value ${i}`);
  map.check();
});

test("entries that expired make room even where nothing is evicted", async () => {
  let now = 1_000_000;
  using map = SharedMap.create<MapKey, string>({
    maxBytes: mebibyte,
    clock: { now: () => now, monotonic: () => now },
  });
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 6000; i++) map.set(`${round}-${i}`, "v", { ttl: 50 });
    now += 51;
    assert.equal(map.has(`${round}-1`), false);
  }
  assert.ok(map.stats().expirations > 20_000);
  map.check();
});

test("an iterator left in the middle holds nothing: millions of writes go on in the same memory", () => {
  using map = SharedMap.create<number, number>({ maxBytes: mebibyte });
  for (let key = 0; key < 4000; key++) map.set(key, key);
  const cursors = Array.from({ length: 100 }, () => map.cursor());
  for (const cursor of cursors) cursor.next();
  const before = map.stats().memoryBytes;
  for (let i = 0; i < 1_000_000; i++) map.set(i % 4000, i);
  assert.ok(map.stats().memoryBytes - before < 100_000);
  assert.ok(cursors.every((cursor) => cursor.next()));
  map.check();
});

test("a thread stopped in the middle of a read delays writes when memory is full, then they are refused, and nothing breaks", () => {
  for (const eviction of ["sieve", "none"] as const) {
    using map = SharedMap.create<number, number>({ maxBytes: mebibyte, eviction });
    using other = SharedMap.attach<number, number>(map.handle);
    for (let key = 0; key < 2000; key++) other.set(key, key);
    const words = new Int32Array(bufferOf(map.handle.memory));
    const lane = words[LANES >> 2]! + LANE_BYTES;
    // As if the second thread had been put aside in this epoch: the first lane is the map's own.
    words[(lane + PIN) >> 2] = 1;
    let written = 0;
    assert.throws(() => {
      for (; written < 10_000_000; written++) map.set(written % 2000, written);
    }, isFull);
    for (let key = 0; key < 2000; key++) {
      const value = map.get(key);
      assert.ok(eviction === "sieve" ? value === undefined || value % 2000 === key : value! % 2000 === key);
    }
    assert.equal(
      map.stats().stalls,
      1000,
      "milliseconds, and no more for memory that is kept for overwriting",
    );
    words[(lane + PIN) >> 2] = 0;
    for (let i = 0; i < 10_000; i++) map.set(i % 2000, i);
    map.check();
  }
});

test("threads that write into full maps at once", async (t) => {
  for (const eviction of ["sieve", "none"] as const) {
    using map = SharedMap.create<string, string>({ maxBytes: 2 * mebibyte, eviction, groupBits: 2 });
    const control = createControl();
    const parameters = { control, keys: 30_000, longest: 100_000, mayFill: eviction === "none" };
    const threads = await Promise.all(
      [1, 2, 3].map((seed) => startThread(map, "churn", { ...parameters, seed })),
    );
    go(threads);
    await new Promise((resolve) => setTimeout(resolve, areLongTestsAsked ? 5000 : 1500));
    Atomics.store(control, 0, 1);
    await Promise.all(threads.map(({ done }) => done));
    map.check();
    const { evictions, stalls } = map.stats();
    t.diagnostic(`${eviction}: ${control[1]} operations, ${evictions} evictions, ${stalls} ms stalled`);
  }
});

test("eviction keeps what is read: on a Zipf workload about as many hits as an exact LRU of the same entries", (t) => {
  const keys = 50_000;
  const reads = 300_000;
  const weights = Array.from({ length: keys }, (_, i) => 1 / (i + 1) ** 0.9);
  const sums = new Float64Array(keys);
  weights.reduce((sum, weight, i) => {
    sums[i] = sum + weight;
    return sums[i]!;
  }, 0);
  const random = createRandom(3);
  const draw = () => {
    const at = random.uniform() * sums[keys - 1]!;
    let low = 0;
    for (let high = keys - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  using map = SharedMap.create<number, number>({ maxBytes: mebibyte, eviction: "sieve" });
  let capacity = 0;
  for (let i = 0; i < 100_000; i++) map.set(-1 - i, 0);
  capacity = map.size;
  const lru = new Map<number, number>();
  let hits = 0;
  let lruHits = 0;
  for (let i = 0; i < reads; i++) {
    const key = draw();
    if (map.get(key) === undefined) map.set(key, key);
    else hits++;
    if (lru.delete(key)) lruHits++;
    else if (lru.size >= capacity)
      for (const oldest of lru.keys()) {
        lru.delete(oldest);
        break;
      }
    lru.set(key, key);
  }
  t.diagnostic(
    `room for ${capacity} of ${keys} keys: ${((100 * hits) / reads).toFixed(1)} % hits, exact LRU ${((100 * lruHits) / reads).toFixed(1)} %`,
  );
  assert.ok(hits > 0.97 * lruHits);
});
