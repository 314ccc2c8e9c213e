/** Reading: no lock, no loop that a writer can prolong. The key is in the lane's scratch. */
import { locate } from "./directory.ts";
import { deliverValue, isExpired, markVisited } from "./entry.ts";
import { pin, unpin } from "./epoch.ts";
import { hashBytes } from "./hash.ts";
import { hasChain } from "./heap.ts";
import {
  ABSENT,
  ENTRY,
  FIXED,
  FOUND,
  GENERATION,
  HASH,
  HITS,
  KIND,
  LAYOUT,
  MISSES,
  SCRATCH,
  SCRATCH_KEY,
  STATE,
} from "./layout.ts";
import { atomicLoad, type f64, type i32, load32, loadF64, storeF64 } from "./machine.ts";
import { findSlot } from "./segment.ts";
import { noteVersion } from "./versions.ts";

/** The block of the key in the scratch, or 0. The caller is pinned. */
function find(lane: i32, segment: i32, hash: i32, keyMeta: i32, now: f64): i32 {
  const key = load32(lane + SCRATCH) + SCRATCH_KEY;
  if (findSlot(lane, segment, hash, keyMeta, key) !== 0) {
    const block = load32(lane + FOUND);
    if (!isExpired(block, now)) {
      markVisited(block);
      storeF64(lane + HITS, loadF64(lane + HITS) + 1);
      return block;
    }
  }
  storeF64(lane + MISSES, loadF64(lane + MISSES) + 1);
  return 0;
}

function hashOf(lane: i32, keyMeta: i32): i32 {
  return hashBytes(load32(lane + SCRATCH) + SCRATCH_KEY, keyMeta >>> 4);
}

/** Hands out a block's value and unpins. */
function deliverFound(lane: i32, block: i32): i32 {
  if (block === 0) {
    unpin(lane);
    return ABSENT;
  }
  const meta = deliverValue(lane, block);
  if (!hasChain(block)) unpin(lane);
  return meta;
}

/** The meta of the value, which is in the scratch then, or ABSENT. After a chain the lane stays pinned. */
export function read(lane: i32, keyMeta: i32, now: f64): i32 {
  pin(lane);
  const hash = hashOf(lane, keyMeta);
  return deliverFound(lane, find(lane, locate(hash), hash, keyMeta, now));
}

/** The same, and notes the version of the key. */
export function readNoted(lane: i32, keyMeta: i32, now: f64): i32 {
  pin(lane);
  const hash = hashOf(lane, keyMeta);
  const segment = locate(hash);
  noteVersion(lane, segment, hash);
  return deliverFound(lane, find(lane, segment, hash, keyMeta, now));
}

export function contains(lane: i32, keyMeta: i32, now: f64): boolean {
  pin(lane);
  const hash = hashOf(lane, keyMeta);
  const block = find(lane, locate(hash), hash, keyMeta, now);
  unpin(lane);
  return block !== 0;
}

/**
 * Whether a block that was read earlier is still what the map has for its key. When `layout` is still that of
 * the time, the address is still the start of a block; with the generation still the same, its state is its own.
 * Notes the version anew.
 */
export function isCurrent(lane: i32, block: i32, generation: i32, layout: i32): boolean {
  pin(lane);
  // Of any block: it is of use only where the block is the key's.
  const hash = load32(block + HASH);
  noteVersion(lane, locate(hash), hash);
  const state = atomicLoad(block + STATE);
  const kind = state & KIND;
  const isSame =
    (kind === ENTRY || kind === FIXED) &&
    atomicLoad(block + GENERATION) === generation &&
    atomicLoad(LAYOUT) === layout;
  if (isSame) {
    markVisited(block);
    storeF64(lane + HITS, loadF64(lane + HITS) + 1);
  }
  unpin(lane);
  return isSame;
}
