/**
 * A key may be reserved by a thread whose attempts to change it came to nothing because others were faster every
 * time: then writes of others to it wait. There is one reservation at a time in a map, held like a lock, so a dead
 * thread's is recovered like one; but while it is held its holder may run JavaScript of the user, which no lock allows.
 *
 * No deadlock: who waits for it holds nothing, and its holder does not wait for another one. Keys are told by
 * their hashes: keys with equal ones wait for each other.
 */
import { ownerOf } from "./epoch.ts";
import { hashBytes } from "./hash.ts";
import { LANE_BYTES, LANES, OWNER, RESERVATION, RESERVED_HASH, SCRATCH, SCRATCH_KEY } from "./layout.ts";
import { announceSleeper, isLockedBy, lockWord, ownerIn, PATIENCE, sleepOnLock, unlockWord } from "./lock.ts";
import { atomicLoad, atomicLoadInteger, atomicStore, type i32, load32 } from "./machine.ts";

/** Attempts that come to nothing before a thread reserves the key. */
export const ATTEMPTS: i32 = 8;

/** Reserves the key in the scratch. False when the lane has reserved one already, or another keeps it from that. */
export function reserve(lane: i32, keyMeta: i32): boolean {
  if (isLockedBy(RESERVATION, ownerOf(lane))) return false;
  if (!lockWord(RESERVATION, lane)) return false;
  atomicStore(lane + RESERVED_HASH, hashBytes(load32(lane + SCRATCH) + SCRATCH_KEY, keyMeta >>> 4));
  return true;
}

export function release(lane: i32): void {
  if (!isLockedBy(RESERVATION, ownerOf(lane))) return;
  atomicStore(lane + RESERVED_HASH, 0);
  unlockWord(RESERVATION);
}

/**
 * Before a write: waits while another thread has the hash's keys reserved. False when that lasts as long as a stopped
 * thread holds a lock. The caller MUST hold no lock.
 */
export function awaitReservation(lane: i32, hash: i32): boolean {
  for (let naps = 0; naps < PATIENCE; ) {
    const owner = ownerIn(atomicLoad(RESERVATION));
    if (owner === 0 || owner === ownerOf(lane)) return true;
    const holder = load32(LANES) + (owner - 1) * LANE_BYTES;
    if (atomicLoad(holder + RESERVED_HASH) !== hash) return true;
    // The same thread, which has the map open twice: it would wait for itself.
    if (atomicLoadInteger(holder + OWNER) === atomicLoadInteger(lane + OWNER)) return true;
    naps = naps + sleepOnLock(lane, RESERVATION, announceSleeper(RESERVATION));
  }
  return false;
}
