/**
 * Does the checker find what is broken? Small histories, sound and broken, are compared with the definition
 * verdict by verdict. In big ones, where no definition can be searched, a mutation is made for which a proof of
 * a line or two says that no order can exist.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "@cupel/base";
import { createRandom } from "@cupel/base";
import { checkLinearizable } from "./checker.ts";
import { searchExhaustively } from "./exhaustive-search.ts";
import { explain } from "./explain.ts";
import type { Operation, OperationKind } from "./history.ts";
import { isPending, operationKinds } from "./history.ts";
import type { Fault } from "./simulated-history.ts";
import { applyTo, simulateHistory } from "./simulated-history.ts";

const faults: readonly Fault[] = ["stale read", "lost update", "resurrected delete"];

function smallHistory(random: Random, kinds: readonly OperationKind[], fault?: Fault) {
  const operations = 2 + random.integer(6);
  return simulateHistory(random, {
    threads: 3,
    operations,
    keys: 1 + random.integer(2),
    kinds,
    argument: () => random.integer(3),
    terminates: 0.05,
    ...(fault === undefined ? {} : { fault: { kind: fault, after: random.integer(operations) } }),
  });
}

/** The verdict of both, which agree; a prefix that the checker reports is one, and none is longer. */
function agreedVerdict(history: readonly Operation[], where: string): boolean {
  const expected = searchExhaustively(history);
  const result = checkLinearizable(history);
  assert.equal(result.ok, expected.linearizable, `${where}: ${explain(result)}\n${JSON.stringify(history)}`);
  if (result.ok) return true;

  const { key, longestPrefix, stuckOn } = result;
  assert.ok(stuckOn.length > 0, where);
  const ofKey = history.filter((operation) => operation.key === key);
  const completed = longestPrefix.filter((operation) => !isPending(operation));
  assert.equal(completed.length, searchExhaustively(ofKey).longest, where);
  const map = new Map<number, number>();
  longestPrefix.forEach((operation, i) => {
    const answer = applyTo(map, operation);
    if (!isPending(operation)) assert.equal(answer, operation.result, where);
    for (const later of longestPrefix.slice(i)) assert.ok(later.return > operation.call, where);
  });
  return false;
}

test("on small histories of a sound map checker and definition agree: all linearizable", (t) => {
  let pending = 0;
  const seeds = 5_000;
  for (let seed = 0; seed < seeds; seed++) {
    const { history } = smallHistory(createRandom(seed), operationKinds);
    assert.ok(agreedVerdict(history, `seed ${seed}`));
    if (history.some(isPending)) pending++;
  }
  assert.ok(pending > seeds / 20);
  t.diagnostic(`${seeds} small sound histories, ${pending} with pending operations: verdicts agree`);
});

for (const fault of faults)
  test(`on small histories of a map with one ${fault} checker and definition agree`, (t) => {
    const kinds: readonly OperationKind[] =
      fault === "stale read"
        ? ["get", "get", "set", "add", "delete"]
        : fault === "lost update"
          ? ["add", "add", "get", "set"]
          : ["delete", "delete", "set", "get", "has", "getOrInsert"];
    let injected = 0;
    let found = 0;
    const seeds = 5_000;
    for (let seed = 0; seed < seeds; seed++) {
      const simulation = smallHistory(createRandom(seed), kinds, fault);
      if (simulation.injected) injected++;
      const linearizable = agreedVerdict(simulation.history, `seed ${seed}`);
      assert.ok(linearizable || simulation.injected, `seed ${seed}`);
      if (!linearizable) found++;
    }
    // Many faults can't be told from a sound map, as when nobody looks again; the definition says which.
    assert.ok(found > seeds / 50, `only ${found} of ${injected} detectable`);
    t.diagnostic(
      `${seeds} small histories, ${fault}: ${injected} injected, ${found} detectable, ${found} found`,
    );
  });

test("on small histories with one answer changed at random checker and definition agree", (t) => {
  let found = 0;
  const seeds = 10_000;
  for (let seed = 0; seed < seeds; seed++) {
    const random = createRandom(seed);
    const { history } = smallHistory(random, operationKinds);
    const at = random.integer(history.length);
    const answers = [undefined, false, true, 0, 1, 2, 3];
    const result = isPending(history[at]!) ? undefined : answers[random.integer(answers.length)];
    if (!agreedVerdict(history.with(at, { ...history[at]!, result }), `seed ${seed}`)) found++;
  }
  assert.ok(found > seeds / 4 && found < seeds);
  t.diagnostic(`${seeds} small histories, changed answer: ${found} detectable, ${found} found`);
});

