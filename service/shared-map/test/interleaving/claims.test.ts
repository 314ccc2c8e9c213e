/** Claims: whatever the schedule, one thread loads a key at a time, and what it loaded is not stored over something newer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CLAIM_COUNT, CLAIM_LOCK, CLAIM_TICKET, CLAIMS } from "../../src/core/layout.ts";
import { preemptions } from "../long-tests.ts";
import { exploreAndTell } from "./explore-and-tell.ts";
import { ModelMap, type Steps } from "./model-map.ts";

function started(): ModelMap {
  const map = new ModelMap({});
  map.alone(map.set(0, 2, 2));
  map.alone(map.changeSource(0));
  map.machine.snapshot();
  return map;
}

/** Nothing is claimed, by the count and by the rows. */
function assertUnclaimed(map: ModelMap): void {
  assert.equal(map.word(CLAIM_COUNT), 0);
  assert.equal(map.word(CLAIM_LOCK), 0);
  for (let i = 0; i < 128; i++) assert.equal(map.word(map.word(CLAIMS) + i * 16 + CLAIM_TICKET), 0);
}

test("two threads fetch a key: one loads, the other waits or finds", (t) => {
  const map = started();
  exploreAndTell(t, {
    machine: map.machine,
    races: true,
    maxPreemptions: preemptions(3),
    threads: { one: () => map.fetch(1, 1), two: () => map.fetch(2, 1) },
    onEnd: ({ results: { one, two } }) => {
      assert.deepEqual([one, two].filter((result) => result === 1).length, 1, `${one}, ${two}`);
      assert.equal(map.alone(map.get(0, 1)), 1);
      assertUnclaimed(map);
    },
  });
});

const invalidations: Record<string, (map: ModelMap) => Steps> = {
  "deletes the key": (map) => map.delete(2, 1),
  "sets the key and deletes it": function* (map) {
    yield* map.set(2, 1, 5);
    yield* map.delete(2, 1);
  },
  "clears the map": (map) => map.core.clear!(map.lane(2)) as Steps,
};
for (const [name, invalidate] of Object.entries(invalidations)) {
  test(`a thread changes what is loaded and ${name}, while another loads: what was is not left there`, (t) => {
    const map = started();
    function* writer(): Steps<void> {
      yield* map.changeSource(2);
      yield* invalidate(map);
    }
    exploreAndTell(t, {
      machine: map.machine,
      maxPreemptions: preemptions(name === "deletes the key" ? 2 : 1),
      threads: { loader: () => map.fetch(1, 1), writer },
      onEnd: ({ results: { loader } }) => {
        assert.ok(loader === 1 || loader === 2 || loader === "found", `${loader}`);
        const left = map.alone(map.get(0, 1));
        assert.ok(left === undefined || left === 2, `${left} is there`);
        // Somebody whose load began before the change got what was before.
        if (loader === 1) assert.equal(left, undefined);
        assertUnclaimed(map);
        return loader === 1;
      },
    });
  });
}

test("a thread that loads dies at any step: the next one that wants the key loads it", (t) => {
  const map = started();
  /** Waits as a thread does that looks now and then whether the other has ended. */
  function* other(): Steps {
    for (;;) {
      const result = yield* map.fetch(2, 1);
      if (result !== "waits") return result;
      const row = map.word(map.lane(2) + 16);
      if (!(yield* map.core.recoverClaimant!(map.lane(2), row) as Steps<number>)) return "waits";
    }
  }
  const { flagged } = exploreAndTell(t, {
    machine: map.machine,
    maxPreemptions: 1,
    threads: { victim: () => map.fetch(1, 1), other },
    kill: "victim",
    onDeath: () => map.proveDead(1),
    onEnd: ({ results, hasDied }) => {
      map.alone(map.recoverDead(4));
      if (results.other === "waits") assert.ok([1, "found"].includes(map.alone(map.fetch(3, 1))));
      assert.equal(map.alone(map.get(0, 1)), 1);
      assertUnclaimed(map);
      map.check();
      return hasDied && results.other === 1;
    },
  });
  assert.ok(flagged > 10, "it died at each of its steps");
});
