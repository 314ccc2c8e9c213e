/**
 * A near cache, by keys as users ask for them: few often, most seldom, by Zipf's law with the exponent 0.99 that the
 * YCSB benchmark made customary. Keys are cached in another order than that in which they lie in the map, and read
 * in a third.
 */
import { createRandom } from "@cupel/base";
import { SharedMap } from "@cupel/shared-map";
import type { Contenders } from "./shared-map-contenders.ts";
import type { Turn } from "./shared-map-turns.ts";

const exponent = 0.99;
const draws = 2 ** 20;
const seed = 11;

export type NearName =
  | "Map get number"
  | "Cupel get number, near cache"
  | "Map get string"
  | "Cupel get string, near cache"
  | "Cupel has, near cache";

export interface NearMaps extends Disposable {
  readonly numbers: SharedMap<string, number>;
  readonly strings: SharedMap<string, string>;
}

/** With a near cache that has room for all keys, and has them. */
export function fillNearMaps({ set, texts }: Contenders): NearMaps {
  const { count, keys } = set;
  const numbers = SharedMap.create<string, number>({ maxBytes: 2 ** 28, nearCache: count });
  const strings = SharedMap.create<string, string>({ maxBytes: 2 ** 28, nearCache: count });
  for (let i = 0; i < count; i++) {
    numbers.set(keys[i]!, i);
    strings.set(keys[i]!, texts[i]!);
  }
  for (const i of createRandom(seed).permutation(count)) {
    numbers.get(keys[i]!);
    strings.get(keys[i]!);
  }
  return {
    ...{ numbers, strings },
    [Symbol.dispose]() {
      numbers.close();
      strings.close();
    },
  };
}

export function nearTurns(contenders: Contenders, { numbers, strings }: NearMaps): Turn<NearName>[] {
  const { set, texts, map, textMap } = contenders;
  const drawn = drawByZipf(set.count);
  const lookups = drawn.map((i) => set.keys[i]!);
  const sumOfIndices = drawn.reduce((sum, i) => sum + i, 0);
  const sumOfTexts = drawn.reduce((sum, i) => sum + texts[i]!.length + texts[i]!.charCodeAt(50), 0);
  return [
    {
      name: "Map get number",
      operations: draws,
      expected: sumOfIndices,
      run() {
        let sum = 0;
        for (let i = 0; i < draws; i++) sum += map.get(lookups[i]!)!;
        return sum;
      },
    },
    {
      name: "Cupel get number, near cache",
      operations: draws,
      expected: sumOfIndices,
      run() {
        let sum = 0;
        for (let i = 0; i < draws; i++) sum += numbers.get(lookups[i]!)!;
        return sum;
      },
    },
    {
      name: "Map get string",
      operations: draws,
      expected: sumOfTexts,
      run() {
        let sum = 0;
        for (let i = 0; i < draws; i++) {
          const text = textMap.get(lookups[i]!)!;
          sum += text.length + text.charCodeAt(50);
        }
        return sum;
      },
    },
    {
      name: "Cupel get string, near cache",
      operations: draws,
      expected: sumOfTexts,
      run() {
        let sum = 0;
        for (let i = 0; i < draws; i++) {
          const text = strings.get(lookups[i]!)!;
          sum += text.length + text.charCodeAt(50);
        }
        return sum;
      },
    },
    {
      name: "Cupel has, near cache",
      operations: draws,
      expected: draws,
      run() {
        let found = 0;
        for (let i = 0; i < draws; i++) if (numbers.has(lookups[i]!)) found++;
        return found;
      },
    },
  ];
}

/** Which key is how popular has nothing to do with when it was put in. */
function drawByZipf(count: number): number[] {
  const random = createRandom(seed + 1);
  const keyOfRank = random.permutation(count);
  const cumulative = new Float64Array(count);
  let total = 0;
  for (let rank = 0; rank < count; rank++) {
    total += 1 / (rank + 1) ** exponent;
    cumulative[rank] = total;
  }
  return Array.from({ length: draws }, () => keyOfRank[rankAt(cumulative, random.uniform() * total)]!);
}

/** The first rank whose cumulative weight reaches a weight. */
function rankAt(cumulative: Float64Array, weight: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! < weight) low = middle + 1;
    else high = middle;
  }
  return low;
}
