/** Reading in other ways than one key at a time from the map: in batches, and from a near cache by versions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { preemptions } from "../long-tests.ts";
import { exploreAndTell } from "./explore-and-tell.ts";
import { ModelMap, type Steps } from "./model-map.ts";

/** Keys 1 and 2, in a segment that splits with the third. */
function filled(pausing = false): ModelMap {
  const map = new ModelMap({ maxUsed: 2, pausing });
  for (const key of [1, 2]) map.alone(map.set(0, key, key));
  map.machine.snapshot();
  return map;
}

test("two batches: each key is read by itself, and what is new stays new, also across a split", (t) => {
  const map = filled();
  function* writer(): Steps<void> {
    yield* map.set(2, 3, 3);
    yield* map.set(2, 1, 100);
    yield* map.delete(2, 2);
  }
  function* reader(): Steps {
    return [yield* map.getMany(1, [2, 1]), yield* map.getMany(1, [1, 2, 4])];
  }
  const seen = new Set<string>();
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(2, 3),
    races: true,
    threads: { reader, writer },
    onEnd: ({ results }) => {
      const [[firstTwo, firstOne], [secondOne, secondTwo, four]] = results.reader as number[][] as [
        [number, number],
        [number, number, number],
      ];
      seen.add(`${firstTwo} ${firstOne}`);
      assert.ok([1, 100].includes(firstOne) && [1, 100].includes(secondOne), `${firstOne}, ${secondOne}`);
      assert.ok(!(firstOne === 100 && secondOne === 1), "back in time");
      assert.ok(!(firstTwo === undefined && secondTwo === 2), "back in time");
      assert.equal(four, undefined);
      map.check();
    },
  });
  // 2 is deleted after 1 was written; yet a batch is no moment: it may have read 2 before and 1 after.
  assert.ok(seen.has("2 100"));
});

test("a batch while its keys are deleted and added again, in blocks that are used again", (t) => {
  const map = new ModelMap();
  for (const key of [1, 2]) map.alone(map.set(0, key, key));
  for (let i = 0; i < 4; i++) map.alone(map.set(0, 2, 2));
  map.machine.snapshot();
  function* writer(): Steps<void> {
    for (const value of [10, 20]) {
      yield* map.delete(2, 1);
      yield* map.set(2, 1, value);
    }
  }
  exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: preemptions(2, 3),
    // A block that came free too soon would be written while the batch reads it.
    races: true,
    threads: { reader: () => map.getMany(1, [1, 2]), writer },
    onEnd: ({ results }) => {
      const [one, two] = results.reader as [number, number];
      assert.ok([undefined, 1, 10, 20].includes(one), `${one}`);
      assert.equal(two, 2);
      map.check();
    },
  });
});

for (const { name, write } of [
  { name: "is written", write: (map: ModelMap, thread: number) => map.set(thread, 1, 100) },
  { name: "is deleted", write: (map: ModelMap, thread: number) => map.delete(thread, 1) },
  { name: "is cleared away", write: (map: ModelMap, thread: number) => map.clear(thread) },
]) {
  test(`a value is kept while its key ${name}: who has seen the new one never gets the kept one`, (t) => {
    const map = filled();
    function* writer(): Steps<void> {
      yield* map.set(2, 3, 3);
      yield* write(map, 2) as Steps;
    }
    let kept = 0;
    function* reader(): Steps {
      const note = yield* map.getNoted(1, 1);
      const first = yield* map.get(1, 1);
      const near = yield* map.getNear(1, 1, note);
      return [note.value, first, near, note.address];
    }
    exploreAndTell(t, {
      machine: map.machine,
      maxPreemptions: preemptions(2, 4),
      threads: { reader, writer },
      onEnd: ({ results }) => {
        const [noted, first, near, address] = results.reader as [number, number, number, number];
        if (address !== 0 && noted === 1) kept++;
        assert.ok(!(noted !== 1 && first === 1), "back in time");
        assert.ok(!(first !== 1 && near === 1), "a kept value after a newer one");
      },
    });
    assert.ok(kept > 0);
  });
}
