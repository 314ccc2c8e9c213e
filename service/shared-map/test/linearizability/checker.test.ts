import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import { checkLinearizable } from "./checker.ts";
import { explain } from "./explain.ts";
import type { Operation, OperationKind, OperationResult } from "./history.ts";
import { operationKinds } from "./history.ts";
import { simulateHistory } from "./simulated-history.ts";
import { casArgument } from "./specification.ts";

const PENDING = Number.POSITIVE_INFINITY;

/** thread, call, return, kind, argument, result, key */
type Row = readonly [number, number, number, OperationKind, (number | undefined)?, OperationResult?, number?];

function historyOf(rows: readonly Row[]): Operation[] {
  return rows.map(([thread, call, end, kind, argument, result, key = 1]) => {
    return { thread, key, kind, argument, result, call, return: end };
  });
}

const none = undefined;

// After figures and examples of Herlihy and Wing (1990), Herlihy and Shavit's book, and porcupine's README.
const linearizable: Readonly<Record<string, readonly Row[]>> = {
  "nothing happened": [],
  "a read that overlaps a write may see the value before it": [
    [0, 0, 3, "set", 7],
    [1, 1, 2, "get", none, undefined],
  ],
  "a read that overlaps a write may see the value after it": [
    [0, 0, 3, "set", 7],
    [1, 1, 2, "get", none, 7],
  ],
  "two readers within a long write see old, then new": [
    [0, 0, 9, "set", 7],
    [1, 1, 2, "get", none, undefined],
    [2, 3, 4, "get", none, 7],
  ],
  "of two overlapping writes the one that returned first may be the last": [
    [0, 0, 2, "set", 1],
    [1, 1, 3, "set", 2],
    [2, 4, 5, "get", none, 1],
  ],
  "overlapping adds take effect against the order of their calls": [
    [0, 0, 3, "add", 1, 11],
    [1, 1, 2, "add", 10, 10],
  ],
  "an operation that never returned has taken effect": [
    [0, 0, PENDING, "set", 7],
    [1, 1, 2, "get", none, undefined],
    [1, 3, 4, "get", none, 7],
  ],
  "an operation that never returned has not taken effect": [
    [0, 0, PENDING, "delete"],
    [1, 1, 2, "set", 7],
    [1, 3, 4, "get", none, 7],
  ],
  "of three pending writes only the middle one is needed": [
    [0, 0, PENDING, "set", 1],
    [1, 1, PENDING, "set", 2],
    [2, 2, PENDING, "set", 3],
    [3, 3, 4, "get", none, 2],
    [3, 5, 6, "get", none, 2],
  ],
  "compute, compute that deletes and getOrInsert follow each other": [
    [0, 0, 1, "compute", 5, 5],
    [1, 2, 3, "compute", 1, 16],
    [0, 4, 5, "getOrInsert", 9, 16],
    [1, 6, 7, "computeDelete"],
    [0, 8, 9, "has", none, false],
    [1, 10, 11, "getOrInsert", 9, 9],
    [0, 12, 13, "delete", none, true],
  ],
  "conditional writes: the first of two takes effect, the other sees it": [
    [0, 0, 2, "setIfAbsent", 1, true],
    [1, 1, 3, "setIfAbsent", 2, false],
    [0, 4, 6, "compareAndSet", casArgument(1, 3), true],
    [1, 5, 7, "compareAndSet", casArgument(1, 4), false],
    [0, 8, 9, "compareAndSet", casArgument(undefined, 5), false],
    [1, 10, 11, "get", none, 3],
  ],
};

const violations: Readonly<Record<string, readonly Row[]>> = {
  "a stale read: the value of before a write that had returned": [
    [0, 0, 1, "set", 7],
    [1, 2, 3, "get", none, undefined],
  ],
  "two readers of one write, new then old": [
    [0, 0, 9, "set", 7],
    [1, 1, 2, "get", none, 7],
    [2, 3, 4, "get", none, undefined],
  ],
  "two readers that see two writes in opposite orders": [
    [0, 0, 20, "set", 1],
    [1, 1, 21, "set", 2],
    [2, 2, 4, "get", none, 1],
    [2, 6, 8, "get", none, 2],
    [3, 3, 5, "get", none, 2],
    [3, 7, 9, "get", none, 1],
  ],
  "a lost update: two adds from the same base": [
    [0, 0, 2, "add", 1, 1],
    [1, 1, 3, "add", 1, 1],
  ],
  "a lost update that only a later read betrays": [
    [0, 0, 2, "add", 1, 1],
    [1, 1, 3, "add", 1, 2],
    [0, 4, 5, "get", none, 1],
  ],
  "one value deleted twice": [
    [0, 0, 1, "set", 7],
    [0, 2, 4, "delete", none, true],
    [1, 3, 5, "delete", none, true],
  ],
  "a value read after its delete returned": [
    [0, 0, 1, "set", 7],
    [1, 2, 3, "delete", none, true],
    [0, 4, 5, "get", none, 7],
  ],
  "a value that nobody wrote": [[0, 0, 1, "get", none, 7]],
  "the effect of a pending write before its call": [
    [1, 0, 1, "get", none, 7],
    [0, 2, PENDING, "set", 7],
  ],
  "one pending add that takes effect twice": [
    [0, 0, PENDING, "add", 1],
    [1, 1, 2, "get", none, 1],
    [1, 3, 4, "get", none, 2],
  ],
  "both of two getOrInsert insert": [
    [0, 0, 2, "getOrInsert", 1, 1],
    [1, 1, 3, "getOrInsert", 2, 2],
  ],
  "two conditional writes that go on from the same value": [
    [0, 0, 2, "compareAndSet", casArgument(undefined, 1), true],
    [1, 1, 3, "compareAndSet", casArgument(undefined, 2), true],
  ],
  "a conditional write that did not happen, and a read of it": [
    [0, 0, 1, "set", 7],
    [1, 2, 3, "setIfAbsent", 8, false],
    [0, 4, 5, "get", none, 8],
  ],
  "a violation on the second key only": [
    [0, 0, 1, "set", 7, none, 1],
    [0, 2, 3, "set", 8, none, 2],
    [1, 4, 5, "get", none, 7, 2],
  ],
};

