import assert from "node:assert/strict";
import { test } from "node:test";
import { explore } from "./explorer.ts";
import { replay } from "./schedule.ts";
import { isExactlyOnce, scenarioOf, type Variant } from "./three-words.ts";

/** Each with whether the model is expected to break. */
const variants: readonly (readonly [Variant, breaks: boolean])[] = ([1, 2] as const).flatMap((grows) => {
  const bucketsFirst = ["buckets", "oldbuckets", "nevacuate"] as const;
  const bucketsLast = ["oldbuckets", "nevacuate", "buckets"] as const;
  const oldFirst = ["oldbuckets", "buckets", "nevacuate"] as const;
  return [
    [{ name: "buckets first", loads: bucketsFirst, stores: bucketsFirst, grows }, true],
    [{ name: "buckets first, stored last", loads: bucketsFirst, stores: bucketsLast, grows }, grows === 2],
    [{ name: "oldbuckets first, stored second", loads: oldFirst, stores: bucketsFirst, grows }, true],
    [{ name: "oldbuckets first, stored first", loads: oldFirst, stores: bucketsLast, grows }, true],
    [{ name: "one root word", grows }, false],
  ] as const;
});

test("three words that are loaded atomically do not make iteration safe; one word does", (t) => {
  t.diagnostic(
    "iterator loads / grower stores                                    grows    schedules   violations",
  );
  for (const [variant, breaks] of variants) {
    const scenario = scenarioOf(variant);
    const onEnd = ({ results }: { results: Readonly<Record<string, unknown>> }) =>
      !isExactlyOnce(results.iterator);
    const found = explore({ ...scenario, onEnd, reduce: false });
    assert.equal(found.flaggedSchedules! > 0, breaks, variant.name);
    const order = (words: readonly string[] | undefined) => words?.join(" ") ?? "root";
    t.diagnostic(
      `${`${order(variant.loads)} / ${order(variant.stores)}`.padEnd(66)}${variant.grows}` +
        `${String(found.schedules).padStart(16)}${String(found.flaggedSchedules).padStart(13)}`,
    );
    // With reduction the schedules cannot be counted, but what can happen is the same.
    assert.equal(explore({ ...scenario, onEnd }).flagged > 0, breaks, variant.name);
  }
});

test("the root word's descriptors are published without a race", () => {
  for (const [variant] of variants) explore({ ...scenarioOf(variant), races: true });
});

// The array of 2 buckets is at 2000, that of 4 at 4000. A bucket's bits are its keys: 1 is key 0, 2 is 1, 4 is 2.

/** Lines as the explorer prints them: the thread before the colon goes, and this is what it does and gets. */
function replayLines(variant: Variant, lines: readonly string[]): unknown {
  const schedule = lines.map((line) => line.slice(0, line.indexOf(":")));
  const { steps, run } = replay(scenarioOf(variant), schedule);
  assert.deepEqual(steps, lines);
  return run.results.iterator;
}

const bucketsFirst = variants[0]![0];
const storedLastOnce = variants[1]![0];

test("the shortest way to break it: an iteration that finds nothing", (t) => {
  const lines = [
    // A new array is in force, and nothing says yet that the old one has the entries.
    "grower: atomicStore(buckets, 4000) -> 0",
    "iterator: atomicLoad(buckets) -> 4000",
    "iterator: atomicLoad(oldbuckets) -> 0",
    "iterator: atomicLoad(nevacuate) -> 0",
    "iterator: atomicLoad(bucket 0 of 4) -> 0",
    "iterator: atomicLoad(bucket 1 of 4) -> 0",
    "iterator: atomicLoad(bucket 2 of 4) -> 0",
    "iterator: atomicLoad(bucket 3 of 4) -> 0",
  ];
  assert.deepEqual(replayLines(bucketsFirst, lines), []);
  for (const line of lines) t.diagnostic(line);
  // Nothing shorter: the explorer finds the same with one preemption, and nothing without any.
  const onEnd = ({ results }: { results: Readonly<Record<string, unknown>> }) =>
    !isExactlyOnce(results.iterator);
  const scenario = scenarioOf(bucketsFirst);
  assert.equal(explore({ ...scenario, onEnd, maxPreemptions: 0 }).flagged, 0);
  const { shortestFlagged } = explore({ ...scenario, onEnd, maxPreemptions: 1, reduce: false, merge: false });
  assert.deepEqual(replay(scenario, shortestFlagged!.slice(0, lines.length)).steps, lines);
});

test("stored in the other order it takes two growths: the words are of two different ones", () => {
  const lines = [
    "iterator: atomicLoad(buckets) -> 2000",
    // One growth from beginning to end ...
    "grower: atomicStore(oldbuckets, 2000) -> 0",
    "grower: atomicStore(nevacuate, 0) -> 0",
    "grower: atomicStore(buckets, 4000) -> 0",
    "grower: atomicStore(bucket 0 of 4, 1) -> 0",
    "grower: atomicStore(bucket 2 of 4, 4) -> 0",
    "grower: atomicStore(nevacuate, 1) -> 0",
    "grower: atomicStore(bucket 1 of 4, 2) -> 0",
    "grower: atomicStore(bucket 3 of 4, 0) -> 0",
    "grower: atomicStore(nevacuate, 2) -> 0",
    "grower: atomicStore(oldbuckets, 0) -> 0",
    // ... and the next one begins.
    "grower: atomicStore(oldbuckets, 4000) -> 0",
    "grower: atomicStore(nevacuate, 0) -> 0",
    "iterator: atomicLoad(oldbuckets) -> 4000",
    "iterator: atomicLoad(nevacuate) -> 0",
    // By `buckets` there are two buckets to visit, and they are to be read in the array of four. Key 2 is not in them.
    "iterator: atomicLoad(bucket 0 of 4) -> 1",
    "iterator: atomicLoad(bucket 1 of 4) -> 2",
  ];
  assert.deepEqual(replayLines({ ...storedLastOnce, grows: 2 }, lines), [0, 1]);
});
