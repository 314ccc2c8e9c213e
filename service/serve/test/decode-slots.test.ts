/** How many images are decoded at once: never more than there are slots, in order, and who leaves takes no slot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createDecodeSlots } from "../src/images/decode-slots.ts";

const stays = new AbortController().signal;

test("no more than the slots work at once, in the order they came", async () => {
  const slots = createDecodeSlots(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (i: number) => () => {
    begun.push(i);
    const { promise, resolve } = Promise.withResolvers<void>();
    ends[i] = resolve;
    return promise;
  };
  const all = [0, 1, 2, 3].map((i) => slots.use(stays, work(i)));
  await Promise.resolve();
  assert.deepEqual(begun, [0, 1]);
  ends[1]!();
  await all[1];
  await Promise.resolve();
  assert.deepEqual(begun, [0, 1, 2]);
  for (const i of [0, 2]) {
    ends[i]!();
    await all[i];
  }
  await Promise.resolve();
  ends[3]!();
  await Promise.all(all);
  assert.deepEqual(begun, [0, 1, 2, 3]);
});

test("work that fails gives its slot back", async () => {
  const slots = createDecodeSlots(1);
  await assert.rejects(
    slots.use(stays, () => Promise.reject(new Error("bad"))),
    /bad/,
  );
  assert.equal(await slots.use(stays, async () => 7), 7);
});

test("who leaves while it waits is told why, and the next one gets the slot", async () => {
  const slots = createDecodeSlots(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = slots.use(stays, () => promise);
  const leaving = new AbortController();
  const left = slots.use(leaving.signal, async () => assert.fail("it left"));
  const late = new AbortController();
  const timed = slots.use(late.signal, async () => assert.fail("it was too late"));
  const next = slots.use(stays, async () => "in");
  leaving.abort();
  late.abort(new DOMException("late", "TimeoutError"));
  await assert.rejects(left, { code: "CANCELLED" });
  await assert.rejects(timed, { code: "DEADLINE_EXCEEDED" });
  resolve();
  await first;
  assert.equal(await next, "in");
  await assert.rejects(
    slots.use(leaving.signal, async () => {}),
    { code: "CANCELLED" },
  );
});
