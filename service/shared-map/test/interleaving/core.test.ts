/**
 * The core's own text, every interleaving of it: no schedule of these threads breaks what is promised. States
 * that different schedules reach are explored once; the counts are printed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GENERATIONS, PAGE_CARVED, PAGE_TABLE } from "../../src/core/layout.ts";
import { preemptions, skipLong } from "../long-tests.ts";
import { assertWalk } from "./assert-walk.ts";
import { exploreAndTell } from "./explore-and-tell.ts";
import { filledMap } from "./filled-map.ts";
import type { ModelMap, Steps } from "./model-map.ts";

/** Whether some block was handed out twice: more allocations than blocks. */
function hasReuse(map: ModelMap, before: { allocations: number; blocks: number }): boolean {
  return map.word(GENERATIONS) - before.allocations > blocksOf(map) - before.blocks;
}

function blocksOf(map: ModelMap): number {
  return [0, 1, 2, 3].reduce(
    (sum, page) => sum + map.word(map.word(PAGE_TABLE) + page * 32 + PAGE_CARVED),
    0,
  );
}

function countsOf(map: ModelMap): { allocations: number; blocks: number } {
  return { allocations: map.word(GENERATIONS), blocks: blocksOf(map) };
}

test("a walk while its segment splits", (t) => {
  const map = filledMap([1, 2, 3], { maxUsed: 3 });
  exploreAndTell(t, {
    machine: map.machine,
    races: true,
    threads: { walker: () => map.walk(1), writer: () => map.set(2, 4, 4) },
    onEnd: ({ results }) => {
      assertWalk(results.walker, [1, 2, 3], [4]);
      map.check();
    },
  });
});

test("a walk while a key is deleted and added again, in the block it had or another", (t) => {
  const map = filledMap([1, 2], { maxUsed: 7, movesEpochs: true });
  const before = countsOf(map);
  function* writer(): Steps<void> {
    for (let i = 0; i < 3; i++) {
      yield* map.delete(2, 1);
      yield* map.set(2, 1, i);
    }
  }
  const { flagged } = exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(2),
    // A block that came free too soon would be written while the walker reads it.
    races: true,
    threads: { walker: () => map.walk(1), writer },
    onEnd: ({ results }) => {
      assertWalk(results.walker, [2], [1]);
      map.check();
      return hasReuse(map, before);
    },
  });
  assert.ok(flagged > 0, "blocks were used again in some schedules");
});

test("a walk while its segment splits, a key is deleted and added again, and blocks are used again", (t) => {
  const map = filledMap([1, 2], { maxUsed: 2, movesEpochs: true });
  const before = countsOf(map);
  function* writer(): Steps<void> {
    yield* map.set(2, 3, 3);
    yield* map.delete(2, 3);
    yield* map.set(2, 3, 3);
    yield* map.set(2, 1, 1);
  }
  const { flagged } = exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(2),
    threads: { walker: () => map.walk(1), writer },
    onEnd: ({ results }) => {
      assertWalk(results.walker, [1, 2], [3]);
      map.check();
      return hasReuse(map, before);
    },
  });
  assert.ok(flagged > 0, "blocks were used again in some schedules");
});

test("a walk while one thread splits its segment and another deletes and adds", (t) => {
  const map = filledMap([1, 2], { maxUsed: 2 });
  function* passing(): Steps<void> {
    yield* map.delete(3, 1);
    yield* map.set(3, 1, 1);
  }
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(1, 2),
    threads: { walker: () => map.walk(1), splitter: () => map.set(2, 3, 3), passing },
    onEnd: ({ results }) => {
      assertWalk(results.walker, [2], [1, 3]);
      map.check();
    },
  });
});

test("two threads add the same new key: one entry", (t) => {
  const map = filledMap([1], { maxUsed: 7 });
  exploreAndTell(t, {
    machine: map.machine,
    threads: { one: () => map.set(1, 5, 10), two: () => map.set(2, 5, 20) },
    onEnd: () => {
      assert.equal(map.check().entries, 2);
      assert.ok([10, 20].includes(map.alone(map.get(0, 5))!));
    },
  });
});

test("a segment that one thread has just made is split by another at once", (t) => {
  const map = filledMap([1, 2], { maxUsed: 2 });
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(1, 2),
    // The hashes of all of them begin with the same bit, so that what comes of the first split is full again.
    threads: { one: () => map.set(1, 3, 3), two: () => map.set(2, 11, 11) },
    onEnd: () => {
      assert.equal(map.check().entries, 4);
      for (const key of [1, 2, 3, 11]) assert.equal(map.alone(map.get(0, key)), key);
    },
  });
});

test("two threads compute on one key at once: no update is lost", (t) => {
  const map = filledMap([1], { maxUsed: 7 });
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(2, 4),
    threads: { one: () => map.increment(1, 1), two: () => map.increment(2, 1) },
    onEnd: ({ results }) => {
      assert.equal(map.alone(map.get(0, 1)), 3);
      assert.deepEqual([results.one, results.two].sort(), [2, 3]);
      map.check();
    },
  });
});

