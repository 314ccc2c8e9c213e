/**
 * Epoch-based reclamation (Fraser, "Practical lock-freedom", 2004): what leaves the map is freed only when
 * every thread that could have seen it there has finished.
 *
 * A thread is pinned for the length of one call and never while JavaScript of the user runs, so only a thread
 * that the system stopped in the middle of a call holds reclamation up, and one that died there until its
 * lane is recovered.
 */
import { EPOCH, LANE_BYTES, LANE_COUNT, LANES, PIN } from "./layout.ts";
import { atomicLoad, atomicStore, type i32, load32 } from "./machine.ts";

/** Nothing reachable from now on is freed until `unpin`. */
export function pin(lane: i32): void {
  atomicStore(lane + PIN, atomicLoad(EPOCH));
}

export function unpin(lane: i32): void {
  atomicStore(lane + PIN, 0);
}

/** Whether every pinned thread is in the current epoch. The caller MUST hold the heap's lock. */
export function everybodyIsCurrent(): boolean {
  const epoch = atomicLoad(EPOCH);
  const lanes = load32(LANES);
  const count = load32(LANE_COUNT);
  for (let i = 0; i < count; i++) {
    const pinned = atomicLoad(lanes + i * LANE_BYTES + PIN);
    if (pinned !== 0 && pinned !== epoch) return false;
  }
  return true;
}

/** Epochs are never 0: that means not pinned. */
export function nextEpoch(): void {
  const next = (atomicLoad(EPOCH) + 1) | 0;
  atomicStore(EPOCH, next === 0 ? 1 : next);
}

/** What a lock word says when this lane holds it. */
export function ownerOf(lane: i32): i32 {
  return (((lane - load32(LANES)) / LANE_BYTES) | 0) + 1;
}
