/**
 * Writing. An entry is made in a block of the lane's own, then published by one store under its segment's
 * lock. The order of stores under a lock is such that a thread may die between any two of them: `recover.ts`
 * then finds out from the states of blocks which side of the publishing store it was on.
 */
import { lockSegment, unlockSegment } from "./access.ts";
import { allocate } from "./allocate.ts";
import { outdateClaims, stands } from "./claims.ts";
import { locate } from "./directory.ts";
import { entryBytes, isExpired, isInteger, isOver, publishedKind, typeOf, valueAddress } from "./entry.ts";
import { pin, unpin } from "./epoch.ts";
import { countGone } from "./events.ts";
import { evictFromSegment, grow } from "./grow.ts";
import { hashBytes } from "./hash.ts";
import {
  blockSizeOf,
  chainAddress,
  descriptorOf,
  discard,
  hasChain,
  kindOf,
  markRetired,
  pageOf,
  retire,
  sizeClassOf,
  sizeOfClass,
} from "./heap.ts";
import {
  ABSENT,
  ANYTHING,
  BLOCK_HEADER,
  BUSY,
  CHUNK,
  CHUNK_ENTRY,
  CHUNK_LENGTH,
  CLAIMED,
  CONFLICT,
  ENTRY,
  EVICTS,
  EXPIRES,
  EXPIRY,
  FIXED,
  FOUND,
  GENERATION,
  HASH,
  IS_FIXED,
  KEY,
  KEY_META,
  LIMIT_REACHED,
  LINK,
  MAX_INLINE_BYTES,
  MAX_USED,
  MEMORY_FULL,
  NOTHING,
  NUMBER,
  ONLY_REPLACES,
  SCRATCH,
  SCRATCH_KEY,
  SCRATCH_VALUE,
  SLOTS,
  STATE,
  VALUE_META,
  WAS_FULL,
} from "./layout.ts";
import { isAtLimit, makePlace } from "./limit.ts";
import {
  atomicLoad,
  atomicLoadInteger,
  atomicStore,
  atomicStoreInteger,
  compareExchangeInteger,
  copyBytes,
  type f64,
  type i32,
  isSafeInteger,
  load32,
  loadF64,
  store32,
  storeF64,
} from "./machine.ts";
import { awaitReservation } from "./reservation.ts";
import { clearSlot, findSlot, groupCount, insertBlock, nextSwept } from "./segment.ts";

/** Slots that each write under a segment's lock looks at for expired entries. */
const SWEPT_PER_WRITE: i32 = 2;
/** Entries that one write evicts at most from a segment that cannot grow. */
const EVICTED_PER_WRITE: i32 = 64;

/**
 * Makes an entry of the key and the value in the scratch; of a value that becomes a chain, without its
 * chunks. Nobody sees it. 0 when there is no memory; why is in the lane's FOUND.
 */
export function stage(lane: i32, keyMeta: i32, valueMeta: i32, expiry: f64, now: f64): i32 {
  const scratch = load32(lane + SCRATCH);
  const block = allocate(lane, entryBytes(keyMeta, valueMeta), now);
  if (block === 0) return 0;
  store32(block + HASH, hashBytes(scratch + SCRATCH_KEY, keyMeta >>> 4));
  store32(block + LINK, 0);
  storeF64(block + EXPIRY, expiry);
  store32(block + KEY_META, keyMeta);
  copyBytes(block + KEY, scratch + SCRATCH_KEY, keyMeta >>> 4);
  const value = valueAddress(block);
  // The chain's first chunk; before the meta, which says that there is one.
  if (valueMeta >>> 4 > MAX_INLINE_BYTES) store32(value, 0);
  store32(block + VALUE_META, valueMeta);
  if (isInteger(block)) atomicStoreInteger(value, loadF64(scratch + SCRATCH_VALUE));
  else if (!hasChain(block)) copyBytes(value, scratch + SCRATCH_VALUE, valueMeta >>> 4);
  if (expiry !== 0 && atomicLoad(EXPIRES) === 0) atomicStore(EXPIRES, 1);
  return block;
}

/** Puts a chunk in front of a staged entry's chain: the last part of the value comes first. */
export function prependChunk(lane: i32, block: i32, length: i32, now: f64): boolean {
  const chunk = allocate(lane, BLOCK_HEADER + length, now);
  if (chunk === 0) return false;
  store32(chunk + CHUNK_ENTRY, block);
  store32(chunk + CHUNK_LENGTH, length);
  copyBytes(chunk + BLOCK_HEADER, load32(lane + SCRATCH) + SCRATCH_VALUE, length);
  store32(chunk + LINK, load32(chainAddress(block)));
  store32(chainAddress(block), chunk);
  atomicStore(chunk + STATE, CHUNK);
  return true;
}

