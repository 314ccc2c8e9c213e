/** Batchers in front of a fake session: open, or with all its places taken. */
import assert from "node:assert/strict";
import { type BatcherOptions, createBatcher } from "../../src/batching/batcher.ts";
import { callOf, FakeSession, outcomeOf, rowsOfTwo, stillClock, turn } from "./fake-session.ts";

export const named = { model: "m", version: "1" };

export function open(session: FakeSession, options: Partial<BatcherOptions> = {}) {
  return createBatcher(session, { ...named, clock: stillClock, ...options });
}

/** A batcher whose two places in the session are taken, so that all else waits. */
export async function busy(options: Partial<BatcherOptions> = {}, session = new FakeSession()) {
  const batcher = open(session, options);
  const ahead = [];
  for (let i = 0; i < 2; i++) {
    ahead.push(outcomeOf(batcher.run(rowsOfTwo(0, 0), { call: callOf("ahead") })));
    await turn();
  }
  assert.equal(session.pending, 2);
  return { session, batcher, ahead };
}

/** Ends runs until there is none. */
export async function finishAll(session: FakeSession): Promise<void> {
  await turn();
  while (session.finish()) await turn();
}
