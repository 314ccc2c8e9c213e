/** Whatever comes, in whatever order: each request gets its own rows, in order and in turn, and nothing is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createBatcher } from "../../src/batching/batcher.ts";
import { callOf, FakeSession, outcomeOf, poison, rowsOfTwo, stillClock, turn } from "./fake-session.ts";

const callers = 4;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("ask" as const),
      caller: fc.nat(callers - 1),
      rows: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 9 })),
      isBad: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const), which: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.constant({ kind: "finish" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "turn" as const }) },
);

interface Asked {
  readonly caller: number;
  readonly values: readonly number[];
  readonly isBad: boolean;
  readonly leaving: AbortController;
  readonly outcome: Promise<number[] | string>;
  /** Turns that its caller has to be given until its first row is run. */
  readonly turns: number;
  /** Runs before it came. */
  readonly before: number;
  hasLeft: boolean;
}

test("each gets exactly its own rows, in order within a caller, within a bound of turns among them", async () => {
  const trial = fc.asyncProperty(
    fc.array(step, { minLength: 5, maxLength: 60 }),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 20 }),
    async (steps, maxRows, maxQueued) => {
      const session = new FakeSession();
      const batcher = createBatcher(session, {
        model: "m",
        version: "1",
        maxRows,
        maxQueued,
        clock: stillClock,
      });
      const asked: Asked[] = [];
      let next = 1;
      const first = firstRuns(session);
      for (const each of steps) {
        switch (each.kind) {
          case "ask": {
            const values = Array.from({ length: each.rows }, () => next++).flatMap((value) => [
              value,
              each.isBad ? poison : value,
            ]);
            const leaving = new AbortController();
            const isWaiting = ({ caller, values }: Asked) =>
              caller === each.caller && !first().has(values.at(-2)!);
            const turns = asked
              .filter(isWaiting)
              .reduce((sum, { values }) => sum + turnsOf(values, maxRows), 1);
            const call = callOf(String(each.caller), leaving.signal);
            const outcome = outcomeOf(batcher.run(rowsOfTwo(...values), { call }));
            const before = session.runs.length;
            asked.push({ ...each, values, leaving, outcome, turns, before, hasLeft: false });
            break;
          }
          case "leave": {
            const leaver = asked[each.which];
            if (leaver === undefined) break;
            leaver.hasLeft = true;
            leaver.leaving.abort();
            break;
          }
          case "finish":
            session.finish();
            break;
          case "turn":
            await turn();
            break;
        }
      }
      const closed = batcher[Symbol.asyncDispose]();
      await turn();
      while (session.finish()) await turn();
      await closed;

      const outcomes = await Promise.all(asked.map(({ outcome }) => outcome));
      asked.forEach(({ values, isBad, hasLeft }, i) => {
        const outcome = outcomes[i]!;
        if (outcome === "QUEUE_LIMIT" || (hasLeft && outcome === "CANCELLED")) return;
        assert.deepEqual(outcome, isBad ? "RUN_FAILED" : values.map((value) => value * 2));
      });
      assert.equal(batcher.queued, 0);
      // Two, and one that was called off in the moment in which it began.
      assert.ok(session.mostPending <= (asked.some(({ hasLeft }) => hasLeft) ? 3 : 2));
      assert.ok(session.runs.every(({ rows }) => rows <= maxRows));

      const runOf = first();
      for (let caller = 0; caller < callers; caller++) {
        const order = asked
          .filter((each) => each.caller === caller)
          .map(({ values }) => runOf.get(values[0]!));
        const run = order.filter((at) => at !== undefined);
        assert.deepEqual(
          run,
          [...run].sort((a, b) => a - b),
        );
      }
      for (const { values, turns, before } of asked) {
        const at = runOf.get(values[0]!);
        if (at === undefined) continue;
        const formed = new Set([...runOf.values()].filter((run) => run >= before && run < at));
        assert.ok(formed.size <= turns * callers, `${formed.size} batches before ${turns} turns`);
      }
    },
  );
  await fc.assert(trial, { numRuns: 200 });
});

/** The first run of each value; later ones are second tries. */
function firstRuns(session: FakeSession): () => ReadonlyMap<number, number> {
  const runOf = new Map<number, number>();
  let seen = 0;
  return () => {
    for (; seen < session.runs.length; seen++) {
      for (const value of session.runs[seen]!.values) {
        if (!runOf.has(value)) runOf.set(value, seen);
      }
    }
    return runOf;
  };
}

/** Of one request: as many as rows at most where it is divided, else one. */
function turnsOf(values: readonly number[], maxRows: number): number {
  const rows = values.length / 2;
  return rows > maxRows ? rows : 1;
}
