/** Clearing a map while others read, walk and write, and the death of who does it: an entry is there or it is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SPLITS } from "../../src/core/layout.ts";
import { exploreAndTell } from "./explore-and-tell.ts";
import { filledMap } from "./filled-map.ts";
import { ModelMap, type ModelMapOptions, type Steps } from "./model-map.ts";

/** The group of these keys is the first of two: the ninth has no place there. */
const pushedOn = { groupBits: 1, maxUsed: 15 };
const any = new ModelMap(pushedOn);
const keys = Array.from({ length: 50 }, (_, key) => key);
const pushing = keys.filter((key) => any.hashOf(key) >= 0).slice(0, 9);
const inTheOtherGroup = keys.find((key) => any.hashOf(key) < 0)!;

test("a map is cleared while it is walked, and while it is read", (t) => {
  const map = filledMap([1, 2, 3], { maxUsed: 2 });
  const seen = new Set<number>();
  exploreAndTell(t, {
    machine: map.machine,
    races: true,
    threads: { walker: () => map.walk(1), clearing: () => map.clear(2) },
    onEnd: ({ results }) => {
      const walked = results.walker as number[];
      assert.equal(new Set(walked).size, walked.length);
      seen.add(walked.length);
      assert.equal(map.check().entries, 0);
    },
  });
  assert.deepEqual(seen, new Set([0, 1, 2, 3]));
  exploreAndTell(t, {
    machine: map.machine,
    races: true,
    threads: { reader: () => readTwice(map), clearing: () => map.clear(2) },
    onEnd: ({ results }) => {
      const [first, second] = results.reader as (number | undefined)[];
      assert.ok(first === 1 || (first === undefined && second === undefined), `${first}, then ${second}`);
    },
  });
});

function* readTwice(map: ModelMap): Steps {
  return [yield* map.get(1, 1), yield* map.get(1, 1)];
}

test("of what is added while the map is cleared, only that is left", (t) => {
  const map = filledMap([1, 2], { maxUsed: 7 });
  const left = new Set<number>();
  exploreAndTell(t, {
    machine: map.machine,
    threads: { writer: () => map.set(1, 3, 3), clearing: () => map.clear(2) },
    onEnd: () => {
      const { entries } = map.check();
      left.add(entries);
      assert.equal(map.alone(map.has(0, 3)), entries === 1);
      assert.equal(map.alone(map.size()), entries);
    },
  });
  assert.deepEqual(left, new Set([0, 1]));
});

test("two threads clear the map: no block goes twice", (t) => {
  const map = filledMap([1, 2], { maxUsed: 7 });
  exploreAndTell(t, {
    machine: map.machine,
    threads: { one: () => map.clear(1), two: () => map.clear(2) },
    onEnd: () => assert.equal(map.check().entries, 0),
  });
});

const shapes: readonly { name: string; keys: readonly number[]; options: ModelMapOptions }[] = [
  { name: "of one group", keys: [1, 2, 3], options: { maxUsed: 7 } },
  { name: "of a group so full that a key is in the next one", keys: pushing, options: pushedOn },
  { name: "of two segments", keys: [1, 2, 3], options: { maxUsed: 2 } },
];
for (const { name, keys, options } of shapes) {
  test(`a thread that clears a map ${name} dies at any step or store: each entry is there or not, and counted`, (t) => {
    const map = filledMap(keys, { ...options, pausing: true });
    const { flagged } = exploreAndTell(t, {
      machine: map.machine,
      maxPreemptions: keys === pushing ? 0 : Number.POSITIVE_INFINITY,
      threads: { clearing: () => map.clear(1), reader: () => map.get(2, keys[0]!) },
      kill: "clearing",
      recover: () => map.recover(3, 1),
      onEnd: ({ results, hasDied }) => {
        assert.ok(results.reader === keys[0] || results.reader === undefined);
        const there = keys.filter((key) => map.alone(map.has(0, key)));
        assert.equal(map.check().entries, there.length);
        if (!hasDied) assert.deepEqual(there, []);
        return hasDied;
      },
    });
    assert.ok(flagged > 20, "it died at each of its steps");
  });
}

test("a segment that was full is filled again after it was cleared, without being rebuilt", () => {
  const map = filledMap(pushing, pushedOn);
  const splits = () => map.machine.plain.loadF64(map.lane(0) + SPLITS);
  const before = splits();
  for (let round = 0; round < 3; round++) {
    map.alone(map.clear(0));
    for (let key = 0; key < 15; key++) map.alone(map.set(0, key, round));
  }
  assert.equal(map.check().entries, 15);
  assert.equal(splits(), before);
});

test("a counter with handles becomes 0 and stays, whether other entries are in its group or not", () => {
  for (const key of [pushing[3]!, inTheOtherGroup]) {
    const map = filledMap(pushing.slice(0, 3), pushedOn);
    map.alone(map.fix(0, key));
    map.alone(map.clear(0));
    assert.equal(map.check().entries, 1);
    assert.equal(map.alone(map.get(0, key)), 0);
  }
});
