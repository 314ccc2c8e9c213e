/** Taking all entries out, one segment at a time. */
import { lockSegment, unlockSegment } from "./access.ts";
import { outdateAllClaims } from "./claims.ts";
import { endOf, locate } from "./directory.ts";
import { valueAddress } from "./entry.ts";
import { pin, unpin } from "./epoch.ts";
import { kindOf, markRetired, retire } from "./heap.ts";
import { BUSY, EMPTY, FIXED, LIVE, SCRATCH, SCRATCH_HASHES, USED } from "./layout.ts";
import {
  atomicLoad,
  atomicLoadControl,
  atomicStoreInteger,
  countTrailingZeros,
  type i32,
  load32,
  matchByte,
  matchFull,
  store32,
} from "./machine.ts";
import { clearSlot, groupAddress, groupCount, slotAddress } from "./segment.ts";
import { gatherHashes } from "./split.ts";
import { changeVersions } from "./versions.ts";

/** A control word that tells eight EMPTY slots. */
const ALL_EMPTY: i32 = 0;

/** Takes a group's entries out; counters with handles become 0. Returns what is retired, linked to others. */
function clearGroup(lane: i32, segment: i32, group: i32, others: i32): i32 {
  const control = atomicLoadControl(group);
  const full = matchFull(control);
  let gone = others;
  let taken = 0;
  let count = 0;
  for (let left = full; left !== 0; left = left & (left - 1)) {
    const i = countTrailingZeros(left);
    const block = atomicLoad(slotAddress(group, i));
    if (kindOf(block) === FIXED) {
      atomicStoreInteger(valueAddress(block), 0);
    } else {
      gone = markRetired(lane, block, gone);
      taken = taken | (1 << i);
      count = count + 1;
    }
  }
  if (taken === full && matchByte(control, EMPTY) !== 0) {
    // It was never full: all of it by one store.
    atomicStoreInteger(group, ALL_EMPTY);
    store32(segment + LIVE, load32(segment + LIVE) - count);
    store32(segment + USED, load32(segment + USED) - count);
  } else {
    for (; taken !== 0; taken = taken & (taken - 1)) {
      clearSlot(segment, slotAddress(group, countTrailingZeros(taken)));
    }
  }
  return gone;
}

/** In a segment without entries no probe needs what says that there were some: all of it can be used again. */
function forgetDeleted(segment: i32): void {
  if (load32(segment + LIVE) !== 0) return;
  for (let g = 0; load32(segment + USED) !== 0 && g < groupCount(); g++) {
    const group = groupAddress(segment, g);
    if (matchByte(atomicLoadControl(group), EMPTY) === 0) atomicStoreInteger(group, ALL_EMPTY);
  }
  store32(segment + USED, 0);
}

/** Empties the segment of a hash. Returns 0 or BUSY. */
function clearSegmentOf(lane: i32, hash: i32): i32 {
  const segment = lockSegment(lane, hash);
  if (segment === 0) return BUSY;
  changeVersions(segment);
  // Not for the hashes: so that the blocks are at hand, for which the processor waits here for all at once.
  gatherHashes(segment, load32(lane + SCRATCH) + SCRATCH_HASHES);
  let gone = 0;
  for (let g = 0; g < groupCount(); g++) gone = clearGroup(lane, segment, groupAddress(segment, g), gone);
  forgetDeleted(segment);
  unlockSegment(lane, segment);
  retire(lane, gone);
  return 0;
}

/** Every entry that was there before is gone after; counters with handles are 0. Returns 0 or BUSY. */
export function clear(lane: i32): i32 {
  // What is being loaded was asked for before.
  outdateAllClaims();
  let position = 0;
  do {
    if (clearSegmentOf(lane, position) !== 0) return BUSY;
    pin(lane);
    position = endOf(locate(position));
    unpin(lane);
  } while (position !== 0);
  return 0;
}
