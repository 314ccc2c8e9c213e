/** What the worker threads of the tests do with a map. One row a task; each gets the map and plain parameters. */
import { Worker } from "node:worker_threads";
import { createRandom, type Random } from "@cupel/base";
import type { SharedMap } from "../../src/index.ts";
import { createRecorder, type OperationKind, operationKinds } from "../linearizability/history.ts";
import { casArgument, casParts, computeValue } from "../linearizability/specification.ts";

export interface RecordParameters {
  readonly rows: SharedArrayBuffer;
  readonly tickets: Int32Array<SharedArrayBuffer>;
  readonly thread: number;
  readonly operations: number;
  readonly keys: number;
  readonly seed: number;
  /** Rows for the keys of batches, one for each: they are read at the same time. None: no batches. */
  readonly batchRows?: readonly SharedArrayBuffer[];
}

/** Keys from here on are added so that the table grows; nothing of them is recorded. */
const growthKeys = 1_000_000;

/** Random operations on few keys, each with its tickets, while the table grows. */
function record(map: SharedMap<number, number>, parameters: RecordParameters): void {
  const { rows, tickets, thread, operations, keys, seed, batchRows = [] } = parameters;
  const recorder = createRecorder(rows, tickets, thread);
  const batch = batchRows.map((own) => createRecorder(own, tickets, thread));
  const random = createRandom(seed);
  for (let i = 0; i < operations; i++) {
    if (i % 4 === 0 && batch.length > 0) readMany(random.integer(keys));
    const kind = operationKinds[random.integer(operationKinds.length)]!;
    const key = random.integer(keys);
    const argument = argumentOf(kind, random.integer(1000), map, key);
    if (i % 8 === 0) map.set(growthKeys + thread * operations + i, i);
    recorder.call(kind, key, argument);
    recorder.return(recorded[kind](map, key, argument ?? 0));
  }

  /** Different keys, one beside the other: `getMany` is as many gets, each at a moment of its own within the call. */
  function readMany(first: number): void {
    const chosen = batch.map((_, i) => (first + i) % keys);
    for (const [i, key] of chosen.entries()) batch[i]!.call("get", key);
    const values = map.getMany(chosen);
    for (const [i, value] of values.entries()) batch[i]!.return(value);
  }
}

const withoutArgument: ReadonlySet<OperationKind> = new Set(["get", "has", "delete", "computeDelete"]);

function argumentOf(
  kind: OperationKind,
  n: number,
  map: SharedMap<number, number>,
  key: number,
): number | undefined {
  if (withoutArgument.has(kind)) return undefined;
  // It expects what is there now: a value drawn at random would never be.
  return kind === "compareAndSet" ? casArgument(map.peek(key), n) : n;
}

const recorded: Readonly<
  Record<
    OperationKind,
    (map: SharedMap<number, number>, key: number, n: number) => number | boolean | undefined
  >
> = {
  get: (map, key) => map.get(key),
  has: (map, key) => map.has(key),
  set: (map, key, n) => void map.set(key, n),
  delete: (map, key) => map.delete(key),
  add: (map, key, n) => map.add(key, n),
  compute: (map, key, n) => map.compute(key, (current) => computeValue(current, n)),
  computeDelete: (map, key) => map.compute(key, () => undefined),
  getOrInsert: (map, key, n) => map.getOrInsert(key, n),
  setIfAbsent: (map, key, n) => map.setIfAbsent(key, n),
  compareAndSet: (map, key, n) => {
    const { expected, value } = casParts(n);
    return map.compareAndSet(key, expected, value);
  },
};

export interface ChurnParameters {
  /** Word 0: anything but 0 ends the task. Word 1: operations done. Word 2: entries that iteration visited. */
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly keys: number;
  readonly seed: number;
  /** Bytes of the longest value, about. */
  readonly longest: number;
  /** Whether writes may be refused because memory is full. */
  readonly mayFill?: boolean;
  /** Share of operations that iterate over up to 50 entries. */
  readonly iterating?: number;
  /** Whether the thread starts another that does the same, and dies with it. */
  readonly isNested?: boolean;
  /** Whether the wall clock of the thread is put forward and back all the time, by up to a day. */
  readonly movesClock?: boolean;
}

/** All operations on many keys. A value tells its key and its length, so one that is torn or another's is seen. */
function churn(map: SharedMap<string, string | number>, parameters: ChurnParameters): void {
  const { control, keys, seed, longest, mayFill = false, iterating = 0.002 } = parameters;
  const random = createRandom(seed);
  if (parameters.isNested) startNested(map, { ...parameters, isNested: false, seed: seed + 1 });
  if (parameters.movesClock) moveClock(random);
  while (Atomics.load(control, 0) === 0) {
    const key = `k${random.integer(keys)}`;
    const choice = random.uniform();
    try {
      if (choice < iterating) Atomics.add(control, 2, walk(map, 50));
      else churnOnce(map, key, (choice - iterating) / (1 - iterating), longest, random);
    } catch (thrown) {
      if (!mayFill || (thrown as { code?: string }).code !== "MAP_FULL") throw thrown;
    }
    Atomics.add(control, 1, 1);
  }
}

