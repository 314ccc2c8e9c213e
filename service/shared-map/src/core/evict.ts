/**
 * Eviction by SIEVE's rule (Zhang et al., NSDI 2024): a hand goes over the entries; one that was read since
 * the hand last came by loses its mark and stays, one that was not goes. A read writes at most one bit.
 *
 * The hand goes by place in memory, which is the order in which memory was first filled, not by a queue of
 * insertions: a queue would need a write for each insertion that all threads share. Entries that have expired
 * go first come, whatever the policy.
 */
import { lockSegment, unlockSegment } from "./access.ts";
import { isExpired } from "./entry.ts";
import { countGone } from "./events.ts";
import {
  blockSizeOf,
  descriptorOf,
  kindOf,
  lockHeap,
  markRetired,
  pageAddress,
  retire,
  unlockHeap,
} from "./heap.ts";
import {
  ENTRY,
  EVICTS,
  FRONTIER,
  HAND_BLOCK,
  HAND_PAGE,
  HASH,
  KIND,
  LIST_MAX,
  PAGE_CARVED,
  PAGE_CLASS,
  SCRATCH,
  SCRATCH_LIST,
  STATE,
  SWEEPS,
  VISITED,
} from "./layout.ts";
import { atomicLoad, atomicStore, compareExchange, type f64, type i32, load32, store32 } from "./machine.ts";
import { clearSlot, slotOf } from "./segment.ts";

/** Takes the mark away. Returns whether the entry had none, or has expired. */
function isUnwanted(entry: i32, now: f64): boolean {
  if (isExpired(entry, now)) return true;
  const state = atomicLoad(entry + STATE);
  if (load32(EVICTS) === 0) return false;
  if ((state & VISITED) === 0) return true;
  compareExchange(entry + STATE, state, state & ~VISITED);
  // After it: who sees this number has its mark still, or knows that it may have gone.
  atomicStore(SWEEPS, (load32(SWEEPS) + 1) | 0);
  return false;
}

/**
 * Judges the next blocks under the hand, at most as many as the list takes, and lists up to `most` entries that shall
 * go, as pairs of address and hash. Under the heap's lock, so no block is freed meanwhile; -1 when that was not to be had.
 */
function listUnwanted(lane: i32, now: f64, most: i32): i32 {
  if (!lockHeap(lane)) return -1;
  const list = load32(lane + SCRATCH) + SCRATCH_LIST;
  let page = load32(HAND_PAGE);
  let index = load32(HAND_BLOCK);
  let count = 0;
  let pages = 0;
  for (let seen = 0; seen < LIST_MAX && pages < LIST_MAX && count < most; ) {
    if (page >= load32(FRONTIER)) page = 0;
    const descriptor = descriptorOf(page);
    if (load32(descriptor + PAGE_CLASS) === 0 || index >= load32(descriptor + PAGE_CARVED)) {
      page = page + 1;
      pages = pages + 1;
      index = 0;
      continue;
    }
    const entry = pageAddress(page) + index * blockSizeOf(descriptor);
    if (kindOf(entry) === ENTRY && isUnwanted(entry, now)) {
      store32(list + (count << 3), entry);
      store32(list + (count << 3) + 4, load32(entry + HASH));
      count = count + 1;
    }
    index = index + 1;
    seen = seen + 1;
  }
  store32(HAND_PAGE, page);
  store32(HAND_BLOCK, index);
  unlockHeap();
  return count;
}

/** Takes an entry out if it is still in the map and still unwanted or `anyway`. Returns it, linked to others. */
export function evictEntry(lane: i32, entry: i32, hash: i32, now: f64, anyway: boolean, others: i32): i32 {
  const segment = lockSegment(lane, hash);
  if (segment === 0) return others;
  let gone = others;
  const slot = slotOf(lane, segment, hash, entry);
  const state = atomicLoad(entry + STATE);
  if (slot !== 0 && (state & KIND) === ENTRY) {
    const hasEnded = isExpired(entry, now);
    if (hasEnded || anyway || (load32(EVICTS) !== 0 && (state & VISITED) === 0)) {
      gone = markRetired(lane, entry, others);
      clearSlot(segment, slot);
      countGone(lane, entry, hasEnded);
    }
  }
  unlockSegment(lane, segment);
  return gone;
}

/** Moves the hand on a little, and takes out what is unwanted there, up to `most` entries. False when the heap was not to be had. */
export function evictSome(lane: i32, now: f64, most: i32): boolean {
  const listed = listUnwanted(lane, now, most);
  const list = load32(lane + SCRATCH) + SCRATCH_LIST;
  let gone = 0;
  for (let i = 0; i < listed; i++) {
    gone = evictEntry(lane, load32(list + (i << 3)), load32(list + (i << 3) + 4), now, false, gone);
  }
  retire(lane, gone);
  return listed >= 0;
}
