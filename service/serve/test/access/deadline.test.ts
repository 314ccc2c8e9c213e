/** When a call ends: its client leaves, its time is up, or both at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { startDeadline } from "../../src/access/deadline.ts";

const isTimeout = ({ reason }: AbortSignal) =>
  reason instanceof DOMException && reason.name === "TimeoutError";

test("a client that leaves long before its deadline has left; one that leaves with it was late", async () => {
  const early = new AbortController();
  using first = startDeadline(early.signal, 60_000);
  early.abort();
  assert.ok(first.signal.aborted && !isTimeout(first.signal));
  const late = new AbortController();
  using second = startDeadline(late.signal, 40);
  await wait(30);
  late.abort();
  assert.ok(second.signal.aborted && isTimeout(second.signal));
});

test("the time is up for a client that stays, and a call that is over fires nothing", async () => {
  using stays = startDeadline(new AbortController().signal, 1);
  await wait(20);
  assert.ok(isTimeout(stays.signal));
  const left = new AbortController();
  const over = startDeadline(left.signal, 1);
  over[Symbol.dispose]();
  left.abort();
  await wait(20);
  assert.equal(over.signal.aborted, false);
});