/**
 * Whether the entry found is the one a write expects: ANYTHING, NOTHING, a block by address and number, and
 * of an integer, which changes in place, its value; or CLAIMED.
 */
function isExpected(found: i32, expected: i32, generation: i32, integer: f64): boolean {
  if (expected === ANYTHING) return true;
  if (expected === CLAIMED) return stands(generation);
  if (expected === NOTHING || found === 0) return expected === found;
  if (found !== expected || atomicLoad(found + GENERATION) !== generation) return false;
  return !isInteger(found) || atomicLoadInteger(valueAddress(found)) === integer;
}

/** Takes expired entries out of the next slots of a segment. Returns them, linked to others. */
function sweepExpired(lane: i32, segment: i32, now: f64, others: i32): i32 {
  let gone = others;
  for (let i = 0; i < SWEPT_PER_WRITE; i++) {
    const slot = nextSwept(segment);
    if (slot === 0) continue;
    const block = atomicLoad(slot);
    if (kindOf(block) !== ENTRY || !isOver(block, now)) continue;
    gone = markRetired(lane, block, gone);
    clearSlot(segment, slot);
    countGone(lane, block, true);
  }
  return gone;
}

/** Writes a staged number into a counter that has handles. */
function assignFixed(counter: i32, block: i32, expected: i32, integer: f64): i32 {
  if (typeOf(block) !== NUMBER && !isInteger(block)) return IS_FIXED;
  const source = valueAddress(block);
  const value = isInteger(block) ? atomicLoadInteger(source) : loadF64(source);
  if (!isSafeInteger(value)) return IS_FIXED;
  if (expected === ANYTHING || expected === CLAIMED) atomicStoreInteger(valueAddress(counter), value);
  else if (!compareExchangeInteger(valueAddress(counter), integer, value)) return CONFLICT;
  return 0;
}

/**
 * Publishes a staged entry, in place of what is there if that is as expected. Whatever comes of it, the block
 * is not the caller's any more. Returns 0, or CONFLICT, MEMORY_FULL, LIMIT_REACHED, BUSY or IS_FIXED: then nothing has changed.
 */
export function commit(lane: i32, block: i32, expected: i32, generation: i32, integer: f64, now: f64): i32 {
  const hash = load32(block + HASH);
  const keyMeta = load32(block + KEY_META);
  let limit = load32(MAX_USED);
  let canGrow = true;
  let hasPlace = false;
  const onlyReplaces = load32(lane + ONLY_REPLACES) !== 0;
  if (!awaitReservation(lane, hash)) {
    discard(lane, block);
    return BUSY;
  }
  for (let evicted = 0; evicted <= EVICTED_PER_WRITE; ) {
    const segment = lockSegment(lane, hash);
    if (segment === 0) break;
    const slot = findSlot(lane, segment, hash, keyMeta, block + KEY);
    const found = slot === 0 ? 0 : load32(lane + FOUND);
    const present = found !== 0 && !isExpired(found, now) ? found : 0;
    let result = 0;
    let gone = 0;
    let isSpent = false;
    const isAsExpected = isExpected(present, expected, generation, integer);
    if (isAsExpected) outdateClaims(hash, expected === CLAIMED ? generation : 0);
    if (!isAsExpected) {
      result = CONFLICT;
    } else if (found !== 0 && kindOf(found) === FIXED) {
      result = assignFixed(found, block, expected, integer);
    } else if (found !== 0) {
      if (present === 0) countGone(lane, found, true);
      gone = markRetired(lane, found, 0);
      atomicStore(slot, block);
      atomicStore(block + STATE, publishedKind(block));
      isSpent = true;
    } else if (!onlyReplaces && !hasPlace && isAtLimit()) {
      result = LIMIT_REACHED;
    } else if (!onlyReplaces && insertBlock(segment, hash, block, limit)) {
      atomicStore(block + STATE, publishedKind(block));
      isSpent = true;
    } else {
      result = MEMORY_FULL;
    }
    if (now !== 0) gone = sweepExpired(lane, segment, now, gone);
    unlockSegment(lane, segment);
    retire(lane, gone);
    if (result === LIMIT_REACHED) {
      hasPlace = makePlace(lane, now);
      if (hasPlace) continue;
    }
    if (result !== MEMORY_FULL || onlyReplaces) {
      if (!isSpent) discard(lane, block);
      return result;
    }
    if (canGrow) {
      canGrow = grow(lane, hash, now);
      if (canGrow) continue;
      // No memory for a larger table: what is there is filled to the last slot but one.
      limit = groupCount() * SLOTS - 1;
    } else if (evictFromSegment(lane, hash)) {
      evicted = evicted + 1;
    } else {
      discard(lane, block);
      return MEMORY_FULL;
    }
  }
  discard(lane, block);
  return BUSY;
}

