/**
 * Growth: a full segment is replaced by two, one for each value of the next bit of its hashes, or by one when
 * it was full of deleted slots. No operation moves more entries than one segment has. The new segments are
 * filled before anybody can see them; the old one stays as it was for readers that are in it.
 */

import { lockSegment, unlockSegment } from "./access.ts";
import { allocate } from "./allocate.ts";
import { canDeepen, replaceSegment } from "./directory.ts";
import { discard, markRetired, retire } from "./heap.ts";
import {
  DEPTH,
  ENTRY,
  EVICTIONS,
  EVICTS,
  HASH,
  KIND,
  LIVE,
  MAX_USED,
  PREFIX,
  SCRATCH,
  SCRATCH_VALUE,
  SEGMENT,
  SLOTS,
  SPLITS,
  STATE,
  USED,
  VISITED,
} from "./layout.ts";
import {
  atomicLoad,
  atomicLoadControl,
  atomicStore,
  countTrailingZeros,
  type f64,
  type i32,
  load32,
  loadF64,
  matchFull,
  store32,
  storeF64,
} from "./machine.ts";
import {
  clearSegment,
  clearSlot,
  groupAddress,
  groupCount,
  insertBlock,
  nextSwept,
  segmentBytes,
  slotAddress,
} from "./segment.ts";

/**
 * Reads the hashes of a segment's entries, a word for each slot. In a pass of its own, in which nothing depends
 * on what is read: then the processor waits for all those blocks at once and not for one after the other.
 */
function gatherHashes(segment: i32, hashes: i32): void {
  for (let g = 0; g < groupCount(); g++) {
    const group = groupAddress(segment, g);
    for (let full = matchFull(atomicLoadControl(group)); full !== 0; full = full & (full - 1)) {
      const i = countTrailingZeros(full);
      store32(hashes + (g << 5) + (i << 2), load32(atomicLoad(slotAddress(group, i)) + HASH));
    }
  }
}

/** Copies references into segments that nobody sees yet. */
function distribute(from: i32, hashes: i32, left: i32, right: i32): void {
  const depth = load32(from + DEPTH);
  const slots = groupCount() * SLOTS;
  for (let g = 0; g < groupCount(); g++) {
    const group = groupAddress(from, g);
    for (let full = matchFull(atomicLoadControl(group)); full !== 0; full = full & (full - 1)) {
      const i = countTrailingZeros(full);
      const hash = load32(hashes + (g << 5) + (i << 2));
      insertBlock(hash << depth < 0 ? right : left, hash, atomicLoad(slotAddress(group, i)), slots);
    }
  }
}

/**
 * Makes room in the segment of a hash. True when it is worth to try again there; false when there is no
 * memory for that, or no further bit to tell entries apart by.
 */
export function grow(lane: i32, hash: i32, now: f64): boolean {
  let left = allocate(lane, segmentBytes(), now);
  if (left === 0) return false;
  let right = allocate(lane, segmentBytes(), now);
  const segment = lockSegment(lane, hash);
  let isWorthIt = false;
  let gone = 0;
  if (segment !== 0) {
    const depth = load32(segment + DEPTH);
    const prefix = load32(segment + PREFIX);
    const isRebuild = load32(segment + LIVE) <= (load32(MAX_USED) * 3) >>> 2;
    // Somebody else may have made room in the meantime.
    isWorthIt = load32(segment + USED) < load32(MAX_USED);
    if (!isWorthIt && (isRebuild || (right !== 0 && canDeepen(segment)))) {
      const sibling = isRebuild ? left : right;
      clearSegment(left, isRebuild ? depth : depth + 1, prefix);
      if (!isRebuild) clearSegment(right, depth + 1, prefix | (1 << (31 - depth)));
      // The value that was in the scratch is in its block by now.
      const hashes = load32(lane + SCRATCH) + SCRATCH_VALUE;
      gatherHashes(segment, hashes);
      distribute(segment, hashes, left, sibling);
      if (replaceSegment(lane, segment, left, sibling)) {
        atomicStore(left + STATE, SEGMENT);
        atomicStore(sibling + STATE, SEGMENT);
        gone = markRetired(lane, segment, 0);
        left = 0;
        if (!isRebuild) right = 0;
        storeF64(lane + SPLITS, loadF64(lane + SPLITS) + 1);
        isWorthIt = true;
      }
    }
    unlockSegment(lane, segment);
  }
  retire(lane, gone);
  discard(lane, left);
  discard(lane, right);
  return isWorthIt;
}

/** Evicts one entry of a segment that cannot grow. False when the map does not evict, or nothing can go. */
export function evictFromSegment(lane: i32, hash: i32): boolean {
  if (load32(EVICTS) === 0) return false;
  const segment = lockSegment(lane, hash);
  if (segment === 0) return false;
  let gone = 0;
  // Once around for the unvisited, once more for any.
  for (let i = 0; i < groupCount() * SLOTS * 2 && gone === 0; i++) {
    const slot = nextSwept(segment);
    if (slot === 0) continue;
    const block = atomicLoad(slot);
    const state = atomicLoad(block + STATE);
    if ((state & KIND) !== ENTRY || ((state & VISITED) !== 0 && i < groupCount() * SLOTS)) continue;
    gone = markRetired(lane, block, 0);
    clearSlot(segment, slot);
    storeF64(lane + EVICTIONS, loadF64(lane + EVICTIONS) + 1);
  }
  unlockSegment(lane, segment);
  retire(lane, gone);
  return gone !== 0;
}
