import assert from "node:assert/strict";
import { test } from "node:test";
import type { Scenario } from "./execution.ts";
import { type ExploreOptions, explore } from "./explorer.ts";
import { createModelMachine, type ModelMachine, type Program } from "./model-machine.ts";
import { operationNumbers } from "./operations.ts";
import { DataRace } from "./race-detector.ts";
import { Deadlock, replay, ScheduleFailure } from "./schedule.ts";

const COUNTER = 0;
const LOCK = 8;
const OTHER_LOCK = 16;
const FLAG = 24;
const DATA = 32;

function* lock(machine: ModelMachine, word: number): Program {
  const { compareExchange, wait } = machine.operations;
  while ((yield compareExchange(word, 0, 1)) !== 0) yield wait(word, 1);
}
function* unlock(machine: ModelMachine, word: number): Program {
  const { atomicStore, notify } = machine.operations;
  yield atomicStore(word, 0);
  yield notify(word, 1);
}

function failureOf(options: ExploreOptions): ScheduleFailure {
  try {
    explore(options);
  } catch (error) {
    assert.ok(error instanceof ScheduleFailure, String(error));
    return error;
  }
  assert.fail("no failure");
}

function unlockedIncrements(machine: ModelMachine): ExploreOptions {
  const { atomicLoad, atomicStore } = machine.operations;
  function* increment(): Program {
    const seen = yield atomicLoad(COUNTER);
    yield atomicStore(COUNTER, seen + 1);
  }
  const onEnd = () => assert.equal(machine.words[COUNTER], 2, "an update is lost");
  return { machine, threads: { one: increment, two: increment }, onEnd };
}

test("finds the update that unlocked increments lose, and prints how", () => {
  const options = unlockedIncrements(createModelMachine(64));
  const failure = failureOf(options);
  assert.match(failure.message, /an update is lost/);
  assert.match(failure.message, /one: atomicLoad\(0x0\) -> 0/);
  assert.equal(failure.steps.length, 4);
  // The schedule is a test of its own.
  const again = replay(options, failure.schedule);
  assert.deepEqual(again.steps, failure.steps);
  assert.equal(options.machine.words[COUNTER], 1);
});

test("of 6 orders of two unlocked increments 4 lose an update, by any way of exploring", () => {
  for (const merge of [true, false]) {
    const machine = createModelMachine(64);
    const onEnd = () => machine.words[COUNTER] === 1;
    const found = explore({ ...unlockedIncrements(machine), onEnd, reduce: false, merge });
    assert.equal(found.schedules, 6);
    assert.equal(found.flaggedSchedules, 4);
  }
});

test("finds nothing wrong with a loop of compareExchange", () => {
  const machine = createModelMachine(64);
  const { atomicLoad, compareExchange } = machine.operations;
  function* increment(): Program {
    for (;;) {
      const seen = yield atomicLoad(COUNTER);
      if ((yield compareExchange(COUNTER, seen, seen + 1)) === seen) return;
    }
  }
  const onEnd = () => assert.equal(machine.words[COUNTER], 3);
  const found = explore({ machine, threads: { one: increment, two: increment, three: increment }, onEnd });
  assert.ok(found.isComplete && found.runs > 1);
});

function* steps(machine: ModelMachine, address: number, count: number): Program {
  for (let i = 0; i < count; i++) yield machine.operations.atomicStore(address, i + 1);
}

test("independent threads of a and b steps have (a + b)! / (a! b!) orders, counted and run", () => {
  const machine = createModelMachine(64);
  const threads = { one: () => steps(machine, 0, 5), two: () => steps(machine, 8, 4) };
  const run = explore({ machine, threads, reduce: false, merge: false });
  assert.equal(run.runs, 126);
  assert.equal(run.schedules, 126);
  const counted = explore({ machine, threads, reduce: false });
  assert.equal(counted.schedules, 126);
  assert.equal(counted.states, 6 * 5 - 1);
  const three = { ...threads, three: () => steps(machine, 16, 3) };
  // 12! / (5! 4! 3!)
  assert.equal(explore({ machine, threads: three, reduce: false }).schedules, 27720);
});

