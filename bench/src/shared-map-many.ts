/** Reading many keys in one call, as many as a request may need at once, beside a Map that is asked for one after the other. */
import type { Contenders } from "./shared-map-contenders.ts";
import { copied } from "./shared-map-keys.ts";
import type { Turn } from "./shared-map-turns.ts";

export const manyKeys = 32;
const passes = 8;
const lmdbPasses = 2;
/** Walks over keys that nobody has looked up before. */
const newPasses = 4;

export type ManyName =
  | "Map get number"
  | "Cupel getMany number"
  | "Map get string"
  | "Cupel getMany string"
  | "Cupel hasMany"
  | "Map get number, new keys"
  | "Cupel getMany number, new keys"
  | "lmdb getMany number"
  | "lmdb getMany string";

export function manyTurns({ set, ...all }: Contenders): Turn<ManyName>[] {
  const { map, textMap, cupel, cupelText, lmdb, lmdbText } = all;
  const requests = requestsOf(set.lookups);
  const count = requests.length * manyKeys;
  const sumOfIndices = set.indices.slice(0, count).reduce((sum, index) => sum + index, 0);
  const sumOfTexts = set.indices
    .slice(0, count)
    .reduce((sum, index) => sum + all.texts[index]!.length + all.texts[index]!.charCodeAt(50), 0);
  const turn = (times: number, each: number) => ({ operations: times * count, expected: times * each });
  let unseen: string[][] = [];
  const makeKeys = () => {
    unseen = Array.from({ length: newPasses }, () => requestsOf(copied(set.lookups))).flat();
  };
  return [
    {
      name: "Map get number",
      ...turn(passes, sumOfIndices),
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (const keys of requests) for (let i = 0; i < manyKeys; i++) sum += map.get(keys[i]!)!;
        }
        return sum;
      },
    },
    {
      name: "Cupel getMany number",
      ...turn(passes, sumOfIndices),
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (const keys of requests) {
            const values = cupel.getMany(keys);
            for (let i = 0; i < manyKeys; i++) sum += values[i]!;
          }
        }
        return sum;
      },
    },
    {
      name: "Map get string",
      ...turn(passes, sumOfTexts),
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (const keys of requests) {
            for (let i = 0; i < manyKeys; i++) {
              const text = textMap.get(keys[i]!)!;
              sum += text.length + text.charCodeAt(50);
            }
          }
        }
        return sum;
      },
    },
    {
      name: "Cupel getMany string",
      ...turn(passes, sumOfTexts),
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (const keys of requests) {
            const values = cupelText.getMany(keys);
            for (let i = 0; i < manyKeys; i++) {
              const text = values[i]!;
              sum += text.length + text.charCodeAt(50);
            }
          }
        }
        return sum;
      },
    },
    {
      name: "Cupel hasMany",
      ...turn(passes, count),
      run() {
        let found = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (const keys of requests) {
            const answers = cupel.hasMany(keys);
            for (let i = 0; i < manyKeys; i++) if (answers[i]) found++;
          }
        }
        return found;
      },
    },
    {
      name: "Map get number, new keys",
      ...turn(newPasses, sumOfIndices),
      prepare: makeKeys,
      run() {
        let sum = 0;
        for (const keys of unseen) for (let i = 0; i < manyKeys; i++) sum += map.get(keys[i]!)!;
        return sum;
      },
    },
    {
      name: "Cupel getMany number, new keys",
      ...turn(newPasses, sumOfIndices),
      prepare: makeKeys,
      run() {
        let sum = 0;
        for (const keys of unseen) {
          const values = cupel.getMany(keys);
          for (let i = 0; i < manyKeys; i++) sum += values[i]!;
        }
        return sum;
      },
    },
    {
      name: "lmdb getMany number",
      ...turn(lmdbPasses, sumOfIndices),
      async run() {
        let sum = 0;
        for (let pass = 0; pass < lmdbPasses; pass++) {
          for (const keys of requests) {
            const values = await lmdb.getMany(keys);
            for (let i = 0; i < manyKeys; i++) sum += values[i]!;
          }
        }
        return sum;
      },
    },
    {
      name: "lmdb getMany string",
      ...turn(lmdbPasses, sumOfTexts),
      async run() {
        let sum = 0;
        for (let pass = 0; pass < lmdbPasses; pass++) {
          for (const keys of requests) {
            const values = await lmdbText.getMany(keys);
            for (let i = 0; i < manyKeys; i++) {
              const text = values[i]!;
              sum += text.length + text.charCodeAt(50);
            }
          }
        }
        return sum;
      },
    },
  ];
}

/** Whole ones only. */
function requestsOf(lookups: readonly string[]): string[][] {
  return Array.from({ length: Math.floor(lookups.length / manyKeys) }, (_, i) =>
    lookups.slice(i * manyKeys, (i + 1) * manyKeys),
  );
}
