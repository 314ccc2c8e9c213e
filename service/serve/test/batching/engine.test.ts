/** The batcher in front of the engine itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openSession } from "@cupel/runtime";
import { createBatcher } from "../../src/batching/batcher.ts";
import { type Instruments, silentInstruments } from "../../src/operations/instruments.ts";
import { scaler, slow } from "../support/tiny-models.ts";
import { callOf, outcomeOf } from "./fake-session.ts";

test("requests of many callers are computed together in the engine, and each is given what it asked for", async () => {
  await using session = await openSession(scaler(3));
  const rows: number[] = [];
  const instruments: Instruments = { ...silentInstruments, observe: (_, __, value) => void rows.push(value) };
  await using batcher = createBatcher(session, { model: "scaler", version: "1", maxRows: 8, instruments });
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const count = (i % 10) + 1;
      const data = Float32Array.from({ length: count * 3 }, (_, at) => i * 100 + at);
      const feeds = { x: { type: "float32", dims: [count, 3], data } } as const;
      const call = callOf(`caller ${i % 7}`);
      const { outputs, engineMs } = await batcher.run(feeds, { call });
      return { data, y: outputs.y!, engineMs, times: call.times };
    }),
  );
  for (const { data, y, engineMs, times } of answers) {
    assert.deepEqual([y.dims, y.data], [[data.length / 3, 3], data.map((value) => value * 3)]);
    assert.ok(times.queue! >= 0);
    assert.equal(times.run, engineMs);
  }
  assert.equal(
    rows.reduce((sum, count) => sum + count, 0),
    550,
  );
  assert.ok(Math.max(...rows) === 8 && rows.length < 100);
});

test("past its deadline a request is answered while the run in front is still in the engine, queued or prepared", async () => {
  await using session = await openSession(slow());
  await using batcher = createBatcher(session, { model: "slow", version: "1" });
  const x = { type: "float32", dims: [512, 512], data: new Float32Array(512 * 512) } as const;
  const answered: string[] = [];
  const ask = async (name: string, signal?: AbortSignal) => {
    const outcome = await outcomeOf(batcher.run({ x }, { call: callOf(name, signal) }));
    answered.push(`${name}: ${typeof outcome === "string" ? outcome : "done"}`);
  };
  const front = ask("front");
  const prepared = ask("prepared", AbortSignal.timeout(5));
  const queued = ask("queued", AbortSignal.timeout(10));
  assert.deepEqual([batcher.queued, session.pending], [1, 2]);
  await Promise.all([front, prepared, queued]);
  assert.deepEqual(answered, ["prepared: DEADLINE_EXCEEDED", "queued: DEADLINE_EXCEEDED", "front: done"]);
});
