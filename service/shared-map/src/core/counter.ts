/**
 * Counters: 64-bit integers that are added to in place. By key, under the segment's lock; or, for those that
 * somebody has a handle to, at an address that stays valid as long as the map lives, by one atomic addition.
 */
import { lockSegment, unlockSegment } from "./access.ts";
import { outdateClaims } from "./claims.ts";
import { isExpired, isInteger, typeOf, valueAddress } from "./entry.ts";
import { hashBytes } from "./hash.ts";
import { kindOf } from "./heap.ts";
import {
  BUSY,
  CONFLICT,
  COUNTER,
  ENTRY,
  EXPIRY,
  FIXED,
  FIXED_COUNTER,
  FOUND,
  FOUND_EXPIRY,
  FOUND_GENERATION,
  FOUND_HASH,
  GENERATION,
  HANDLES,
  KEY,
  KEY_META,
  NOT_A_NUMBER,
  NOTHING,
  NUMBER,
  RESERVATION,
  SCRATCH,
  SCRATCH_KEY,
  SCRATCH_VALUE,
  STATE,
  TOO_LARGE,
} from "./layout.ts";
import {
  atomicAddInteger,
  atomicLoad,
  atomicLoadInteger,
  atomicStore,
  copyBytes,
  type f64,
  type i32,
  isSafeInteger,
  load32,
  loadF64,
  store32,
  storeF64,
} from "./machine.ts";
import { ATTEMPTS, awaitReservation, release, reserve } from "./reservation.ts";
import { findSlot, slotOf } from "./segment.ts";
import { write } from "./write.ts";

const INTEGER_BYTES: i32 = 8;
/** The look at a key's number came to something else than a value to go on from. */
const ADDED: i32 = 1;

/**
 * Looks at a key's number under its lock: leaves it in the scratch, the block in FOUND (NOTHING when the
 * key is absent), and adds `delta` in place if it is an integer already and `isFixing` is false, or if it is
 * fixed. Returns 0, ADDED, BUSY, NOT_A_NUMBER or TOO_LARGE.
 */
function look(lane: i32, keyMeta: i32, delta: f64, isFixing: boolean, now: f64): i32 {
  const scratch = load32(lane + SCRATCH);
  const key = scratch + SCRATCH_KEY;
  const hash = hashBytes(key, keyMeta >>> 4);
  store32(lane + FOUND_HASH, hash);
  if (!awaitReservation(lane, hash)) return BUSY;
  const segment = lockSegment(lane, hash);
  if (segment === 0) return BUSY;
  const slot = findSlot(lane, segment, hash, keyMeta, key);
  let found = slot === 0 ? NOTHING : load32(lane + FOUND);
  if (found !== NOTHING && isExpired(found, now)) found = NOTHING;
  let result = 0;
  let value: f64 = 0;
  if (found !== NOTHING) {
    if (isInteger(found) && !isSafeInteger(atomicLoadInteger(valueAddress(found)) + delta)) {
      result = TOO_LARGE;
    } else if (isInteger(found) && (!isFixing || kindOf(found) === FIXED)) {
      if (isFixing) store32(found + HANDLES, load32(found + HANDLES) + 1);
      outdateClaims(hash, 0);
      value = atomicAddInteger(valueAddress(found), delta);
      result = ADDED;
    } else if (isInteger(found)) {
      value = atomicLoadInteger(valueAddress(found));
    } else if (typeOf(found) === NUMBER && isSafeInteger(loadF64(valueAddress(found)))) {
      value = loadF64(valueAddress(found));
    } else {
      result = NOT_A_NUMBER;
    }
    store32(lane + FOUND_GENERATION, load32(found + GENERATION));
    storeF64(lane + FOUND_EXPIRY, loadF64(found + EXPIRY));
  }
  storeF64(scratch + SCRATCH_VALUE, value);
  store32(lane + FOUND, found);
  unlockSegment(lane, segment);
  return result;
}

/**
 * Adds to the integer of the key in the scratch; an absent one counts as 0, and gets the expiry. Returns
 * 0, with the sum in the scratch, or MEMORY_FULL, BUSY, NOT_A_NUMBER or TOO_LARGE.
 */