test("one order of independent steps is enough", () => {
  const machine = createModelMachine(64);
  const threads = { one: () => steps(machine, 0, 5), two: () => steps(machine, 8, 4) };
  assert.equal(explore({ machine, threads }).runs, 1);
});

test("without reduction, with it, and without merging: the same final states", () => {
  const finals = (options: Partial<ExploreOptions>) => {
    const machine = createModelMachine(64);
    const { atomicAdd, atomicExchange, atomicLoad, atomicStore } = machine.operations;
    function* mix(own: number): Program<number> {
      yield atomicStore(own, 1);
      const a = yield atomicExchange(COUNTER, own);
      const b = yield atomicLoad(48 - own);
      yield atomicAdd(COUNTER, a * 3 + b);
      yield atomicAdd(own, 2);
      return a * 100 + b;
    }
    const seen = new Set<string>();
    explore({
      machine,
      threads: { one: () => mix(16), two: () => mix(32), three: () => steps(machine, COUNTER, 2) },
      onEnd: ({ results }) => seen.add(`${results.one} ${results.two} ${machine.words.join()}`),
      ...options,
    });
    return [...seen].sort();
  };
  const all = finals({ reduce: false, merge: false });
  assert.ok(all.length > 20);
  assert.deepEqual(finals({}), all);
  assert.deepEqual(finals({ reduce: false }), all);
  assert.deepEqual(finals({ merge: false }), all);
  assert.deepEqual(finals({ races: true }), all);
  assert.deepEqual(finals({ maxPreemptions: 20 }), all);
});

function twoLocks(machine: ModelMachine, first: readonly number[], second: readonly number[]): Scenario {
  function* both(words: readonly number[]): Program {
    for (const word of words) yield* lock(machine, word);
    for (const word of words) yield* unlock(machine, word);
  }
  return { machine, threads: { one: () => both(first), two: () => both(second) } };
}

test("finds the deadlock of two locks taken in two orders", () => {
  const crossed = twoLocks(createModelMachine(64), [LOCK, OTHER_LOCK], [OTHER_LOCK, LOCK]);
  assert.ok(failureOf(crossed).cause instanceof Deadlock);
  const found = explore({ ...crossed, allowDeadlock: true, onEnd: ({ blocked }) => blocked.length === 2 });
  assert.ok(found.deadlocks > 0 && found.flagged === found.deadlocks && found.runs > found.deadlocks);
  const ordered = twoLocks(createModelMachine(64), [LOCK, OTHER_LOCK], [LOCK, OTHER_LOCK]);
  assert.equal(explore(ordered).deadlocks, 0);
});

test("a wake-up that is lost is a deadlock, or a timeout where the sleep has one", () => {
  const machine = createModelMachine(64);
  const { wait } = machine.operations;
  // Sets the flag without notify.
  const setter = () => steps(machine, FLAG, 1);
  const sleeper = (milliseconds: number) =>
    function* (): Program<number> {
      return yield wait(FLAG, 0, milliseconds);
    };
  assert.ok(
    failureOf({ machine, threads: { setter, sleeper: sleeper(Infinity) } }).cause instanceof Deadlock,
  );
  const results = new Set<unknown>();
  const found = explore({
    machine,
    threads: { setter, sleeper: sleeper(10) },
    onEnd: (run) => results.add(run.results.sleeper),
  });
  assert.equal(found.timeouts, 1);
  assert.deepEqual([...results].sort(), [1, 2]);
});

