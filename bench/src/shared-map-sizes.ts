/**
 * The same reads at other sizes. A map that fits into the processor's caches is read several times as fast as
 * one that does not, and both sides leave them at different sizes: one ratio holds for one size.
 */
import { SharedMap } from "@cupel/shared-map";
import { keySet } from "./shared-map-keys.ts";
import { type Timings, type Turn, takeTurns } from "./shared-map-turns.ts";

const operations = 2 ** 20;

export type SizeName = "Map get" | "Cupel has" | "Cupel get number";

export async function measureSize(
  count: number,
  rounds: number,
  signal: AbortSignal,
): Promise<Timings<SizeName>> {
  const { keys, lookups } = keySet(count);
  const map = new Map<string, number>();
  using cupel = SharedMap.create<string, number>({ maxBytes: 2 ** 29 });
  for (let i = 0; i < count; i++) {
    map.set(keys[i]!, i);
    cupel.set(keys[i]!, i);
  }
  const passes = operations / count;
  const sumOfIndices = (passes * count * (count - 1)) / 2;
  const turns: Turn<SizeName>[] = [
    {
      name: "Map get",
      operations,
      expected: sumOfIndices,
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (let i = 0; i < count; i++) sum += map.get(lookups[i]!)!;
        }
        return sum;
      },
    },
    {
      name: "Cupel has",
      operations,
      expected: operations,
      run() {
        let found = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (let i = 0; i < count; i++) if (cupel.has(lookups[i]!)) found++;
        }
        return found;
      },
    },
    {
      name: "Cupel get number",
      operations,
      expected: sumOfIndices,
      run() {
        let sum = 0;
        for (let pass = 0; pass < passes; pass++) {
          for (let i = 0; i < count; i++) sum += cupel.get(lookups[i]!)!;
        }
        return sum;
      },
    },
  ];
  return await takeTurns(turns, rounds, signal);
}