export function add(lane: i32, keyMeta: i32, delta: f64, expiry: f64, now: f64): i32 {
  let result = CONFLICT;
  let isReserved = false;
  for (let attempts = 0; result === CONFLICT; attempts++) {
    if (attempts >= ATTEMPTS && !isReserved) isReserved = reserve(lane, keyMeta);
    const looked = look(lane, keyMeta, delta, false, now);
    if (looked !== 0) {
      result = looked === ADDED ? 0 : looked;
      break;
    }
    const value = load32(lane + SCRATCH) + SCRATCH_VALUE;
    const found = load32(lane + FOUND);
    const sum = loadF64(value) + delta;
    if (!isSafeInteger(sum)) {
      result = TOO_LARGE;
      break;
    }
    storeF64(value, sum);
    const meta = (INTEGER_BYTES << 4) | COUNTER;
    const end = found === NOTHING ? expiry : loadF64(lane + FOUND_EXPIRY);
    result = write(lane, keyMeta, meta, end, found, load32(lane + FOUND_GENERATION), 0, now);
  }
  if (isReserved) release(lane);
  return result;
}

/**
 * Makes the integer of the key in the scratch one that stays in its place, with its value as it is.
 * Returns the address of its word, with its block in FOUND and the hash of its key in FOUND_HASH; or 0, and why is in FOUND.
 */
export function fix(lane: i32, keyMeta: i32, now: f64): i32 {
  let result = CONFLICT;
  let isReserved = false;
  let address = 0;
  for (let attempts = 0; result === CONFLICT || result === 0; attempts++) {
    if (attempts >= ATTEMPTS && !isReserved) isReserved = reserve(lane, keyMeta);
    result = look(lane, keyMeta, 0, true, now);
    const found = load32(lane + FOUND);
    if (result === ADDED) address = valueAddress(found);
    if (result !== 0) break;
    const value = loadF64(load32(lane + SCRATCH) + SCRATCH_VALUE);
    const meta = (INTEGER_BYTES << 4) | FIXED_COUNTER;
    result = write(lane, keyMeta, meta, 0, found, load32(lane + FOUND_GENERATION), value, now);
  }
  if (isReserved) release(lane);
  if (address === 0) store32(lane + FOUND, result);
  return address;
}

/**
 * Takes a handle back. A counter that has none any more is an integer like others: it can be deleted and evicted.
 * Returns 0, or what kept the entry from being made anew as one; it is an integer like others all the same.
 */
export function unfix(lane: i32, block: i32, hash: i32, now: f64): i32 {
  const segment = lockSegment(lane, hash);
  if (segment === 0) return BUSY;
  const scratch = load32(lane + SCRATCH);
  const keyMeta = load32(block + KEY_META);
  const generation = atomicLoad(block + GENERATION);
  let isLast = false;
  let value: f64 = 0;
  if (slotOf(lane, segment, hash, block) !== 0 && kindOf(block) === FIXED) {
    const handles = load32(block + HANDLES) - 1;
    store32(block + HANDLES, handles);
    isLast = handles === 0;
  }
  if (isLast) {
    atomicStore(block + STATE, ENTRY);
    value = atomicLoadInteger(valueAddress(block));
    copyBytes(scratch + SCRATCH_KEY, block + KEY, keyMeta >>> 4);
    storeF64(scratch + SCRATCH_VALUE, value);
  }
  unlockSegment(lane, segment);
  if (!isLast) return 0;
  return write(lane, keyMeta, (INTEGER_BYTES << 4) | COUNTER, 0, block, generation, value, now);
}

/** `hash` is that of the counter's key, in FOUND_HASH after `fix`. */
export function addFixed(lane: i32, address: i32, hash: i32, delta: f64): f64 {
  // Mostly nobody has any: a look costs less than the call.
  if (atomicLoad(RESERVATION) !== 0) awaitReservation(lane, hash);
  return atomicAddInteger(address, delta);
}

export function readFixed(address: i32): f64 {
  return atomicLoadInteger(address);
}
