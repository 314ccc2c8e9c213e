/** How a writer comes to the segment of a hash: pinned, locked, and sure that it is the one in force. */
import { beginCount, endCount } from "./count.ts";
import { locate } from "./directory.ts";
import { ownerOf, pin, unpin } from "./epoch.ts";
import { LEFT, SEGMENT_HELD, SEGMENT_LOCK } from "./layout.ts";
import { announceSleeper, PATIENCE, sleepOnLock, tryLock, unlockWord } from "./lock.ts";
import { atomicLoad, atomicStore, type i32 } from "./machine.ts";
import { changeVersion } from "./versions.ts";

/**
 * The locked segment, with the lane pinned; 0 when its owner is stopped. A thread sleeps unpinned, so that
 * it keeps nobody from freeing memory; then it looks the segment up again.
 */
export function lockSegment(lane: i32, hash: i32): i32 {
  const owner = ownerOf(lane);
  for (let naps = 0; naps < PATIENCE; ) {
    pin(lane);
    const segment = locate(hash);
    const lock = segment + SEGMENT_LOCK;
    let seen = 0;
    // Who recovers this lane looks here for the lock it held.
    atomicStore(lane + SEGMENT_HELD, segment);
    if (tryLock(lock, owner)) {
      if (atomicLoad(segment + LEFT) === 0) {
        changeVersion(hash);
        beginCount(lane, segment);
        return segment;
      }
      unlockWord(lock);
    } else {
      seen = announceSleeper(lock);
    }
    atomicStore(lane + SEGMENT_HELD, 0);
    unpin(lane);
    naps = naps + sleepOnLock(lane, lock, seen);
  }
  return 0;
}

export function unlockSegment(lane: i32, segment: i32): void {
  endCount(lane, segment);
  unlockWord(segment + SEGMENT_LOCK);
  atomicStore(lane + SEGMENT_HELD, 0);
  unpin(lane);
}
