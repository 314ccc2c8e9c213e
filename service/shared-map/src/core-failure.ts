/** What the core's results stand for when a call could not do what was asked. */
import { baseErrors, type CupelError } from "@cupel/base";
import {
  BUSY,
  IS_FIXED,
  LIMIT_REACHED,
  MEMORY_FULL,
  MEMORY_KEPT,
  NOT_A_NUMBER,
  TOO_LARGE,
} from "./core/layout.ts";
import { type SharedMapErrorCode, sharedMapErrors } from "./errors.ts";
import type { MapSettings } from "./options.ts";

const failures: Readonly<Record<number, readonly [SharedMapErrorCode, string]>> = {
  [MEMORY_FULL]: [
    "MAP_FULL",
    'The map is full; nothing was changed. Delete entries, let them expire, create it with a larger maxBytes, or with eviction: "sieve".',
  ],
  [LIMIT_REACHED]: [
    "MAP_FULL",
    'The map has as many entries as maxEntries allows; nothing was changed. Delete entries, let them expire, create it with a larger maxEntries, or with eviction: "sieve".',
  ],
  [MEMORY_KEPT]: [
    "MAP_FULL",
    "The map is full, and a thread that is stopped in the middle of a call keeps from being used again what others gave back; nothing was changed. Try again.",
  ],
  [BUSY]: [
    "MAP_BUSY",
    "A thread that is stopped in the middle of a call holds a lock of the map; nothing was changed. Try again. A thread that has ended holds up nobody on Linux; elsewhere until the thread that started it gets to its event loop.",
  ],
  [IS_FIXED]: [
    "COUNTER_FIXED",
    "The key is a counter with handles: it takes integers only. Use another key.",
  ],
  [TOO_LARGE]: [
    "COUNTER_OVERFLOW",
    "The sum would go beyond 2^53, where numbers are not exact any more; nothing was changed. Use a bigint and compute.",
  ],
  [NOT_A_NUMBER]: [
    "NOT_A_COUNTER",
    "The key has a value that is not an integer: nothing can be added to it. Use compute, or another key.",
  ],
};

export function failureOf(result: number, { maxBytes }: MapSettings): CupelError {
  const known = failures[result];
  if (known === undefined) return baseErrors.error("INTERNAL", `The core returned ${result}.`);
  return sharedMapErrors.error(known[0], known[1], { details: { maxBytes } });
}

export function mapClosed(): CupelError {
  return sharedMapErrors.error("MAP_CLOSED", "The map was closed in this thread. Attach it again to use it.");
}
