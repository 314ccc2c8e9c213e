/** Taking out every entry that has expired, one segment at a time: writes come upon them a few at a time otherwise. */
import { lockSegment, unlockSegment } from "./access.ts";
import { endOf, locate } from "./directory.ts";
import { isOver } from "./entry.ts";
import { pin, unpin } from "./epoch.ts";
import { countGone } from "./events.ts";
import { kindOf, markRetired, retire } from "./heap.ts";
import { BUSY, ENTRY } from "./layout.ts";
import {
  atomicLoad,
  atomicLoadControl,
  countTrailingZeros,
  type f64,
  type i32,
  matchFull,
} from "./machine.ts";
import { clearSlot, groupAddress, groupCount, slotAddress } from "./segment.ts";

/** The same of one segment, that of a hash. */
function purgeSegmentOf(lane: i32, hash: i32, now: f64): i32 {
  const segment = lockSegment(lane, hash);
  if (segment === 0) return BUSY;
  let gone = 0;
  let count = 0;
  for (let g = 0; g < groupCount(); g++) {
    const group = groupAddress(segment, g);
    for (let full = matchFull(atomicLoadControl(group)); full !== 0; full = full & (full - 1)) {
      const slot = slotAddress(group, countTrailingZeros(full));
      const block = atomicLoad(slot);
      if (kindOf(block) !== ENTRY || !isOver(block, now)) continue;
      gone = markRetired(lane, block, gone);
      clearSlot(segment, slot);
      countGone(lane, block, true);
      count = count + 1;
    }
  }
  unlockSegment(lane, segment);
  retire(lane, gone);
  return count;
}

/** How many were taken out; or BUSY. */
export function purgeExpired(lane: i32, now: f64): i32 {
  let count = 0;
  let position = 0;
  do {
    const purged = purgeSegmentOf(lane, position, now);
    if (purged === BUSY) return BUSY;
    count = count + purged;
    pin(lane);
    position = endOf(locate(position));
    unpin(lane);
  } while (position !== 0);
  return count;
}
