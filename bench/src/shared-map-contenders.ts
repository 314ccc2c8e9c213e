/** Everyone with the same entries, numbers and strings, and their turns at reading and at overwriting. */
import { SharedMap } from "@cupel/shared-map";
import { LRUCache } from "lru-cache";
import { type LmdbStore, openLmdb, putAll } from "./peer/lmdb-store.ts";
import { createSharedMapPeer, type SharedMapPeer } from "./peer/sharedmap.ts";
import { copied, type KeySet, keyLength, textLength, texts } from "./shared-map-keys.ts";
import type { Turn } from "./shared-map-turns.ts";

/** Walks over all keys in a turn of a fast contender: a million operations with 2^17 keys. */
const passes = 8;
const lmdbPasses = 2;
/** Walks over keys that nobody has looked up before: strings of their own, made before the turn. */
const newPasses = 4;

export interface Contenders extends AsyncDisposable {
  readonly set: KeySet;
  readonly texts: readonly string[];
  readonly map: Map<string, number>;
  readonly textMap: Map<string, string>;
  readonly lru: LRUCache<string, number>;
  readonly cupel: SharedMap<string, number>;
  readonly cupelText: SharedMap<string, string>;
  readonly lmdb: LmdbStore<number>;
  readonly lmdbText: LmdbStore<string>;
  readonly peer: SharedMapPeer;
  readonly peerText: SharedMapPeer;
}

/** @param pathOf for lmdb, of a temporary folder. */
export async function fillContenders(set: KeySet, pathOf: (name: string) => string): Promise<Contenders> {
  const { count, keys } = set;
  const values = texts(count);
  const map = new Map<string, number>();
  const textMap = new Map<string, string>();
  const lru = new LRUCache<string, number>({ max: count });
  const cupel = SharedMap.create<string, number>({ maxBytes: 2 ** 28 });
  const cupelText = SharedMap.create<string, string>({ maxBytes: 2 ** 28 });
  const lmdb = openLmdb<number>(pathOf("numbers"), "msgpack");
  const lmdbText = openLmdb<string>(pathOf("texts"), "string");
  const peer = createSharedMapPeer(count, keyLength, 7);
  const peerText = createSharedMapPeer(count, keyLength, textLength);
  for (let i = 0; i < count; i++) {
    const key = keys[i]!;
    const text = values[i]!;
    map.set(key, i);
    textMap.set(key, text);
    lru.set(key, i);
    cupel.set(key, i);
    cupelText.set(key, text);
    peer.set(key, i);
    peerText.set(key, text);
  }
  await putAll(lmdb, keys, (i) => i);
  await putAll(lmdbText, keys, (i) => values[i]!);
  return {
    ...{ set, texts: values, map, textMap, lru, cupel, cupelText, lmdb, lmdbText, peer, peerText },
    async [Symbol.asyncDispose]() {
      for (const shared of [cupel, cupelText]) shared.close();
      await lmdb.close();
      await lmdbText.close();
    },
  };
}

export type ReadName = keyof ReturnType<typeof readLoops>;

/**
 * Every one adds up what it read: a string is read by its length and one of its characters. Keys are the very
 * strings that the maps were filled with, whose hashes V8 remembers and which a Map finds by their addresses;
 * with "new keys" they are strings that were just made, as a request's are.
 */
function readLoops({ set, ...all }: Contenders) {
  const { lookups, count } = set;
  const { map, textMap, lru, cupel, cupelText, lmdb, lmdbText, peer, peerText } = all;
  let unseen: string[][] = [];
  const makeKeys = () => {
    unseen = Array.from({ length: newPasses }, () => copied(lookups));
  };
  const sumOfIndices = (count * (count - 1)) / 2;
  const sumOfTexts = all.texts.reduce((sum, text) => sum + text.length + text.charCodeAt(50), 0);
  const indices = (times: number) => ({ operations: times * count, expected: times * sumOfIndices });
  const strings = (times: number) => ({ operations: times * count, expected: times * sumOfTexts });
  const hits = (times: number) => ({ operations: times * count, expected: times * count });
  return {
    "Map get number": {
      ...indices(passes),
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (let i = 0; i < count; i++) sum += map.get(lookups[i]!)!;
        }
        return sum;
      },
    },
    "Map get string": {
      ...strings(passes),
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (let i = 0; i < count; i++) {
            const text = textMap.get(lookups[i]!)!;
            sum += text.length + text.charCodeAt(50);
          }
        }
        return sum;
      },
    },
    "Map get number, new keys": {
      ...indices(newPasses),
      prepare: makeKeys,
      run() {
        let sum = 0;
        for (const keys of unseen) {
          for (let i = 0; i < count; i++) sum += map.get(keys[i]!)!;
        }
        return sum;
      },
    },
    "lru-cache get number": {
      ...indices(passes),
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (let i = 0; i < count; i++) sum += lru.get(lookups[i]!)!;
        }
        return sum;
      },
    },
    "Cupel has": {
      ...hits(passes),
      run() {
        let found = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (let i = 0; i < count; i++) if (cupel.has(lookups[i]!)) found++;
        }
        return found;
      },
    },
    "Cupel has, new keys": {
      ...hits(newPasses),
      prepare: makeKeys,
      run() {
        let found = 0;
        for (const keys of unseen) {
          for (let i = 0; i < count; i++) if (cupel.has(keys[i]!)) found++;
        }
        return found;
      },
    },
    "Cupel get number": {
      ...indices(passes),
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (let i = 0; i < count; i++) sum += cupel.get(lookups[i]!)!;
        }
        return sum;
      },
    },
    "Cupel get string": {
      ...strings(passes),
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (let i = 0; i < count; i++) {
            const text = cupelText.get(lookups[i]!)!;
            sum += text.length + text.charCodeAt(50);
          }
        }
        return sum;
      },
    },
    "lmdb doesExist": {
      ...hits(lmdbPasses),
      run() {
        let found = 0;
        for (let pass = 0; pass < lmdbPasses; pass++) {
          for (let i = 0; i < count; i++) if (lmdb.doesExist(lookups[i]!)) found++;
        }
        return found;
      },
    },
    "lmdb get number": {
      ...indices(lmdbPasses),
      run() {
        let sum = 0;
        for (let pass = 0; pass < lmdbPasses; pass++) {
          for (let i = 0; i < count; i++) sum += lmdb.get(lookups[i]!)!;
        }
        return sum;
      },
    },
    "lmdb get string": {
      ...strings(lmdbPasses),
      run() {
        let sum = 0;
        for (let pass = 0; pass < lmdbPasses; pass++) {
          for (let i = 0; i < count; i++) {
            const text = lmdbText.get(lookups[i]!)!;
            sum += text.length + text.charCodeAt(50);
          }
        }
        return sum;
      },
    },
    "sharedmap get number": {
      ...indices(1),
      run() {
        let sum = 0;
        for (let i = 0; i < count; i++) sum += Number(peer.get(lookups[i]!));
        return sum;
      },
    },
    "sharedmap get string": {
      ...strings(1),
      run() {
        let sum = 0;
        for (let i = 0; i < count; i++) {
          const text = peerText.get(lookups[i]!)!;
          sum += text.length + text.charCodeAt(50);
        }
        return sum;
      },
    },
  } satisfies Record<string, Omit<Turn<string>, "name">>;
}

export function readTurns(contenders: Contenders): Turn<ReadName>[] {
  return Object.entries(readLoops(contenders)).map(([name, loop]) => ({ name: name as ReadName, ...loop }));
}
