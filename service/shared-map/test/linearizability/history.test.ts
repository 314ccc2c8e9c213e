import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { checkLinearizable } from "./checker.ts";
import type { CounterWork } from "./counter-worker.ts";
import { explain } from "./explain.ts";
import { createRecorder, createRows, createTickets, decodeRows, isPending } from "./history.ts";

test("rows give back what was recorded, with every kind of argument and result", () => {
  const rows = createRows(7);
  const recorder = createRecorder(rows, createTickets(), 3);
  recorder.call("set", 5, -0.5);
  recorder.return(undefined);
  recorder.call("get", 5);
  recorder.return(-0.5);
  recorder.call("get", -6);
  recorder.return(undefined);
  recorder.call("has", 5);
  recorder.return(true);
  recorder.call("delete", 2 ** 31 - 1);
  recorder.return(false);
  recorder.call("add", 5, 0);
  recorder.return(0);
  recorder.call("getOrInsert", 5, 2 ** 53);
  assert.deepEqual(decodeRows(rows), [
    { thread: 3, key: 5, kind: "set", argument: -0.5, result: undefined, call: 0, return: 1 },
    { thread: 3, key: 5, kind: "get", argument: undefined, result: -0.5, call: 2, return: 3 },
    { thread: 3, key: -6, kind: "get", argument: undefined, result: undefined, call: 4, return: 5 },
    { thread: 3, key: 5, kind: "has", argument: undefined, result: true, call: 6, return: 7 },
    { thread: 3, key: 2 ** 31 - 1, kind: "delete", argument: undefined, result: false, call: 8, return: 9 },
    { thread: 3, key: 5, kind: "add", argument: 0, result: 0, call: 10, return: 11 },
    {
      thread: 3,
      key: 5,
      kind: "getOrInsert",
      argument: 2 ** 53,
      result: undefined,
      call: 12,
      return: Number.POSITIVE_INFINITY,
    },
  ]);
  assert.throws(() => recorder.call("get", 5), RangeError);
});

/** Four workers on one counter; with `terminateAfterMs` all of them are terminated on their way. */
async function count(options: { atomic: boolean; operations: number; terminateAfterMs?: number }) {
  const { atomic, operations, terminateAfterMs } = options;
  const tickets = createTickets();
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const work = Array.from({ length: 4 }, (_, thread): CounterWork => {
    return { rows: createRows(operations), tickets, counter, thread, operations, atomic };
  });
  const workers = work.map(
    (workerData) => new Worker(new URL("./counter-worker.ts", import.meta.url), { workerData }),
  );
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const ended = workers.map((worker) => once(worker, "exit"));
  for (const worker of workers) worker.postMessage("go");
  if (terminateAfterMs !== undefined) {
    await setTimeout(terminateAfterMs);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  await Promise.all(ended);
  return { history: work.flatMap(({ rows }) => decodeRows(rows)), total: counter[0]! };
}

test("100,000 operations of each of four workers on an atomic counter are linearizable", async (t) => {
  const { history, total } = await count({ atomic: true, operations: 100_000 });
  assert.equal(history.length, 400_000);
  assert.equal(total, 400_000);
  const started = performance.now();
  const result = checkLinearizable(history);
  assert.ok(result.ok, explain(result));
  t.diagnostic(`4 workers, one key: ${explain(result)} ${Math.round(performance.now() - started)} ms`);
});

test("a counter that is loaded and stored is linearizable if and only if no update was lost", async (t) => {
  // The total is the number of adds only if each found the value that the one before it had left.
  const { history, total } = await count({ atomic: false, operations: 100_000 });
  const result = checkLinearizable(history);
  assert.equal(result.ok, total === history.length, explain(result));
  t.diagnostic(`4 workers, load and store: ${history.length - total} of ${history.length} updates lost`);
  t.diagnostic(explain(result));
});

test("the operations that terminated workers were in are pending, and raise no false alarm", async (t) => {
  let pending = 0;
  let operations = 0;
  for (let round = 0; round < 10; round++) {
    const { history } = await count({ atomic: true, operations: 1_000_000, terminateAfterMs: 10 + round });
    const result = checkLinearizable(history);
    assert.ok(result.ok, explain(result));
    pending += history.filter(isPending).length;
    operations += history.length;
  }
  t.diagnostic(`40 workers terminated: ${operations} operations, ${pending} pending`);
});
