/**
 * A thread dies and nobody is there whose duty it would be to recover what it held: whoever needs that does, on a
 * proof. Without a proof, as when the thread is only stopped, nobody takes anything.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  BUSY,
  DIRECTORY_LOCK,
  HEAP_LOCK,
  RESERVATION,
  SEGMENT_HELD,
  SEGMENT_LOCK,
} from "../../src/core/layout.ts";
import { areLongTestsAsked } from "../long-tests.ts";
import { exploreAndTell } from "./explore-and-tell.ts";
import { type Exploration, explore } from "./explorer.ts";
import { filledMap } from "./filled-map.ts";
import type { ModelMap, Steps } from "./model-map.ts";

/** In the order in which one waits for the other: the locks that a thread holds. */
function locksOf(map: ModelMap, thread: number): string[] {
  const owner = thread + 1;
  const isHeld = (word: number) => (map.word(word) & 0xffff) === owner;
  const segment = map.word(map.lane(thread) + SEGMENT_HELD);
  return [
    ...(segment !== 0 && isHeld(segment + SEGMENT_LOCK) ? ["segment"] : []),
    ...(isHeld(DIRECTORY_LOCK) ? ["directory"] : []),
    ...(isHeld(HEAP_LOCK) ? ["heap"] : []),
  ];
}

function checkAfter(map: ModelMap): void {
  map.alone(map.recoverDead(4));
  map.check();
}

const dying: readonly { name: string; maxUsed: number; act: (map: ModelMap) => Steps }[] = [
  { name: "adds a key", maxUsed: 7, act: (map) => map.set(1, 3, 3) },
  { name: "splits a segment", maxUsed: 2, act: (map) => map.set(1, 3, 3) },
  { name: "deletes a key", maxUsed: 7, act: (map) => map.delete(1, 1) },
  { name: "adds a value of several chunks", maxUsed: 7, act: (map) => map.setLong(1, 3) },
];

/** It dies at each of its steps while another writes to key 1, which is then one of `left`. */
function dieBesideWriter(
  t: TestContext,
  map: ModelMap,
  act: () => Steps,
  maxPreemptions: number,
  left: readonly (number | undefined)[],
): Exploration {
  const found = exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions,
    threads: { victim: act, other: () => map.set(2, 1, 100) },
    kill: "victim",
    onDeath: () => map.proveDead(1),
    onEnd: ({ hasDied }) => {
      assert.ok(left.includes(map.alone(map.get(0, 1))));
      assert.equal(map.alone(map.get(0, 2)), 2);
      checkAfter(map);
      return hasDied && map.word(RESERVATION) === 0;
    },
  });
  assert.ok(found.flagged > 20, "it died at each of its steps, and nothing stayed reserved");
  return found;
}

for (const { name, maxUsed, act } of dying) {
  test(`a thread that ${name} dies at any step or store: the next writer recovers it and goes on`, (t) => {
    const map = filledMap([1, 2], { maxUsed, pausing: true, movesEpochs: true });
    // What comes before the death in the other thread is another test's: here it begins when it needs a lock.
    const left = name === "deletes a key" ? [100, undefined] : [100];
    const found = dieBesideWriter(t, map, () => act(map), 0, left);
    assert.ok(found.timeouts > 0, "its locks were waited for");
  });
}

test("a thread that has a key reserved dies at any step: who waits to write the key goes on", (t) => {
  const map = filledMap([1, 2], { maxUsed: 7, movesEpochs: true });
  dieBesideWriter(t, map, () => map.setReserved(1, 1, 50), 1, [50, 100]);
});

test("two threads need what a dead one held: one recovers it, at once, and both go on", (t) => {
  const map = filledMap([1, 2], { maxUsed: 2, movesEpochs: true });
  let steps = 0;
  // To where it has its segment's lock and the directory's.
  for (; !locksOf(map, 1).includes("directory"); steps++) {
    map.machine.reset();
    map.abandon(map.set(1, 3, 3), steps);
  }
  map.proveDead(1);
  map.machine.snapshot();
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 1,
    threads: { one: () => map.set(2, 1, 100), two: () => map.set(3, 2, 200) },
    onEnd: () => {
      assert.equal(map.alone(map.get(0, 1)), 100);
      assert.equal(map.alone(map.get(0, 2)), 200);
      checkAfter(map);
    },
  });
});

test("who recovers a dead thread dies at any of its steps too: the third one recovers both", (t) => {
  const died = { first: 0, second: 0, segment: 0, directory: 0, heap: 0 };
  const every = areLongTestsAsked ? 1 : 17;
  for (let steps = 1; ; steps += every) {
    const map = filledMap([1, 2], { maxUsed: 2, movesEpochs: true });
    if (!map.abandon(map.set(1, 3, 3), steps)) break;
    for (const lock of locksOf(map, 1)) died[lock as "heap"]++;
    map.proveDead(1);
    map.machine.snapshot();
    const { flagged } = explore({
      machine: map.machine,
      maxPreemptions: 0,
      threads: { victim: () => map.set(2, 1, 100), third: () => map.set(3, 2, 200) },
      kill: "victim",
      onDeath: () => map.proveDead(2),
      onEnd: ({ hasDied }) => {
        const one = map.alone(map.get(0, 1));
        assert.ok(one === 1 || one === 100);
        assert.equal(map.alone(map.get(0, 2)), 200);
        checkAfter(map);
        return hasDied;
      },
    });
    died.first++;
    died.second += flagged;
  }
  t.diagnostic(
    `the first died at ${died.first} of its steps, at ${died.segment} with a segment's lock, ${died.directory} the directory's, ` +
      `${died.heap} the heap's; the second ${died.second} times`,
  );
  assert.ok(died.segment > 0 && died.directory > 0 && died.heap > 0 && died.second > 100);
});

test("a thread that is stopped at any step keeps what it holds: others are refused, and take nothing", (t) => {
  const map = filledMap([1, 2], { maxUsed: 2, movesEpochs: true });
  const held = new Set<string>();
  let atDeath: string[] = [];
  const { flagged } = exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 0,
    threads: { stopped: () => map.set(1, 3, 3), other: () => map.trySet(2, 1, 100) },
    // To the others it looks the same, but that nothing proves it.
    kill: "stopped",
    onDeath: () => {
      atDeath = locksOf(map, 1);
    },
    onEnd: ({ results, hasDied }) => {
      if (!hasDied) return assert.equal(results.other, 0);
      assert.deepEqual(locksOf(map, 1), atDeath, "what it held it holds");
      for (const lock of atDeath) held.add(lock);
      if (results.other === BUSY) assert.ok(atDeath.length > 0, "refused, though no lock was held");
      return results.other === BUSY;
    },
  });
  assert.deepEqual(held, new Set(["segment", "directory", "heap"]));
  assert.ok(flagged > 10, "others were refused");
});
