/**
 * A segment: a small hash table of fixed size, the unit of locking and of growth.
 *
 * Slots come in groups of eight, whose control bytes are read as one word (the idea of Swiss tables). A key
 * lives in the first group with room on its probe sequence, which starts at its home group, and never moves
 * within the segment. The home group is told by the hash bits after the segment's prefix: groups are in the
 * order of hashes, which is what lets iteration go by hash. A probe ends at a group that has an empty slot:
 * such a group was never full, so nothing was ever pushed past it. A slot freed in a full group is therefore
 * DELETED, not EMPTY, until the segment is split or rebuilt.
 *
 * A group's control bytes are changed by the holder of the segment's lock only. Readers take no lock: a key
 * that is there throughout is in one slot throughout, and anything else they see overlaps a write.
 */
import {
  DELETED,
  DEPTH,
  EMPTY,
  FOUND,
  FULL,
  GROUP_BITS,
  GROUP_BYTES,
  GROUPS,
  HASH,
  KEY,
  KEY_META,
  LIVE,
  PREFIX,
  REFERENCES,
  SEGMENT_LOCK,
  SLOTS,
  SWEEP,
  USED,
} from "./layout.ts";
import {
  atomicLoad,
  atomicLoadControl,
  atomicStore,
  atomicStoreControlByte,
  countTrailingZeros,
  equalBytes,
  fillZero,
  type i32,
  load32,
  matchByte,
  matchFull,
  store32,
} from "./machine.ts";

export function groupCount(): i32 {
  return 1 << load32(GROUP_BITS);
}

export function segmentBytes(): i32 {
  return GROUPS + groupCount() * GROUP_BYTES;
}

/** The group where the probe for a hash begins, in a segment whose prefix has `depth` bits. */
export function homeGroup(hash: i32, depth: i32): i32 {
  return (((hash << depth) >>> 1) >>> (31 - load32(GROUP_BITS))) | 0;
}

export function controlOf(hash: i32): i32 {
  return FULL | (hash & 0x7f);
}

export function groupAddress(segment: i32, group: i32): i32 {
  return segment + GROUPS + group * GROUP_BYTES;
}

/** The address of a slot's reference: how the rest of the core names a slot. */
export function slotAddress(group: i32, index: i32): i32 {
  return group + REFERENCES + (index << 2);
}

/** Makes a block into a segment without entries. */
export function clearSegment(segment: i32, depth: i32, prefix: i32): void {
  fillZero(segment + SEGMENT_LOCK, segmentBytes() - SEGMENT_LOCK);
  store32(segment + DEPTH, depth);
  store32(segment + PREFIX, prefix);
}

export function hasKey(block: i32, hash: i32, keyMeta: i32, key: i32): boolean {
  return (
    load32(block + HASH) === hash &&
    load32(block + KEY_META) === keyMeta &&
    equalBytes(block + KEY, key, keyMeta >>> 4)
  );
}

/**
 * The slot that holds a key, or 0; the block in it, as it was seen, goes to the lane's FOUND. Without the
 * segment's lock the caller MUST be pinned, and use that block only: the slot may have another by now.
 */
export function findSlot(lane: i32, segment: i32, hash: i32, keyMeta: i32, key: i32): i32 {
  const mask = groupCount() - 1;
  const tag = controlOf(hash);
  let index = homeGroup(hash, load32(segment + DEPTH));
  for (let step = 1; step <= mask + 1; step++) {
    const group = groupAddress(segment, index);
    const control = atomicLoadControl(group);
    for (let found = matchByte(control, tag); found !== 0; found = found & (found - 1)) {
      const slot = slotAddress(group, countTrailingZeros(found));
      const block = atomicLoad(slot);
      if (hasKey(block, hash, keyMeta, key)) {
        store32(lane + FOUND, block);
        return slot;
      }
    }
    if (matchByte(control, EMPTY) !== 0) return 0;
    index = (index + step) & mask;
  }
  return 0;
}

/** The slot that holds this very block, or 0. The caller holds the lock. */
export function slotOf(lane: i32, segment: i32, hash: i32, block: i32): i32 {
  const slot = findSlot(lane, segment, hash, load32(block + KEY_META), block + KEY);
  return slot !== 0 && load32(lane + FOUND) === block ? slot : 0;
}

/**
 * Puts a block whose key is not there into the first free slot of its probe sequence. False when that would
 * use more than `limit` slots. The caller holds the lock.
 */
export function insertBlock(segment: i32, hash: i32, block: i32, limit: i32): boolean {
  const mask = groupCount() - 1;
  let index = homeGroup(hash, load32(segment + DEPTH));
  for (let step = 1; step <= mask + 1; step++) {
    const group = groupAddress(segment, index);
    const control = atomicLoadControl(group);
    const free = matchFull(control) ^ 0xff;
    if (free !== 0) {
      const empty = matchByte(control, EMPTY);
      // A deleted slot costs no room, so it comes first.
      const reused = free & ~empty;
      if (reused === 0 && load32(segment + USED) >= limit) return false;
      const i = countTrailingZeros(reused !== 0 ? reused : empty);
      atomicStore(slotAddress(group, i), block);
      atomicStoreControlByte(group, i, controlOf(hash));
      store32(segment + LIVE, load32(segment + LIVE) + 1);
      if (reused === 0) store32(segment + USED, load32(segment + USED) + 1);
      return true;
    }
    index = (index + step) & mask;
  }
  return false;
}

/** Takes a slot's entry out. The caller holds the lock. */
export function clearSlot(segment: i32, slot: i32): void {
  const offset = slot - segment - GROUPS;
  const group = groupAddress(segment, (offset / GROUP_BYTES) | 0);
  const wasNeverFull = matchByte(atomicLoadControl(group), EMPTY) !== 0;
  atomicStoreControlByte(group, (slot - group - REFERENCES) >>> 2, wasNeverFull ? EMPTY : DELETED);
  store32(segment + LIVE, load32(segment + LIVE) - 1);
  if (wasNeverFull) store32(segment + USED, load32(segment + USED) - 1);
}

/** The slot that comes next in the sweep for expired entries, if it is full; 0 if not. The caller holds the lock. */
export function nextSwept(segment: i32): i32 {
  const at = load32(segment + SWEEP);
  store32(segment + SWEEP, at + 1 === groupCount() * SLOTS ? 0 : at + 1);
  const group = groupAddress(segment, at >>> 3);
  const isFull = (matchFull(atomicLoadControl(group)) & (1 << (at & 7))) !== 0;
  return isFull ? slotAddress(group, at & 7) : 0;
}