test("two threads set an absent key if it is absent, while a third deletes it: one at a time does", (t) => {
  const map = filledMap([1, 2], { maxUsed: 7 });
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 2,
    threads: {
      one: () => map.setIfAbsent(1, 3, 10),
      two: () => map.setIfAbsent(2, 3, 20),
      deleter: () => map.delete(3, 3),
    },
    onEnd: ({ results: { one, two, deleter } }) => {
      assert.ok(one || two, "it was absent");
      if (!deleter) assert.notEqual(one, two);
      const left = map.alone(map.get(0, 3));
      if (one && two) assert.ok(deleter && (left === 10 || left === 20));
      else assert.equal(left, deleter ? undefined : one ? 10 : 20);
      map.check();
    },
  });
});

test("a reader that has seen a new value never sees the old one after it, also across a split", (t) => {
  const map = filledMap([1, 2], { maxUsed: 2 });
  function* writer(): Steps<void> {
    yield* map.set(2, 3, 3);
    yield* map.set(2, 1, 100);
  }
  function* reader(): Steps {
    return [yield* map.get(1, 1), yield* map.get(1, 1)];
  }
  exploreAndTell(t, {
    machine: map.machine,
    races: true,
    threads: { reader, writer },
    onEnd: ({ results }) => {
      const [first, second] = results.reader as number[];
      assert.ok([1, 100].includes(first!) && [1, 100].includes(second!), `${first}, ${second}`);
      assert.ok(!(first === 100 && second === 1), "back in time");
    },
  });
});

for (const name of ["read", "walk"] as const) {
  test(`whatever a writer does or leaves undone, a ${name} finishes: it waits for nobody`, (t) => {
    const map = filledMap([1, 2], { maxUsed: 2 });
    const found = exploreAndTell(t, {
      machine: map.machine,
      // A read is explored whole; a walk, which takes ten times as long, where that is asked for.
      maxPreemptions: name === "read" ? Number.POSITIVE_INFINITY : preemptions(1),
      kill: "writer",
      threads: {
        reader: (): Steps => (name === "read" ? map.get(1, 1) : map.walk(1)),
        writer: () => map.set(2, 3, 3),
      },
      onEnd: ({ results, blocked, hasDied }) => {
        assert.deepEqual(blocked, []);
        if (name === "read") assert.equal(results.reader, 1);
        else assertWalk(results.reader, [1, 2], [3]);
        return hasDied;
      },
    });
    assert.equal(found.timeouts, 0, "nobody slept");
    assert.ok(found.flagged > 0);
  });
}

/** So often that the chunks of the first are freed. */
function* replaceLong(map: ModelMap): Steps<void> {
  for (let i = 0; i < 5; i++) yield* map.setLong(1, 3);
}

const dying: readonly { name: string; maxUsed: number; act: (map: ModelMap) => Steps }[] = [
  { name: "adds a key", maxUsed: 7, act: (map) => map.set(1, 3, 3) },
  { name: "splits a segment", maxUsed: 2, act: (map) => map.set(1, 3, 3) },
  { name: "overwrites a value", maxUsed: 7, act: (map) => map.set(1, 1, 100) },
  { name: "deletes a key", maxUsed: 7, act: (map) => map.delete(1, 1) },
  { name: "walks", maxUsed: 7, act: (map) => map.walk(1) },
  { name: "adds a value of several chunks", maxUsed: 7, act: (map) => map.setLong(1, 3) },
  { name: "replaces values of several chunks", maxUsed: 7, act: replaceLong },
];

for (const { name, maxUsed, act } of dying) {
  test(`a thread that ${name} dies at any step or store: its locks are free, no block is lost, the map is whole`, (t) => {
    const map = filledMap([1, 2], { maxUsed, pausing: true, movesEpochs: true });
    const found = exploreAndTell(t, {
      machine: map.machine,
      threads: { victim: () => act(map), reader: () => map.get(2, 2) },
      kill: "victim",
      recover: () => map.recover(3, 1),
      onEnd: ({ results, hasDied }) => {
        assert.equal(results.reader, 2);
        const { entries } = map.check();
        const one = map.alone(map.get(0, 1));
        assert.ok(one === undefined || one === 1 || one === 100);
        assert.equal(entries, 1 + Number(one !== undefined) + Number(map.alone(map.has(0, 3))));
        return hasDied;
      },
    });
    assert.ok(found.flagged > 20, "it died at each of its steps");
  });
}

const besides = [
  {
    name: "writes to the same segment: the other goes on after the recovery",
    key: 1,
    value: 100,
    skip: false,
  },
  { name: "splits what it has made: both segments are accounted for", key: 11, value: 11, skip: skipLong },
];
for (const { name, key, value, skip } of besides) {
  test(`a thread dies while another ${name}`, { skip }, (t) => {
    const map = filledMap([1, 2], { maxUsed: 2 });
    exploreAndTell(t, {
      machine: map.machine,
      maxPreemptions: preemptions(0, 1),
      threads: { victim: () => map.set(1, 3, 3), other: () => map.set(2, key, value) },
      kill: "victim",
      recover: () => map.recover(3, 1),
      onEnd: () => {
        map.check();
        for (const there of [1, 2, key])
          assert.equal(map.alone(map.get(0, there)), there === key ? value : there);
      },
    });
  });
}
