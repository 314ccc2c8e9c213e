/** G2 and G4: the table grows a segment at a time, while others read. Figures of time are told, not asserted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedMap } from "../src/index.ts";
import { createControl, go, startThread } from "./threads/start.ts";

const from = 1000;
const to = 5_000_000;

test("from a thousand to five million entries under a reader", { timeout: 280_000 }, async (t) => {
  using map = SharedMap.create<number, number>({ maxBytes: 2 ** 30 });
  for (let key = 0; key < from; key++) map.set(key, key);
  const control = createControl();
  const progress = new Int32Array(new SharedArrayBuffer(4));
  Atomics.store(progress, 0, from);
  const threads = await Promise.all([1].map((seed) => startThread(map, "read", { control, seed, progress })));
  go(threads);
  const longest = new Float64Array(10);
  const started = performance.now();
  for (let key = from; key < to; key++) {
    const before = performance.now();
    map.set(key, key);
    const took = performance.now() - before;
    if (took > longest[0]!) {
      longest[0] = took;
      longest.sort();
    }
    if (key % 1000 === 999) Atomics.store(progress, 0, key + 1);
  }
  const seconds = (performance.now() - started) / 1000;
  Atomics.store(control, 0, 1);
  const read = (await Promise.all(threads.map(({ done }) => done))) as { reads: number; longestUs: number }[];
  const { splits, usedBytes, memoryBytes, size } = map.stats();
  assert.equal(size, to);
  for (let key = 0; key < to; key += 97) assert.equal(map.get(key), key);
  const us = [...longest].reverse().map((ms) => (ms * 1000).toFixed(0));
  t.diagnostic(
    `${to} entries in ${seconds.toFixed(1)} s, ${splits} splits; longest ten writes ${us.join(", ")} us; ` +
      `${read.map(({ reads }) => reads).join(" and ")} reads meanwhile, all right, the longest ${read.map(({ longestUs }) => longestUs.toFixed(0)).join(" and ")} us, ` +
      "being put aside by the system included",
  );
  t.diagnostic(
    `${(usedBytes / size).toFixed(1)} bytes an entry (number to number), ${(memoryBytes / size).toFixed(1)} with free blocks and tables`,
  );
});
