/**
 * A limit of entries, beside that of memory. A write that adds an entry counts them (`count.ts`) under its segment's lock.
 * Threads that add at the same moment do not see each other's: so there may be one too many for each of them, which the
 * next one that adds takes out too.
 */
import { countEntries } from "./count.ts";
import { evictSome } from "./evict.ts";
import { EVICTS, MAX_ENTRIES } from "./layout.ts";
import { type f64, type i32, load32 } from "./machine.ts";

/** Moves of the hand, where entries are evicted and where only expired ones go. */
const MOVES_TO_EVICT: i32 = 16384;
const MOVES_TO_EXPIRED: i32 = 32;

export function isAtLimit(): boolean {
  const most = load32(MAX_ENTRIES);
  return most !== 0 && countEntries() >= most;
}

/** Takes entries out until one may be added. False when there are none that may go. The caller holds no lock. */
export function makePlace(lane: i32, now: f64): boolean {
  const evicts = load32(EVICTS) !== 0;
  const moves = evicts ? MOVES_TO_EVICT : now === 0 ? 0 : MOVES_TO_EXPIRED;
  for (let i = 0; i < moves; i++) {
    const excess = countEntries() - load32(MAX_ENTRIES) + 1;
    if (excess <= 0) return true;
    if (!evictSome(lane, now, excess)) break;
  }
  return !isAtLimit();
}