function startNested(map: SharedMap<string, string | number>, parameters: ChurnParameters): void {
  const workerData = { handle: map.handle, task: "churn", parameters };
  // It is told to begin before it listens: this thread does not come to its event loop again.
  new Worker(new URL("./worker.ts", import.meta.url), { workerData }).postMessage("go");
}

function moveClock(random: Random): void {
  const { now } = Date;
  Date.now = () => now() + Math.round((random.uniform() * 2 - 1) * 86_400_000);
}

function churnOnce(
  map: SharedMap<string, string | number>,
  key: string,
  choice: number,
  longest: number,
  random: Random,
): void {
  const counter = `n${key}`;
  if (choice < 0.45) checkValue(key, map.get(key));
  else if (choice < 0.48) map.has(key);
  // A key that fills its block, and a value without bytes: nothing may be written behind it.
  else if (choice < 0.5) map.set(`f${key}`.padEnd(16), "");
  else if (choice < 0.72) map.set(key, valueFor(key, random, longest));
  else if (choice < 0.75) map.set(key, valueFor(key, random, longest), { ttl: 1 + random.integer(20) });
  else if (choice < 0.87) map.delete(key);
  else if (choice < 0.92) {
    const made = choice < 0.9 ? valueFor(key, random, longest) : undefined;
    map.compute(key, (old) => {
      checkValue(key, old);
      return made;
    });
  } else if (choice < 0.94) checkValue(key, map.getOrInsert(key, valueFor(key, random, longest)));
  else if (choice < 0.98) map.add(counter, 1);
  else map.delete(counter);
}

/** Mostly short, some that need several chunks where `longest` allows. */
export function valueFor(key: string, random: Random, longest: number): string {
  const length = Math.floor(longest ** random.uniform());
  return `${key}|${length}|${"x".repeat(length)}`;
}

export function checkValue(key: string, value: string | number | undefined): void {
  if (value === undefined) return;
  const [name, length, filling] = String(value).split("|");
  if (name !== key || filling?.length !== Number(length)) {
    throw new Error(
      `The value of ${key} is ${String(value).slice(0, 60)} of ${String(value).length} characters.`,
    );
  }
}

function walk(map: SharedMap<string, string | number>, most: number): number {
  const cursor = map.cursor();
  let count = 0;
  while (count < most && cursor.next()) {
    const key = String(cursor.key);
    if (key.startsWith("k")) checkValue(key, cursor.value);
    count++;
  }
  return count;
}

export interface WriteParameters {
  readonly control: Int32Array<SharedArrayBuffer>;
  /** Keys that are there from beginning to end: they are assigned, never deleted. */
  readonly kept: number;
  /** Keys that come and go: deleted, added, and deleted again. */
  readonly passing: number;
  readonly seed: number;
}

/** Grows, deletes and assigns under somebody's iteration. Keys: 0 .. kept-1 stay, then those that pass. */
function disturb(map: SharedMap<number, number>, parameters: WriteParameters): void {
  const { control, kept, passing, seed } = parameters;
  const random = createRandom(seed);
  while (Atomics.load(control, 0) === 0) {
    const key = kept + random.integer(passing);
    const choice = random.uniform();
    if (choice < 0.4) map.set(key, key);
    else if (choice < 0.8) map.delete(key);
    else {
      const stays = random.integer(kept);
      map.set(stays, stays);
    }
    Atomics.add(control, 1, 1);
  }
}

export interface ReadParameters {
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly seed: number;
  /** Word 0: keys 0 .. value-1 are there. */
  readonly progress: Int32Array<SharedArrayBuffer>;
}

/** Reads keys that are there while others make the map grow. Posts the longest reads, in microseconds. */
function read(
  map: SharedMap<number, number>,
  parameters: ReadParameters,
): { reads: number; longestUs: number } {
  const { control, seed, progress } = parameters;
  const random = createRandom(seed);
  let reads = 0;
  let longestUs = 0;
  while (Atomics.load(control, 0) === 0) {
    const count = Atomics.load(progress, 0);
    for (let i = 0; i < 1000; i++) {
      const key = random.integer(count);
      const started = performance.now();
      const value = map.get(key);
      longestUs = Math.max(longestUs, (performance.now() - started) * 1000);
      if (value !== key) throw new Error(`Key ${key} of ${count} reads ${value}.`);
    }
    reads += 1000;
  }
  return { reads, longestUs };
}

export const tasks = { record, churn, disturb, read };
export type TaskName = keyof typeof tasks;