test("finds a data race, and none where an atomic word orders the accesses", () => {
  const machine = createModelMachine(64);
  const { atomicLoad, atomicStore } = machine.operations;
  const { load32, store32 } = machine.plain;
  function* writer(): Program {
    store32(DATA, 7);
    yield atomicStore(FLAG, 1);
  }
  function* careful(): Program {
    if ((yield atomicLoad(FLAG)) === 1) assert.equal(load32(DATA), 7);
  }
  function* careless(): Program<number> {
    yield atomicLoad(FLAG);
    return load32(DATA);
  }
  explore({ machine, races: true, threads: { writer, careful } });
  const failure = failureOf({ machine, races: true, threads: { writer, careless } });
  assert.ok(failure.cause instanceof DataRace);
  assert.match(failure.message, /plain write by writer, and plain read by careless/);
});

test("finds a race that merging states by memory and results alone would hide", () => {
  // Both orders of the lock end in one state; in one of them only does the reader know of the write.
  const machine = createModelMachine(64);
  const { load32, store32 } = machine.plain;
  function* writer(): Program {
    yield* lock(machine, LOCK);
    store32(DATA, 0);
    yield* unlock(machine, LOCK);
  }
  function* reader(): Program<number> {
    yield* lock(machine, LOCK);
    yield* unlock(machine, LOCK);
    return load32(DATA);
  }
  assert.ok(failureOf({ machine, races: true, threads: { writer, reader } }).cause instanceof DataRace);
});

test("a bound on preemptions leaves out schedules with more", () => {
  const options = unlockedIncrements(createModelMachine(64));
  assert.equal(explore({ ...options, maxPreemptions: 0 }).isComplete, true);
  assert.match(failureOf({ ...options, maxPreemptions: 1 }).message, /an update is lost/);
});

test("finds the lock that a dead thread holds, and none where somebody recovers it", () => {
  const machine = createModelMachine(64);
  const { atomicLoad, atomicStore, notify } = machine.operations;
  function* user(): Program {
    yield* lock(machine, LOCK);
    yield* unlock(machine, LOCK);
  }
  function* recover(): Program {
    // Nobody else can hold it as 2: the victim's mark.
    if ((yield atomicLoad(LOCK)) === 2) yield atomicStore(LOCK, 0);
    // In any case: it may have died between the two.
    yield notify(LOCK, -1);
  }
  function* victim(): Program {
    const { compareExchange, wait } = machine.operations;
    for (let seen = yield compareExchange(LOCK, 0, 2); seen !== 0; ) {
      yield wait(LOCK, seen);
      seen = yield compareExchange(LOCK, 0, 2);
    }
    yield* unlock(machine, LOCK);
  }
  function* patient(): Program {
    const { compareExchange, wait } = machine.operations;
    for (let seen = yield compareExchange(LOCK, 0, 1); seen !== 0; ) {
      yield wait(LOCK, seen);
      seen = yield compareExchange(LOCK, 0, 1);
    }
    yield atomicStore(LOCK, 0);
    yield notify(LOCK, -1);
  }
  assert.equal(explore({ machine, threads: { victim: user, other: user } }).deadlocks, 0);
  const threads = { victim, patient };
  const failure = failureOf({ machine, threads, kill: "victim" });
  assert.ok(failure.cause instanceof Deadlock);
  assert.ok(failure.steps.includes("victim: dies"));
  let deaths = 0;
  const onEnd = ({ hasDied }: { hasDied: boolean }) => {
    if (hasDied) deaths++;
    assert.equal(machine.words[LOCK / 4], 0);
  };
  explore({ machine, threads, kill: "victim", recover, onEnd });
  assert.ok(deaths > 1);
});

test("a thread that never ends is told apart from one that is slow", () => {
  const machine = createModelMachine(64);
  function* endless(): Program {
    for (;;) yield machine.operations.atomicLoad(COUNTER);
  }
  assert.match(failureOf({ machine, threads: { endless }, maxSteps: 50 }).message, /no end after 50 steps/);
});

test("the model machine has every function of the core's", async () => {
  const core = Object.keys(await import("../../src/core/machine.ts")).filter((name) => name !== "useMemory");
  const { plain } = createModelMachine(64);
  assert.deepEqual([...operationNumbers.keys(), ...Object.keys(plain)].sort(), core.sort());
});