interface Mutation {
  readonly name: string;
  readonly kinds: readonly OperationKind[];
  /** The mutated history; undefined where there is no place for it. */
  mutate(random: Random, history: readonly Operation[]): readonly Operation[] | undefined;
}

function pick<T>(random: Random, items: readonly T[]): T | undefined {
  return items[random.integer(items.length)];
}

/**
 * A get is answered with what a set stored, although after that set had returned `overwrite` ran from call to
 * return before the get was called. Each value is set once, so the set would have to come between the two.
 */
function answerFromBefore(
  random: Random,
  history: readonly Operation[],
  overwrites: (operation: Operation) => boolean,
): readonly Operation[] | undefined {
  const overwrite = pick(random, history.filter(overwrites));
  if (overwrite === undefined) return undefined;
  const ofKey = history.filter((operation) => operation.key === overwrite.key && !isPending(operation));
  const set = ofKey
    .filter((operation) => operation.kind === "set" && operation.return < overwrite.call)
    .sort((a, b) => b.return - a.return)[0];
  const get = ofKey
    .filter((operation) => operation.kind === "get" && operation.call > overwrite.return)
    .sort((a, b) => a.call - b.call)[0];
  if (set === undefined || get === undefined) return undefined;
  return history.with(history.indexOf(get), { ...get, result: set.argument });
}

const mutations: readonly Mutation[] = [
  {
    name: "stale read",
    kinds: ["get", "get", "has", "set", "delete"],
    mutate: (random, history) => answerFromBefore(random, history, ({ kind }) => kind === "set"),
  },
  {
    name: "resurrected delete",
    kinds: ["get", "get", "has", "set", "delete"],
    mutate: (random, history) =>
      answerFromBefore(random, history, ({ kind, result }) => kind === "delete" && result === true),
  },
  {
    // All adds are positive and nothing else writes: no result may come twice.
    name: "two adds from the same base",
    kinds: ["get", "add"],
    mutate(random, history) {
      const add = pick(
        random,
        history.filter(({ kind, result }) => kind === "add" && result !== undefined),
      )!;
      const base = Number(add.result) - Number(add.argument);
      const before = history.find(
        ({ key, kind, result }) => key === add.key && kind === "add" && result === base,
      );
      if (before === undefined) return undefined;
      return history.with(history.indexOf(add), { ...add, result: before.result });
    },
  },
  {
    // Everything after an add is answered as if it had not been: the next add ends where this one did.
    name: "an add whose effect vanishes",
    kinds: ["get", "add"],
    mutate(random, history) {
      const lost = pick(
        random,
        history.filter(({ kind, result }) => kind === "add" && result !== undefined),
      )!;
      const reached = Number(lost.result);
      const isAfter = ({ key, result }: Operation) => key === lost.key && Number(result ?? 0) > reached;
      if (!history.some((operation) => operation.kind === "add" && isAfter(operation))) return undefined;
      return history.map((operation) =>
        isAfter(operation) ? { ...operation, result: Number(operation.result) - 1 } : operation,
      );
    },
  },
];

for (const { name, kinds, mutate } of mutations)
  test(`in big histories every ${name} is found`, (t) => {
    let injected = 0;
    let operations = 0;
    for (let seed = 0; seed < 200; seed++) {
      const random = createRandom(seed);
      const { history } = simulateHistory(random, {
        threads: 4,
        operations: 3_000,
        keys: 1 + random.integer(4),
        kinds,
        argument: kinds.includes("add") ? () => 1 : (serial) => serial,
      });
      const mutated = mutate(random, history);
      if (mutated === undefined) continue;
      const result = checkLinearizable(mutated);
      assert.equal(result.ok, false, `seed ${seed}`);
      injected++;
      operations += mutated.length;
    }
    assert.ok(injected > 150, `only ${injected} injected`);
    t.diagnostic(`${injected} histories, ${operations} operations, ${name}: ${injected} injected, all found`);
  });