/** Whether the key in the scratch has an entry whose block is as large as one of so many bytes. */
function hasAsLarge(lane: i32, keyMeta: i32, size: i32, now: f64): boolean {
  const key = load32(lane + SCRATCH) + SCRATCH_KEY;
  const hash = hashBytes(key, keyMeta >>> 4);
  pin(lane);
  const slot = findSlot(lane, locate(hash), hash, keyMeta, key);
  const found = slot === 0 ? 0 : load32(lane + FOUND);
  const isThere = found !== 0 && !isExpired(found, now);
  const isAsLarge = isThere && blockSizeOf(descriptorOf(pageOf(found))) >= sizeOfClass(sizeClassOf(size));
  unpin(lane);
  return isAsLarge;
}

/**
 * Stages and publishes. A full map that does not evict takes a value in the place of one as large all the same: of
 * memory that is kept for that.
 */
export function write(
  lane: i32,
  keyMeta: i32,
  valueMeta: i32,
  expiry: f64,
  expected: i32,
  generation: i32,
  integer: f64,
  now: f64,
): i32 {
  const size = entryBytes(keyMeta, valueMeta);
  if (load32(lane + WAS_FULL) === 0 || !hasAsLarge(lane, keyMeta, size, now)) {
    const staged = stage(lane, keyMeta, valueMeta, expiry, now);
    store32(lane + WAS_FULL, 0);
    if (staged !== 0) return commit(lane, staged, expected, generation, integer, now);
    const reason = load32(lane + FOUND);
    if (reason !== MEMORY_FULL || load32(EVICTS) !== 0 || !hasAsLarge(lane, keyMeta, size, now))
      return reason;
  }
  store32(lane + WAS_FULL, 1);
  store32(lane + ONLY_REPLACES, 1);
  const block = stage(lane, keyMeta, valueMeta, expiry, now);
  const result = block === 0 ? load32(lane + FOUND) : commit(lane, block, expected, generation, integer, now);
  store32(lane + ONLY_REPLACES, 0);
  return result;
}

/**
 * Takes the entry of the key in the scratch out, if it is as expected. Returns 0, or ABSENT, CONFLICT or
 * BUSY. A counter that has handles becomes 0 and stays.
 */
export function remove(lane: i32, keyMeta: i32, expected: i32, generation: i32, integer: f64, now: f64): i32 {
  const key = load32(lane + SCRATCH) + SCRATCH_KEY;
  const hash = hashBytes(key, keyMeta >>> 4);
  if (!awaitReservation(lane, hash)) return BUSY;
  const segment = lockSegment(lane, hash);
  if (segment === 0) return BUSY;
  const slot = findSlot(lane, segment, hash, keyMeta, key);
  const found = slot === 0 ? 0 : load32(lane + FOUND);
  const present = found !== 0 && !isExpired(found, now) ? found : 0;
  let result = present === 0 ? ABSENT : 0;
  let gone = 0;
  const isAsExpected = isExpected(present, expected, generation, integer);
  // An absent key's too: what is being loaded for it may be what shall be gone.
  if (isAsExpected) outdateClaims(hash, expected === CLAIMED ? generation : 0);
  if (!isAsExpected) {
    result = CONFLICT;
  } else if (found !== 0 && kindOf(found) === FIXED) {
    if (expected === ANYTHING || expected === CLAIMED) atomicStoreInteger(valueAddress(found), 0);
    else if (!compareExchangeInteger(valueAddress(found), integer, 0)) result = CONFLICT;
  } else if (found !== 0) {
    if (present === 0) countGone(lane, found, true);
    gone = markRetired(lane, found, 0);
    clearSlot(segment, slot);
  }
  if (now !== 0) gone = sweepExpired(lane, segment, now, gone);
  unlockSegment(lane, segment);
  retire(lane, gone);
  return result;
}
