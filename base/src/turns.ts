/**
 * Gives way to the event loop during long work of JavaScript. Images that need no file, drawn ones or those of a packed file, are made in a chain of
 * promises that never waits: without a turn now and then no signal is heard, no timer fires and no other
 * stream moves until whole batches are made.
 */
import { setImmediate as nextTurn } from "node:timers/promises";

/** Far below what a person notices, far above what a turn costs. */
const defaultMs = 20;

/**
 * @param longestMs of work between two turns. Default 20 ms.
 * @returns to be awaited before each piece of work; it waits for the next turn when the last is long ago.
 */
export function createTurns(longestMs = defaultMs): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < longestMs) return;
    await nextTurn();
    last = performance.now();
  };
}
