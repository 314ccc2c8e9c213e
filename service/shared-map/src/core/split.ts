/**
 * Replacing a segment: by two, one for each value of the next bit of its hashes, or by one of the same prefix.
 * The new ones are filled before anybody can see them; the old one stays as it was for readers that are in it.
 * No operation moves more entries than one segment has.
 */
import { replaceSegment } from "./directory.ts";
import { ownerOf } from "./epoch.ts";
import { markRetired } from "./heap.ts";
import {
  DEPTH,
  HASH,
  HELD,
  LANE_SHIFT,
  PREFIX,
  SCRATCH,
  SCRATCH_HASHES,
  SEGMENT,
  SLOTS,
  STATE,
} from "./layout.ts";
import {
  atomicLoad,
  atomicLoadControl,
  compareExchange,
  countTrailingZeros,
  type i32,
  load32,
  matchFull,
  store32,
} from "./machine.ts";
import { clearSegment, groupAddress, groupCount, insertBlock, slotAddress } from "./segment.ts";

/**
 * Reads the hashes of a segment's entries, a word for each slot. In a pass of its own, in which nothing depends
 * on what is read: then the processor waits for all those blocks at once and not for one after the other.
 */
export function gatherHashes(segment: i32, hashes: i32): void {
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
 * A block that the directory leads to is no longer the owner's but the map's, unless somebody has already
 * replaced it in turn: its lock is free as soon as it can be found.
 */
export function handOver(segment: i32, owner: i32): void {
  compareExchange(segment + STATE, HELD | (owner << LANE_SHIFT), SEGMENT);
}

/**
 * Replaces a locked segment by two blocks that the lane holds, or by one, given twice. Returns the segment, to
 * be retired; 0 when the directory's lock was not to be had.
 */
export function replaceBy(lane: i32, segment: i32, left: i32, right: i32): i32 {
  const depth = load32(segment + DEPTH);
  const prefix = load32(segment + PREFIX);
  clearSegment(left, left === right ? depth : depth + 1, prefix);
  if (left !== right) clearSegment(right, depth + 1, prefix | (1 << (31 - depth)));
  const hashes = load32(lane + SCRATCH) + SCRATCH_HASHES;
  gatherHashes(segment, hashes);
  distribute(segment, hashes, left, right);
  if (!replaceSegment(lane, segment, left, right)) return 0;
  handOver(left, ownerOf(lane));
  handOver(right, ownerOf(lane));
  return markRetired(lane, segment, 0);
}
