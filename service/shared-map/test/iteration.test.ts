/**
 * G3: iteration while other threads grow, delete, add and assign. The interleavings are explored one by one in
 * interleaving/; here real threads run, on segments of 8 slots, which split all the time.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedMap } from "../src/index.ts";
import { createControl, go, startThread } from "./threads/start.ts";

const kept = 2000;
const passing = 6000;
const iterated = 10_000_000;

test("ten million entries iterated under grow, delete and assign", { timeout: 280_000 }, async (t) => {
  let visited = 0;
  let walks = 0;
  let splits = 0;
  // A new map from time to time: tables grow, they do not shrink.
  while (visited < iterated) {
    using map = SharedMap.create<number, number>({ maxBytes: 2 ** 24, groupBits: 0 });
    for (let key = 0; key < kept; key++) map.set(key, key);
    const control = createControl();
    const threads = await Promise.all(
      [1, 2].map((seed) => startThread(map, "disturb", { control, kept, passing, seed: seed + walks })),
    );
    go(threads);
    const seen = new Int32Array(kept + passing);
    const cursor = map.cursor();
    for (let round = 1; round <= 250; round++, walks++) {
      cursor.reset();
      let present = 0;
      while (cursor.next()) {
        const { key, value } = cursor;
        assert.equal(value, key);
        assert.ok(key >= 0 && key < kept + passing, `${key} was never added`);
        assert.notEqual(seen[key], round, `${key} came twice`);
        seen[key] = round;
        if (key < kept) present++;
        visited++;
      }
      assert.equal(present, kept, "every key that was there throughout comes once");
    }
    Atomics.store(control, 0, 1);
    await Promise.all(threads.map(({ done }) => done));
    splits += map.stats().splits;
    assert.equal([...map.keys()].length, map.size);
    map.check();
  }
  t.diagnostic(
    `${visited} entries in ${walks} walks while two threads wrote; ${splits} segments split or rebuilt`,
  );
});

test("an iterator rests across await, and neither holds up nor is disturbed by what happens meanwhile", async () => {
  using map = SharedMap.create<number, number>({ maxBytes: 2 ** 20, groupBits: 1 });
  for (let key = 0; key < 100; key++) map.set(key, 0);
  const seen: number[] = [];
  for (const [key] of map) {
    seen.push(key);
    // All of the memory is written many times over, and the table grows.
    for (let i = 0; i < 300; i++) map.set(100 + ((seen.length * 300 + i) % 3000), i).delete(100 + i);
    for (let stays = 0; stays < 100; stays++) map.set(stays, seen.length);
    if (seen.length % 10 === 0) await new Promise(setImmediate);
  }
  assert.deepEqual(
    seen.filter((key) => key < 100).sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.equal(new Set(seen).size, seen.length);
});

test("a key deleted before it is reached does not come, one deleted and added again comes at most once", () => {
  using map = SharedMap.create<number, number>({ maxBytes: 2 ** 20, groupBits: 1 });
  for (let key = 0; key < 500; key++) map.set(key, key);
  const seen: number[] = [];
  for (const key of map.keys()) {
    seen.push(key);
    for (let other = 0; other < 500; other += 2) map.delete(other);
    map.delete(key);
    map.set(key, -1);
  }
  const even = seen.filter((key) => key % 2 === 0);
  assert.ok(even.length <= 1, "only an even key that came first can come");
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(seen.filter((key) => key % 2 === 1).length, 250);
});
