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
  FOUND_SEGMENT,
  FOUND_SEGMENT_GENERATION,
  FOUND_VERSION,
  GENERATION,
  HASH,
  HITS,
  KIND,
  LAYOUT,
  LEFT,
  MISSES,
  SCRATCH,
  SCRATCH_KEY,
  SEGMENT_LOCK,
  SEGMENT_VERSION,
  STATE,
  SWEEPS,
} from "./layout.ts";
import { atomicLoad, type f64, type i32, load32, loadF64, store32, storeF64 } from "./machine.ts";
import { findSlot } from "./segment.ts";

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

/** The same, and notes what `isUnchanged` asks for. */
export function readNoted(lane: i32, keyMeta: i32, now: f64): i32 {
  pin(lane);
  const hash = hashOf(lane, keyMeta);
  const segment = locate(hash);
  noteSegment(lane, segment);
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
 * Notes a segment with its version, before anything is read of it. None if somebody has it locked, or it has been
 * replaced: in that order, for its lock is released after either is told.
 */
function noteSegment(lane: i32, segment: i32): void {
  const version = atomicLoad(segment + SEGMENT_VERSION);
  const isQuiet = atomicLoad(segment + SEGMENT_LOCK) === 0 && atomicLoad(segment + LEFT) === 0;
  store32(lane + FOUND_SEGMENT, isQuiet ? segment : 0);
  store32(lane + FOUND_SEGMENT_GENERATION, atomicLoad(segment + GENERATION));
  store32(lane + FOUND_VERSION, version);
}

/**
 * Whether nobody has written to a segment since it was noted, so that what was read of it then holds still. Looks
 * at no entry, and pins nothing: with the layout and the generation still those of the time, both looked at last,
 * the version was the segment's. Also no when eviction has swept since: then entries that are read want their mark.
 */
export function isUnchanged(
  lane: i32,
  segment: i32,
  generation: i32,
  version: i32,
  layout: i32,
  sweeps: i32,
): boolean {
  const isSame =
    atomicLoad(segment + SEGMENT_VERSION) === version &&
    atomicLoad(segment + GENERATION) === generation &&
    atomicLoad(LAYOUT) === layout &&
    atomicLoad(SWEEPS) === sweeps;
  if (isSame) storeF64(lane + HITS, loadF64(lane + HITS) + 1);
  return isSame;
}

/**
 * Whether a block that was read earlier is still what the map has for its key. When `layout` is still that of
 * the time, the address is still the start of a block; with the generation still the same, its state is its own.
 * Notes its segment anew.
 */
export function isCurrent(lane: i32, block: i32, generation: i32, layout: i32): boolean {
  pin(lane);
  // Of any block: what it is not in is never asked about.
  noteSegment(lane, locate(load32(block + HASH)));
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
