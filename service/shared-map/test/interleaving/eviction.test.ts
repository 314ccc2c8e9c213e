/**
 * Eviction, and the emptying of pages, against whatever else is under way: entries and segments are taken out
 * or moved while others read, write and walk.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EVICTIONS, PAGE_CLASS, PAGE_TABLE, RESERVE } from "../../src/core/layout.ts";
import { preemptions } from "../long-tests.ts";
import { assertWalk } from "./assert-walk.ts";
import { exploreAndTell } from "./explore-and-tell.ts";
import { filledMap } from "./filled-map.ts";
import type { ModelMap, ModelMapOptions, Steps } from "./model-map.ts";

/** A map that takes itself for nearly full: each write evicts. */
function nearlyFull(keys: readonly number[], pausing = false): ModelMap {
  const map = filledMap(keys, { evicts: true, pausing });
  map.machine.plain.store32(RESERVE, 2 ** 30);
  map.machine.snapshot();
  return map;
}

function evictionsOf(map: ModelMap): number {
  return [1, 2].reduce((sum, thread) => sum + map.machine.plain.loadF64(map.lane(thread) + EVICTIONS), 0);
}

test("an entry is evicted while it is read", (t) => {
  const map = nearlyFull([1, 2]);
  const seen = new Set<unknown>();
  exploreAndTell(t, {
    machine: map.machine,
    races: true,
    threads: { reader: () => map.get(1, 1), evictor: () => map.set(2, 3, 3) },
    onEnd: ({ results }) => {
      seen.add(results.reader);
      assert.equal(map.check().entries + evictionsOf(map), 3);
    },
  });
  assert.deepEqual(seen, new Set([1, undefined]));
});

test("entries are evicted during a walk", (t) => {
  const map = nearlyFull([1, 2]);
  exploreAndTell(t, {
    machine: map.machine,
    races: true,
    threads: { walker: () => map.walk(1), evictor: () => map.set(2, 3, 3) },
    onEnd: ({ results }) => {
      assertWalk(results.walker, [], [1, 2, 3]);
      assert.equal(map.check().entries + evictionsOf(map), 3);
    },
  });
});

test("two threads evict: no entry goes twice", (t) => {
  const map = nearlyFull([1, 2]);
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 1,
    threads: { one: () => map.set(1, 3, 3), two: () => map.set(2, 4, 4) },
    onEnd: () => assert.equal(map.check().entries + evictionsOf(map), 4),
  });
});

test("an entry is evicted while it is overwritten: the old value does not come back", (t) => {
  const map = nearlyFull([1, 2]);
  const left = new Set<unknown>();
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 1,
    threads: { evictor: () => map.set(1, 3, 3), writer: () => map.set(2, 1, 100) },
    onEnd: () => {
      left.add(map.alone(map.get(0, 1)));
      map.check();
    },
  });
  assert.deepEqual(left, new Set([100, undefined]));
});

test("a block that is to be evicted is another key's when the evictor comes to it", (t) => {
  const map = nearlyFull([1, 2]);
  const keys = [4, 5, 6, 7, 8, 9];
  function* writer(): Steps<void> {
    for (const key of keys) yield* map.set(2, key, key);
  }
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 1,
    threads: { evictor: () => map.set(1, 3, 3), writer },
    onEnd: () => assert.equal(map.check().entries + evictionsOf(map), 3 + keys.length),
  });
});

test("a thread that evicts dies at any step or store: no block is lost, the map is whole", (t) => {
  const map = nearlyFull([1], true);
  const { flagged } = exploreAndTell(t, {
    machine: map.machine,
    threads: { victim: () => map.set(1, 3, 3), reader: () => map.get(2, 1) },
    kill: "victim",
    recover: () => map.recover(3, 1),
    onEnd: ({ results, hasDied }) => {
      assert.ok(results.reader === 1 || results.reader === undefined);
      map.check();
      return hasDied;
    },
  });
  assert.ok(flagged > 20, "it died at each of its steps");
});

/** The class that has a page, plus 1; 0 when the page is free. */
function pageClass(map: ModelMap, page: number): number {
  return map.word(map.word(PAGE_TABLE) + page * 32 + PAGE_CLASS);
}

const pages = { segments: 0, entries: 1 } as const;

const twoPages = (options: ModelMapOptions = {}) => filledMap([1, 2], options);

/** For the class of the other page, so that it is this one that goes. */
function vacate(map: ModelMap, thread: number, page: keyof typeof pages): Steps<boolean> {
  return map.vacate(thread, pageClass(map, 1 - pages[page]) - 1);
}

for (const page of ["segments", "entries"] as const) {
  test(`the page of ${page} is emptied during a walk`, (t) => {
    const map = twoPages();
    const { flagged } = exploreAndTell(t, {
      machine: map.machine,
      races: true,
      threads: { walker: () => map.walk(1), vacator: () => vacate(map, 2, page) },
      onEnd: ({ results }) => {
        assertWalk(results.walker, [1, 2], []);
        map.check();
        return results.vacator;
      },
    });
    assert.ok(flagged > 0, "it was emptied");
  });

  test(`the page of ${page} is emptied while a value is overwritten`, (t) => {
    const map = twoPages();
    const { flagged } = exploreAndTell(t, {
      machine: map.machine,
      maxPreemptions: preemptions(1, 3),
      threads: { writer: () => map.set(1, 1, 100), vacator: () => vacate(map, 2, page) },
      onEnd: ({ results }) => {
        assert.equal(map.alone(map.get(0, 1)), 100);
        assert.equal(map.alone(map.get(0, 2)), 2);
        map.check();
        return results.vacator;
      },
    });
    assert.ok(flagged > 0, "it was emptied");
  });

  test(`a thread that empties the page of ${page} dies at any step or store: the map is whole`, (t) => {
    const map = twoPages({ pausing: true });
    const { flagged } = exploreAndTell(t, {
      machine: map.machine,
      threads: { victim: () => vacate(map, 1, page), reader: () => map.get(2, 2) },
      kill: "victim",
      recover: () => map.recover(3, 1),
      onEnd: ({ results, hasDied }) => {
        assert.equal(results.reader, 2);
        assert.equal(map.check().entries, 2);
        assert.equal(map.alone(map.get(0, 1)), 1);
        return hasDied;
      },
    });
    assert.ok(flagged > 20, "it died at each of its steps");
  });
}

test("the page of segments is emptied while one splits", (t) => {
  const map = twoPages({ maxUsed: 2 });
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(1, 2),
    threads: { splitter: () => map.set(1, 3, 3), vacator: () => vacate(map, 2, "segments") },
    onEnd: () => {
      assert.equal(map.check().entries, 3);
      for (const key of [1, 2, 3]) assert.equal(map.alone(map.get(0, key)), key);
    },
  });
});

test("a page that is being emptied comes free, and another class takes it", (t) => {
  const map = twoPages();
  const entryClass = pageClass(map, pages.entries);
  function* writer(): Steps<void> {
    yield* map.delete(1, 1);
    yield* map.delete(1, 2);
    for (let i = 0; i < 3; i++) {
      yield* map.set(1, 3, i);
      yield* map.delete(1, 3);
    }
    yield* map.setWide(1, 3, 900);
  }
  const { flagged } = exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(1, 2),
    threads: { writer, vacator: () => vacate(map, 2, "entries") },
    onEnd: () => {
      assert.equal(map.check().entries, 1);
      return ![0, entryClass].includes(pageClass(map, pages.entries));
    },
  });
  assert.ok(flagged > 0, "another class took it");
});
