/** Several sessions that look like one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openSessionGroup, type ServedSession } from "../src/repository/session-group.ts";

interface Fake extends ServedSession {
  readonly answer: (() => void)[];
  warm: number;
  isClosed: boolean;
  readonly end: () => void;
}

function fake(): Fake {
  const ended = Promise.withResolvers<null>();
  const made: Fake = {
    inputs: [],
    outputs: [],
    ended: ended.promise,
    end: () => ended.resolve(null),
    answer: [],
    warm: 0,
    isClosed: false,
    timedRun: () => new Promise((resolve) => made.answer.push(() => resolve({ outputs: {}, engineMs: 1 }))),
    async warmUp() {
      made.warm++;
    },
    async close() {
      made.isClosed = true;
    },
  };
  return made;
}

test("a run goes to the session with the fewest; all are warmed and closed; one that ends ends the group", async () => {
  const sessions = [fake(), fake(), fake()];
  const left = [...sessions];
  const group = await openSessionGroup(3, async () => left.shift()!);
  await group.warmUp();
  const runs = Array.from({ length: 4 }, () => group.timedRun({}));
  assert.deepEqual(
    sessions.map(({ answer, warm }) => [answer.length, warm]),
    [
      [2, 1],
      [1, 1],
      [1, 1],
    ],
  );
  sessions[2]!.answer[0]!();
  await runs[2];
  void group.timedRun({});
  assert.equal(sessions[2]!.answer.length, 2);
  sessions[1]!.end();
  assert.equal(await group.ended, null);
  await group.close();
  assert.ok(sessions.every(({ isClosed }) => isClosed));
});

test("where one cannot be opened, those before it are closed", async () => {
  const first = fake();
  const left = [first];
  const opening = openSessionGroup(2, async () => {
    const next = left.shift();
    if (next) return next;
    throw new Error("no room");
  });
  await assert.rejects(opening, /no room/);
  assert.ok(first.isClosed);
});
