/**
 * The claim that was: an iterator over a map that grows as Go's does (up to 1.23) is safe when it loads the
 * three words `buckets`, `oldbuckets` and `nevacuate` atomically. This is that map, as small as it can be: no
 * writes but those of growth, keys that are there throughout, and the iterator's rule: while a map grows, a
 * bucket whose old bucket is not evacuated is read from there, by hash; any other from the new array.
 */
import type { Scenario } from "./execution.ts";
import { createModelMachine, type Program } from "./model-machine.ts";

export type Word = "buckets" | "oldbuckets" | "nevacuate";

export interface Variant {
  readonly name: string;
  /** In the order in which the iterator loads, and the grower stores, them. Without: one root word. */
  readonly loads?: readonly Word[];
  readonly stores?: readonly Word[];
  readonly grows: 1 | 2;
}

const addresses: Readonly<Record<Word, number>> = { buckets: 8, oldbuckets: 16, nevacuate: 24 };
const ROOT = 32;
/** Each three words that never change: what the three words of the other variants would say. */
const DESCRIPTORS = 64;
/** The array with 2 buckets, which the map begins with. */
const FIRST = 2000;

/** A key's hash is the key. 0 and 2 share a bucket until the first growth, 1 has one of its own. */
export const keys: readonly number[] = [0, 1, 2];

// An array of n buckets lies at 1000 n: its address tells its size. A bucket is a word, a bit for each key.
const sizeOf = (array: number) => Math.floor(array / 1000);
const bucketAt = (array: number, index: number) => array + index * 8;
const maskOf = (index: number, size: number) =>
  keys.reduce((mask, key) => (key % size === index ? mask | (1 << key) : mask), 0);

export function scenarioOf({ loads, stores, grows }: Variant): Scenario {
  const machine = createModelMachine(8192);
  const { atomicLoad, atomicStore } = machine.operations;
  const { store32 } = machine.plain;
  store32(addresses.buckets, FIRST);
  store32(DESCRIPTORS, FIRST);
  store32(ROOT, DESCRIPTORS);
  for (let i = 0; i < 2; i++) store32(bucketAt(FIRST, i), maskOf(i, 2));
  machine.snapshot();

  /** The grower says what is in force now. */
  function* publish(state: Readonly<Record<Word, number>>, changed: readonly Word[], count: number): Program {
    if (stores) {
      for (const word of changed) yield atomicStore(addresses[word], state[word]);
      return;
    }
    const descriptor = DESCRIPTORS + count * 16;
    store32(descriptor, state.buckets);
    store32(descriptor + 4, state.oldbuckets);
    store32(descriptor + 8, state.nevacuate);
    yield atomicStore(ROOT, descriptor);
  }

  function* grower(): Program {
    let published = 0;
    for (let size = 2; size < 2 << grows; size *= 2) {
      const from = size * 1000;
      const to = size * 2000;
      const state = { buckets: to, oldbuckets: from, nevacuate: 0 };
      yield* publish(state, stores ?? [], ++published);
      for (let i = 0; i < size; i++) {
        for (const target of [i, i + size]) {
          yield atomicStore(bucketAt(to, target), maskOf(target, 2 * size));
        }
        state.nevacuate = i + 1;
        yield* publish(state, ["nevacuate"], ++published);
      }
      state.oldbuckets = 0;
      yield* publish(state, ["oldbuckets"], ++published);
    }
  }

  function* look(): Program<Record<Word, number>> {
    const seen = { buckets: 0, oldbuckets: 0, nevacuate: 0 };
    if (loads) {
      for (const word of loads) seen[word] = yield atomicLoad(addresses[word]);
      return seen;
    }
    const descriptor = yield atomicLoad(ROOT);
    seen.buckets = machine.plain.load32(descriptor);
    seen.oldbuckets = machine.plain.load32(descriptor + 4);
    seen.nevacuate = machine.plain.load32(descriptor + 8);
    return seen;
  }

  function* iterator(): Program<number[]> {
    const { buckets, oldbuckets, nevacuate } = yield* look();
    const size = sizeOf(buckets);
    const visited: number[] = [];
    for (let i = 0; i < size; i++) {
      const old = oldbuckets === 0 ? 0 : i % sizeOf(oldbuckets);
      const isOld = oldbuckets !== 0 && old >= nevacuate;
      const found = yield atomicLoad(isOld ? bucketAt(oldbuckets, old) : bucketAt(buckets, i));
      for (const key of keys) if ((found & (1 << key)) !== 0 && key % size === i) visited.push(key);
    }
    return visited;
  }

  return { machine, threads: { grower, iterator }, nameOf };
}

/** Whether an iteration has visited each key once. */
export function isExactlyOnce(visited: unknown): boolean {
  return Array.isArray(visited) && visited.toSorted().join() === keys.join();
}

function nameOf(address: number): string {
  for (const [name, at] of Object.entries(addresses)) if (at === address) return name;
  if (address === ROOT) return "root";
  const size = sizeOf(address);
  return `bucket ${(address - size * 1000) / 8} of ${size}`;
}
