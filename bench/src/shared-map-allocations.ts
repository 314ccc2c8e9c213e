/** Bytes of JavaScript that one step of a loop over a shared map allocates, garbage included. */
import { SharedMap } from "@cupel/shared-map";
import { allocationOf } from "./allocation.ts";
import type { Contenders } from "./shared-map-contenders.ts";

/** Often enough for the compiler to be done before it is counted. */
const warmups = 4;

export type AllocationName =
  | "cursor, numbers to numbers"
  | "get a number by number"
  | "has by number"
  | "get a number by string"
  | "has by string"
  | "cursor, strings to numbers"
  | "for..of, strings to numbers"
  | "get a string by string"
  | "counter add";

/** Bytes a step. */
export async function measureAllocations({
  set: { lookups, count },
  cupel,
  cupelText,
}: Contenders): Promise<Record<AllocationName, number>> {
  using numbers = SharedMap.create<number, number>({ maxBytes: 2 ** 28 });
  for (let i = 0; i < count; i++) numbers.set(i, i);
  const counter = numbers.counter(-1);
  const numberCursor = numbers.cursor();
  const cursor = cupel.cursor();
  const bytesPerStep = async (walk: () => number): Promise<number> => {
    for (let i = 0; i < warmups; i++) walk();
    let steps = 0;
    const { thisThread } = await allocationOf(async () => {
      for (let i = 0; i < 4; i++) steps += walk();
    });
    // Less would be a walk that did not find what it looked for.
    if (steps < 4 * count) throw new Error(`${steps} steps instead of ${4 * count}.`);
    return thisThread / steps;
  };
  return {
    "cursor, numbers to numbers": await bytesPerStep(() => {
      let steps = 0;
      numberCursor.reset();
      while (numberCursor.next()) if (numberCursor.key + numberCursor.value >= -2) steps++;
      return steps;
    }),
    "get a number by number": await bytesPerStep(() => {
      let steps = 0;
      for (let i = 0; i < count; i++) if (numbers.get(i)! >= 0) steps++;
      return steps;
    }),
    "has by number": await bytesPerStep(() => {
      let steps = 0;
      for (let i = 0; i < count; i++) if (numbers.has(i)) steps++;
      return steps;
    }),
    "get a number by string": await bytesPerStep(() => {
      let steps = 0;
      for (let i = 0; i < count; i++) if (cupel.get(lookups[i]!)! >= 0) steps++;
      return steps;
    }),
    "has by string": await bytesPerStep(() => {
      let steps = 0;
      for (let i = 0; i < count; i++) if (cupel.has(lookups[i]!)) steps++;
      return steps;
    }),
    "cursor, strings to numbers": await bytesPerStep(() => {
      let steps = 0;
      cursor.reset();
      while (cursor.next()) if (cursor.key.length + cursor.value >= 0) steps++;
      return steps;
    }),
    "for..of, strings to numbers": await bytesPerStep(() => {
      let steps = 0;
      for (const [key, value] of cupel) if (key.length + value >= 0) steps++;
      return steps;
    }),
    "get a string by string": await bytesPerStep(() => {
      let steps = 0;
      for (let i = 0; i < count; i++) if (cupelText.get(lookups[i]!)!.length > 0) steps++;
      return steps;
    }),
    "counter add": await bytesPerStep(() => {
      let steps = 0;
      for (let i = 0; i < count; i++) if (counter.add(1) >= 0) steps++;
      return steps;
    }),
  };
}
