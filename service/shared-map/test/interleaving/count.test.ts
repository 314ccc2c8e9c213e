/** Entries are counted by lanes: while others write, about right; whoever died where, exact when nobody does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { exploreAndTell } from "./explore-and-tell.ts";
import { filledMap } from "./filled-map.ts";
import type { Steps } from "./model-map.ts";

test("counting takes as many steps for many entries in many segments as for one", () => {
  const stepsFor = (count: number) => {
    const map = filledMap(
      Array.from({ length: count }, (_, i) => i),
      { maxUsed: 2 },
    );
    let steps = 0;
    function* counted(): Steps<number> {
      const counting = map.size();
      for (let step = counting.next(0); ; steps++) {
        if (step.done) return step.value;
        step = counting.next(yield step.value);
      }
    }
    assert.equal(map.alone(counted()), count);
    assert.equal(map.check().entries, count);
    return steps;
  };
  assert.equal(stepsFor(40), stepsFor(1));
});

test("a count while one thread adds and another deletes", (t) => {
  const map = filledMap([1, 2], { maxUsed: 7 });
  const seen = new Set<unknown>();
  exploreAndTell(t, {
    machine: map.machine,
    races: true,
    threads: { counter: () => map.size(), adder: () => map.set(2, 3, 3), deleter: () => map.delete(3, 1) },
    onEnd: ({ results }) => {
      seen.add(results.counter);
      assert.equal(map.alone(map.size()), 2);
      map.check();
    },
  });
  assert.deepEqual(seen, new Set([1, 2, 3]));
});

test("a count while what one thread adds is taken out by another: never less than nothing", (t) => {
  const map = filledMap([], { maxUsed: 7 });
  const seen = new Set<unknown>();
  exploreAndTell(t, {
    machine: map.machine,
    threads: { counter: () => map.size(), adder: () => map.set(1, 1, 1), deleter: () => map.delete(2, 1) },
    onEnd: ({ results }) => {
      seen.add(results.counter);
      assert.equal(map.alone(map.size()), map.check().entries);
    },
  });
  assert.deepEqual(seen, new Set([0, 1]));
});
