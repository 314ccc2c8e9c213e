/** The doctor on real sessions: what leaks is told from what does not, by this process's own memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { collectGarbage } from "@cupel/base";
import { type InferenceSession, openSession, watchMemory } from "@cupel/runtime";
import { doubler } from "./tiny-models.ts";

const feeds = () => ({ x: { type: "float32", dims: [2, 3], data: new Float32Array(6) } }) as const;

test("sessions that are kept and never closed are a leak of native memory, once the heap is collected", async () => {
  using watch = watchMemory();
  const forgotten: InferenceSession[] = [];
  try {
    for (let step = 0; step < 20; step++) {
      const session = await openSession(doubler(), { threads: 1 });
      await session.run(feeds());
      forgotten.push(session);
      collectGarbage();
      watch.sample(step);
    }
    const { diagnosis, verdict } = watch.report();
    assert.ok(diagnosis.kind === "leak", verdict);
    assert.equal(diagnosis.part, "native", verdict);
    assert.match(verdict, /^Memory grows .* MB a step .*: native memory, /);
  } finally {
    await Promise.all(forgotten.map((session) => session.close()));
  }
});

test("1,000 runs of one session are no leak", async () => {
  await using session = await openSession(doubler(), { threads: 1 });
  using watch = watchMemory();
  for (let step = 0; step < 1000; step++) {
    await session.run(feeds());
    watch.sample(step);
  }
  const { diagnosis, verdict } = watch.report();
  // The heap of so short a run may never be collected, and then nobody can know.
  assert.ok(diagnosis.kind === "no-leak" || diagnosis.kind === "undecided", verdict);
  assert.ok(diagnosis.resident.total < 5e6, verdict);
});

test("a timer samples by the second", async () => {
  using watch = watchMemory({ everyMs: 2 });
  while (watch.report().samples.length < 20) await setTimeout(5);
  const { clock, samples } = watch.report();
  assert.equal(clock, "second");
  for (const [index, { at }] of samples.entries()) assert.ok(index === 0 || at > samples[index - 1]!.at);
  for (const { resident, native, heap } of samples) assert.ok(0 < heap && 0 < native && native < resident);
});

test("a long watch does not grow itself", () => {
  using watch = watchMemory();
  for (let step = 0; step < 10_000; step++) watch.sample(step);
  const { samples } = watch.report();
  assert.ok(samples.length <= 4096);
  assert.ok(samples.at(-1)!.at > 9_990);
});
