/** Entries written anew in the place of themselves: touched, given up as counters, overwritten where memory is full. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FRONTIER, MAX_PAGES } from "../../src/core/layout.ts";
import { preemptions } from "../long-tests.ts";
import { exploreAndTell } from "./explore-and-tell.ts";
import { filledMap } from "./filled-map.ts";
import { ModelMap, type Steps } from "./model-map.ts";

test("an entry is touched while it is overwritten: the old value does not come back", (t) => {
  const map = filledMap([1, 2]);
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(2),
    threads: { toucher: () => map.touch(1, 1, 1e9), writer: () => map.set(2, 1, 100) },
    onEnd: ({ results }) => {
      assert.equal(results.toucher, true);
      assert.equal(map.alone(map.get(0, 1)), 100);
      map.check();
    },
  });
});

test("an entry is touched while it is deleted: it stays deleted", (t) => {
  const map = filledMap([1, 2]);
  exploreAndTell(t, {
    machine: map.machine,
    threads: { toucher: () => map.touch(1, 1, 1e9), deleter: () => map.delete(2, 1) },
    onEnd: () => {
      assert.equal(map.alone(map.has(0, 1)), false);
      assert.equal(map.check().entries, 1);
    },
  });
});

const counter = 7;

/** A counter at 5 of which the threads have handles. */
function counterMap(threads: readonly number[], pausing = false) {
  const map = filledMap([1], { pausing });
  const handles = threads.map((thread) => map.alone(map.fix(thread, counter)));
  map.alone(map.addFixed(0, handles[0]!, 5));
  map.machine.snapshot();
  return { map, handles };
}

/** Without handles it is an entry like others: it can be deleted. */
function assertUnfixed(map: ModelMap): void {
  map.check();
  map.alone(map.delete(0, counter));
  assert.equal(map.alone(map.has(0, counter)), false);
}

test("two threads give up their handles to a counter while a third one sets it: then it is an entry, with that value", (t) => {
  const { map, handles } = counterMap([1, 2]);
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 2,
    threads: {
      one: () => map.unfix(1, handles[0]!),
      two: () => map.unfix(2, handles[1]!),
      three: () => map.set(3, counter, 50),
    },
    onEnd: () => {
      assert.equal(map.alone(map.get(0, counter)), 50);
      assertUnfixed(map);
    },
  });
});

test("the last handle to a counter is given up while another thread makes one: what that adds is there", (t) => {
  const { map, handles } = counterMap([1]);
  function* maker(): Steps {
    const handle = yield* map.fix(2, counter);
    yield* map.addFixed(2, handle, 10);
    return handle;
  }
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 2,
    threads: { last: () => map.unfix(1, handles[0]!), maker },
    onEnd: ({ results }) => {
      assert.equal(map.alone(map.get(0, counter)), 15);
      map.alone(map.unfix(2, results.maker as never));
      assert.equal(map.alone(map.get(0, counter)), 15);
      assertUnfixed(map);
    },
  });
});

test("a thread that gives up the last handle to a counter dies at any step or store: it has its value, and can be deleted", (t) => {
  const { map, handles } = counterMap([1], true);
  const { flagged } = exploreAndTell(t, {
    machine: map.machine,
    threads: { victim: () => map.unfix(1, handles[0]!), reader: () => map.get(2, counter) },
    kill: "victim",
    recover: () => map.recover(3, 1),
    onEnd: ({ results, hasDied }) => {
      assert.equal(results.reader, 5);
      assert.equal(map.alone(map.get(0, counter)), 5);
      map.check();
      return hasDied;
    },
  });
  assert.ok(flagged > 20, "it died at each of its steps");
});

test("a thread that deletes a counter dies at any step while its last handle is given up: it can be deleted again", (t) => {
  const { map, handles } = counterMap([2]);
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 1,
    threads: { victim: () => map.delete(1, counter), last: () => map.unfix(2, handles[0]!) },
    kill: "victim",
    recover: () => map.recover(3, 1),
    onEnd: () => assertUnfixed(map),
  });
});

const wide = 9000;

/** Memory has a page for the segments and one for seven wide values: six are there, the seventh block is for overwriting. */
function fullMap(pausing = false): ModelMap {
  const map = new ModelMap({ pausing });
  for (const key of [1, 2, 3, 4, 5, 6]) map.alone(map.setWide(0, key, wide));
  map.machine.plain.store32(MAX_PAGES, map.word(FRONTIER));
  assert.throws(() => map.alone(map.setWide(0, 7, wide)), /returned -3/);
  map.machine.snapshot();
  return map;
}

test("two threads overwrite values of a full map: each takes the block that is kept for that, or a spare page", (t) => {
  const map = fullMap();
  const pages = map.word(FRONTIER);
  const { flagged, runs } = exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(1, 2),
    threads: { one: () => map.setWide(1, 1, wide), two: () => map.setWide(2, 2, wide) },
    onEnd: () => {
      assert.equal(map.check().entries, 6);
      return map.word(FRONTIER) > pages;
    },
  });
  assert.ok(flagged > 0 && flagged < runs, "a spare page was touched in some schedules");
});

test("a thread that overwrites a value of a full map dies at any step or store: another can, and the map is whole", (t) => {
  const map = fullMap(true);
  const { flagged } = exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 0,
    threads: { victim: () => map.setWide(1, 1, wide), other: () => map.setWide(2, 1, wide) },
    kill: "victim",
    onDeath: () => map.proveDead(1),
    onEnd: ({ hasDied }) => {
      map.alone(map.recoverDead(4));
      assert.equal(map.check().entries, 6);
      return hasDied;
    },
  });
  assert.ok(flagged > 20, "it died at each of its steps");
});
