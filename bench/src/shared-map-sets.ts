/** Overwriting numbers. Every run writes numbers that were not there, and one of them is read back. */
import { putAll } from "./peer/lmdb-store.ts";
import type { Contenders } from "./shared-map-contenders.ts";
import type { Turn } from "./shared-map-turns.ts";

const passes = 4;

export type SetName = "Map set" | "Cupel set" | "lmdb put, batched" | "sharedmap set";

/** From then on, the numbers of the contenders are others. */
export function setTurns({ set, map, cupel, lmdb, peer }: Contenders): Turn<SetName>[] {
  const { count, lookups, indices } = set;
  const last = lookups[count - 1]!;
  const expected = indices[count - 1]!;
  let stamp = 0;
  return [
    {
      name: "Map set",
      operations: passes * count,
      expected,
      run() {
        for (let pass = 0; pass < passes; pass++) {
          stamp++;
          for (let i = 0; i < count; i++) map.set(lookups[i]!, indices[i]! + stamp);
        }
        return map.get(last)! - stamp;
      },
    },
    {
      name: "Cupel set",
      operations: passes * count,
      expected,
      run() {
        for (let pass = 0; pass < passes; pass++) {
          stamp++;
          for (let i = 0; i < count; i++) cupel.set(lookups[i]!, indices[i]! + stamp);
        }
        return cupel.get(last)! - stamp;
      },
    },
    {
      name: "lmdb put, batched",
      operations: count,
      expected,
      async run() {
        stamp++;
        await putAll(lmdb, lookups, (i) => indices[i]! + stamp);
        return lmdb.get(last)! - stamp;
      },
    },
    {
      name: "sharedmap set",
      operations: count,
      expected,
      run() {
        stamp++;
        for (let i = 0; i < count; i++) peer.set(lookups[i]!, indices[i]! + stamp);
        return Number(peer.get(last)) - stamp;
      },
    },
  ];
}
