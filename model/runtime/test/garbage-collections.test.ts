/** What collections of a run come to, and that they are heard of. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { collectGarbage } from "@cupel/base";
import {
  type CollectionsSeen,
  collectionsText,
  summariseCollections,
} from "../src/memory/garbage-collections.ts";
import { watchCollections } from "../src/memory/watch-collections.ts";

const MB = 1e6;

/** Major collections that come after so many seconds each and free so much. */
function seen(...each: readonly (readonly [after: number, freed: number])[]): CollectionsSeen {
  let at = 0;
  return {
    majors: each.map(([after, freed]) => {
      at += after;
      return { at, surviving: 21 * MB, freed };
    }),
    stride: 1,
    counts: { major: each.length, minor: 70 },
    pauses: { total: 41, longest: 9 },
  };
}

const times = (count: number, after: number, freed: number) =>
  Array.from({ length: count }, () => [after, freed] as const);

test("steady collections are counted, with their interval, pauses and what survives", () => {
  const found = summariseCollections(seen(...times(14, 12, 20 * MB)));
  assert.deepEqual([found.interval, found.surviving, found.isStrained], [12, 21 * MB, false]);
  assert.equal(
    collectionsText(found),
    "The whole heap was collected 14 times, once in 12.0 s, and what is new 70 times, for 41.0 ms in all (9.00 at most); 21.0 MB survive.",
  );
});

test("one of so many that is kept stands for all: the interval is that of all", () => {
  const found = summariseCollections({ ...seen(...times(9, 12, MB)), stride: 4 });
  assert.equal(found.interval, 3);
});

test("more often and freeing less is told; either alone is not", () => {
  const early = times(6, 12, 20 * MB);
  const found = summariseCollections(seen(...early, ...times(6, 2, 3 * MB)));
  assert.equal(found.isStrained, true);
  assert.match(
    collectionsText(found),
    /more often and free less: 3\.00 MB once in 2\.00 s, in the first half 20\.0 MB once in 12\.0 s\. Memory is running out\.$/,
  );
  for (const later of [times(6, 2, 20 * MB), times(6, 12, 3 * MB)]) {
    assert.equal(summariseCollections(seen(...early, ...later)).isStrained, false);
  }
});

test("a run without one, and one too short to compare", () => {
  const none = summariseCollections(seen());
  assert.deepEqual([none.interval, none.surviving, none.pace], [null, null, null]);
  assert.match(collectionsText(none), /^The whole heap was never collected; what is new was, 70 times/);
  assert.match(
    collectionsText(summariseCollections(seen([3, MB]))),
    /^The whole heap was collected once, and/,
  );
});

test("collections of this thread are heard of", async () => {
  using watch = watchCollections();
  let garbage: object | null = Array.from({ length: 1e5 }, (_, i) => ({ i }));
  const { heapUsed, external } = process.memoryUsage();
  watch.heldNow(heapUsed + external);
  garbage = null;
  for (let i = 0; i < 3; i++) collectGarbage();
  while (watch.major < 3) await setImmediate();
  const { majors, pauses } = watch.seen();
  assert.equal(garbage, null);
  assert.equal(majors.length, 3);
  assert.ok(majors[0]!.freed > 1 * MB, `${majors[0]!.freed}`);
  assert.ok(pauses.longest > 0 && pauses.total >= pauses.longest);
});
