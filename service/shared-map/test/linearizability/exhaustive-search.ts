/**
 * The definition of linearizability, taken at its word: every order of the operations, all keys together, on
 * JavaScript's map, with any of the pending ones left out. It shares nothing with the checker (no partition, no
 * cache, no pruning, no table), and is for histories of a few operations only.
 */
import type { Operation } from "./history.ts";
import { applyTo } from "./simulated-history.ts";

export interface ExhaustiveResult {
  readonly linearizable: boolean;
  /** The most completed operations that any order gets through. */
  readonly longest: number;
}

export function searchExhaustively(history: readonly Operation[]): ExhaustiveResult {
  let longest = 0;
  let linearizable = false;
  function extend(done: number, rest: readonly Operation[], map: ReadonlyMap<number, number>): void {
    longest = Math.max(longest, done);
    if (rest.every((operation) => operation.return === Number.POSITIVE_INFINITY)) linearizable = true;
    for (const operation of rest) {
      if (rest.some((other) => other.return < operation.call)) continue;
      const pending = operation.return === Number.POSITIVE_INFINITY;
      const changed = new Map(map);
      const result = applyTo(changed, operation);
      if (pending || result === operation.result)
        extend(
          pending ? done : done + 1,
          rest.filter((other) => other !== operation),
          changed,
        );
    }
  }
  extend(0, history, new Map());
  return { linearizable, longest };
}