for (const [name, rows] of Object.entries(linearizable))
  test(`linearizable: ${name}`, () => {
    const result = checkLinearizable(historyOf(rows));
    assert.ok(result.ok, explain(result));
    assert.equal(result.operations, rows.length);
  });

for (const [name, rows] of Object.entries(violations))
  test(`not linearizable: ${name}`, () => assert.equal(checkLinearizable(historyOf(rows)).ok, false));

test("the explanation shows the order that works, its value and what can't follow", () => {
  const result = checkLinearizable(
    historyOf([
      [0, 10, 30, "set", 7],
      [1, 12, 14, "get", none, 7],
      [3, 15, PENDING, "add", 1],
      [2, 16, 18, "get", none, 8],
      [2, 19, 21, "get", none, undefined],
    ]),
  );
  assert.equal(
    explain(result).replaceAll(/ +$/gm, ""),
    [
      "Key 1 is not linearizable. 4 of its operations fit in one order:",
      "  thread 0  [10, 30]  set(7)             |-------|",
      "  thread 1  [12, 14]  get() = 7           ||",
      "  thread 3  [15, never]  add(1) pending     |----->",
      "  thread 2  [16, 18]  get() = 8              ||",
      "The key is then 8, and nothing that may come next fits:",
      "  thread 2  [19, 21]  get() = undefined        ||    but gives 8 here",
    ].join("\n"),
  );
});

test("a thread that overlaps itself, or a missing argument, is no history", () => {
  assert.throws(
    () =>
      checkLinearizable(
        historyOf([
          [0, 0, PENDING, "get"],
          [0, 1, 2, "get"],
        ]),
      ),
    /Thread 0 overlaps itself/,
  );
  assert.throws(() => checkLinearizable(historyOf([[0, 3, 2, "get"]])), /overlaps itself/);
  assert.throws(() => checkLinearizable(historyOf([[0, 0, 1, "set"]])), /argument/);
});

test("an atomic map raises no false alarm, on many seeds, with threads that are terminated", (t) => {
  let operations = 0;
  let pending = 0;
  const seeds = 300;
  for (let seed = 0; seed < seeds; seed++) {
    const random = createRandom(seed);
    const { history } = simulateHistory(random, {
      threads: 2 + random.integer(7),
      operations: 2_000,
      keys: 1 + random.integer(8),
      kinds: operationKinds,
      // Few values, so that many orders look alike and the search has to turn back.
      argument: () => random.integer(4),
      terminates: [0, 0.0005, 0.002][seed % 3]!,
    });
    const result = checkLinearizable(history);
    assert.ok(result.ok, `seed ${seed}: ${explain(result)}`);
    operations += history.length;
    pending += history.filter((operation) => operation.return === PENDING).length;
  }
  assert.ok(pending > seeds);
  t.diagnostic(`no false alarm: ${seeds} histories, ${operations} operations, ${pending} of them pending`);
});

for (const { keys, threads } of [
  { keys: 64, threads: 4 },
  { keys: 1, threads: 8 },
])
  test(`400,000 operations of ${threads} threads on ${keys} keys are checked in seconds`, (t) => {
    const { history } = simulateHistory(createRandom(keys), {
      threads,
      operations: 400_000,
      keys,
      kinds: operationKinds,
      argument: (serial) => serial,
      terminates: keys === 1 ? 0 : 1e-5,
    });
    const started = performance.now();
    const result = checkLinearizable(history);
    assert.ok(result.ok, explain(result));
    t.diagnostic(
      `${result.operations} operations, ${keys} keys: ${Math.round(performance.now() - started)} ms`,
    );
  });
