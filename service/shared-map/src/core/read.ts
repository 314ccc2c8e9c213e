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

/** The block of the key in the scratch, or 0. The caller is pinned. */
function find(lane: i32, keyMeta: i32, now: f64): i32 {
  const key = load32(lane + SCRATCH) + SCRATCH_KEY;
  const hash = hashBytes(key, keyMeta >>> 4);
  if (findSlot(lane, locate(hash), hash, keyMeta, key) !== 0) {
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

/** The meta of the value, which is in the scratch then, or ABSENT. After a chain the lane stays pinned. */
export function read(lane: i32, keyMeta: i32, now: f64): i32 {
  pin(lane);
  const block = find(lane, keyMeta, now);
  if (block === 0) {
    unpin(lane);
    return ABSENT;
  }
  const meta = deliverValue(lane, block);
  if (!hasChain(block)) unpin(lane);
  return meta;
}

export function contains(lane: i32, keyMeta: i32, now: f64): boolean {
  pin(lane);
  const block = find(lane, keyMeta, now);
  unpin(lane);
  return block !== 0;
}

/**
 * Whether a block that was read earlier is still what the map has for its key. When `layout` is still that of
 * the time, the address is still the start of a block; with the generation still the same, its state is its own.
 */
export function isCurrent(lane: i32, block: i32, generation: i32, layout: i32): boolean {
  pin(lane);
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
