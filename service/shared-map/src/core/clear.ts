/** Taking all entries out, one segment at a time. */
import { lockSegment, unlockSegment } from "./access.ts";
import { endOf, locate } from "./directory.ts";
import { valueAddress } from "./entry.ts";
import { pin, unpin } from "./epoch.ts";
import { kindOf, markRetired, retire } from "./heap.ts";
import { BUSY, FIXED } from "./layout.ts";
import {
  atomicLoad,
  atomicLoadControl,
  atomicStoreInteger,
  countTrailingZeros,
  type i32,
  matchFull,
} from "./machine.ts";
import { clearSlot, groupAddress, groupCount, slotAddress } from "./segment.ts";
import { changeVersions } from "./versions.ts";

/** Empties the segment of a hash. Returns 0 or BUSY. */
function clearSegmentOf(lane: i32, hash: i32): i32 {
  const segment = lockSegment(lane, hash);
  if (segment === 0) return BUSY;
  changeVersions(segment);
  let gone = 0;
  for (let g = 0; g < groupCount(); g++) {
    const group = groupAddress(segment, g);
    for (let full = matchFull(atomicLoadControl(group)); full !== 0; full = full & (full - 1)) {
      const slot = slotAddress(group, countTrailingZeros(full));
      const block = atomicLoad(slot);
      if (kindOf(block) === FIXED) {
        atomicStoreInteger(valueAddress(block), 0);
      } else {
        gone = markRetired(lane, block, gone);
        clearSlot(segment, slot);
      }
    }
  }
  unlockSegment(lane, segment);
  retire(lane, gone);
  return 0;
}

/** Every entry that was there before is gone after; counters with handles are 0. Returns 0 or BUSY. */
export function clear(lane: i32): i32 {
  let position = 0;
  do {
    if (clearSegmentOf(lane, position) !== 0) return BUSY;
    pin(lane);
    position = endOf(locate(position));
    unpin(lane);
  } while (position !== 0);
  return 0;
}
