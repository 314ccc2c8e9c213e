/** Growth: a full segment is replaced by two, or by one when it was full of deleted slots. */
import { lockSegment, unlockSegment } from "./access.ts";
import { allocate } from "./allocate.ts";
import { canDeepen } from "./directory.ts";
import { countGone } from "./events.ts";
import { discard, markRetired, retire } from "./heap.ts";
import { ENTRY, EVICTS, HASH, KIND, LIVE, MAX_USED, SLOTS, SPLITS, STATE, USED, VISITED } from "./layout.ts";
import { atomicLoad, type f64, type i32, load32, loadF64, storeF64 } from "./machine.ts";
import { clearSlot, groupCount, nextSwept, segmentBytes } from "./segment.ts";
import { replaceBy } from "./split.ts";
import { changeVersion } from "./versions.ts";

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
    const isRebuild = load32(segment + LIVE) <= (load32(MAX_USED) * 3) >>> 2;
    // Somebody else may have made room in the meantime.
    isWorthIt = load32(segment + USED) < load32(MAX_USED);
    if (!isWorthIt && (isRebuild || (right !== 0 && canDeepen(segment)))) {
      gone = replaceBy(lane, segment, left, isRebuild ? left : right);
      if (gone !== 0) {
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
    // It is of another key than the one that the segment was locked for.
    changeVersion(load32(block + HASH));
    gone = markRetired(lane, block, 0);
    clearSlot(segment, slot);
    countGone(lane, block, false);
  }
  unlockSegment(lane, segment);
  retire(lane, gone);
  return gone !== 0;
}
