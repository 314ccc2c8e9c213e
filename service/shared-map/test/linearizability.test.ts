/**
 * G1: operations on one key are linearizable. Recorded histories of real threads go to the checker of
 * linearizability/, which is itself tested with faults put into histories.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedMap } from "../src/index.ts";
import { checkLinearizable } from "./linearizability/checker.ts";
import { explain } from "./linearizability/explain.ts";
import { createRows, createTickets, decodeRows } from "./linearizability/history.ts";
import { go, startThread } from "./threads/start.ts";

const workers = 4;
const operations = 60_000;
/** After every fourth operation so many keys are read by one call of `getMany`. */
const batchKeys = 4;

const configurations = [
  {
    name: "segments of 8 slots, which split and are rebuilt all the time",
    groupBits: 0,
    nearCache: 0,
    keys: 64,
  },
  { name: "near caches, segments of 8 slots", groupBits: 0, nearCache: 64, keys: 64 },
  { name: "segments as users have them, few hot keys", groupBits: 7, nearCache: 0, keys: 8 },
];

for (const { name, groupBits, nearCache, keys } of configurations) {
  test(`histories of four threads are linearizable: ${name}`, async (t) => {
    using map = SharedMap.create<number, number>({ maxBytes: 2 ** 24, groupBits, nearCache });
    const tickets = createTickets();
    const rows = Array.from({ length: workers }, () => createRows(operations));
    const batchRows = rows.map(() => Array.from({ length: batchKeys }, () => createRows(operations / 4)));
    const threads = await Promise.all(
      rows.map((own, thread) =>
        startThread(map, "record", {
          ...{ rows: own, tickets, thread, operations, keys, seed: 100 + thread },
          batchRows: batchRows[thread]!,
        }),
      ),
    );
    go(threads);
    await Promise.all(threads.map(({ done }) => done));
    const history = [...rows, ...batchRows.flat()].flatMap(decodeRows);
    assert.equal(history.length, workers * operations * (1 + batchKeys / 4));
    const result = checkLinearizable(history);
    assert.ok(result.ok, explain(result));
    map.check();
    const { splits } = map.stats();
    t.diagnostic(
      `${name}: ${history.length} operations on ${keys} keys by ${workers} threads, ${splits} splits: linearizable`,
    );
  });
}
