/** Iteration over all entries, one walk a turn, and counters by handle. */
import { SharedMap } from "@cupel/shared-map";
import type { Contenders } from "./shared-map-contenders.ts";
import { keyLength } from "./shared-map-keys.ts";
import type { Turn } from "./shared-map-turns.ts";

const walks = 4;
const additions = 4_000_000;

export type WalkName =
  | "Map for..of"
  | "Cupel cursor"
  | "Cupel cursor, keys only"
  | "Cupel for..of"
  | "lmdb getRange"
  | "sharedmap keys()";

/** Every one adds up the lengths of the keys, and the numbers where it gets them. */
export function walkTurns({ set, map, cupel, lmdb, peer }: Contenders): Turn<WalkName>[] {
  const { count } = set;
  const lengths = count * keyLength;
  const entries = lengths + (count * (count - 1)) / 2;
  const cursor = cupel.cursor();
  const keyCursor = cupel.cursor("keys");
  return [
    {
      name: "Map for..of",
      operations: walks * count,
      expected: walks * entries,
      run() {
        let sum = 0;
        for (let walk = 0; walk < walks; walk++) {
          for (const [key, value] of map) sum += key.length + value;
        }
        return sum;
      },
    },
    {
      name: "Cupel cursor",
      operations: walks * count,
      expected: walks * entries,
      run() {
        let sum = 0;
        for (let walk = 0; walk < walks; walk++) {
          cursor.reset();
          while (cursor.next()) sum += cursor.key.length + cursor.value;
        }
        return sum;
      },
    },
    {
      name: "Cupel cursor, keys only",
      operations: walks * count,
      expected: walks * lengths,
      run() {
        let sum = 0;
        for (let walk = 0; walk < walks; walk++) {
          keyCursor.reset();
          while (keyCursor.next()) sum += keyCursor.key.length;
        }
        return sum;
      },
    },
    {
      name: "Cupel for..of",
      operations: walks * count,
      expected: walks * entries,
      run() {
        let sum = 0;
        for (let walk = 0; walk < walks; walk++) {
          for (const [key, value] of cupel) sum += key.length + value;
        }
        return sum;
      },
    },
    {
      name: "lmdb getRange",
      operations: count,
      expected: entries,
      run() {
        let sum = 0;
        for (const { key, value } of lmdb.getRange()) sum += key.length + value;
        return sum;
      },
    },
    {
      name: "sharedmap keys()",
      operations: count,
      expected: lengths,
      run() {
        let sum = 0;
        for (const key of peer.keys()) sum += key.length;
        return sum;
      },
    },
  ];
}

export type CounterName = "Atomics.add" | "Cupel counter by handle" | "Cupel add by key";

export function counterTurns(): Turn<CounterName>[] {
  const map = SharedMap.create<string, number>();
  const counter = map.counter("handle");
  const words = new Int32Array(new SharedArrayBuffer(4));
  const byKey = additions / 4;
  return [
    {
      name: "Atomics.add",
      operations: additions,
      expected: additions,
      run() {
        const before = Atomics.load(words, 0);
        for (let i = 0; i < additions; i++) Atomics.add(words, 0, 1);
        return Atomics.load(words, 0) - before;
      },
    },
    {
      name: "Cupel counter by handle",
      operations: additions,
      expected: additions,
      run() {
        const before = counter.value;
        for (let i = 0; i < additions; i++) counter.add(1);
        return counter.value - before;
      },
    },
    {
      name: "Cupel add by key",
      operations: byKey,
      expected: byKey,
      run() {
        const before = map.get("key") ?? 0;
        for (let i = 0; i < byKey; i++) map.add("key", 1);
        return map.get("key")! - before;
      },
    },
  ];
}
