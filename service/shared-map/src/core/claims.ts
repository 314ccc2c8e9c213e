/**
 * Claims: who loads which key, so that threads that miss it wait for that and do not load it too. A claim is held
 * while JavaScript of the user runs, for as long as that takes: nobody but who asks for the same key waits for it.
 *
 * A row of the table is a claim: its key, told by hash and meta, its owner, as a lock tells it, and a ticket that no
 * other claim has; 0 when the row is free. Rows lie in buckets of eight, by hash. Rows are taken and given back under
 * one lock, which is held for some loads and stores.
 *
 * A write to a key outdates the claims for it: what they load was read before, perhaps, so it is not stored any more. The
 * mark is set under the lock of the key's segment, and so is it looked at by the write that stores what was loaded:
 * of the two, one is first. It is set before the write is published, for who dies between the two.
 */
import { ownerOf } from "./epoch.ts";
import { hashBytes } from "./hash.ts";
import {
  CLAIM_BUCKETS,
  CLAIM_BYTES,
  CLAIM_COUNT,
  CLAIM_HASH,
  CLAIM_KEY_META,
  CLAIM_LOCK,
  CLAIM_OWNER,
  CLAIM_TICKET,
  CLAIM_TICKETS,
  CLAIMS,
  CLAIMS_PER_BUCKET,
  FOUND,
  OUTDATED,
  SCRATCH,
  SCRATCH_KEY,
} from "./layout.ts";
import { isLockedBy, lockWord, unlockWord } from "./lock.ts";
import {
  atomicAdd,
  atomicLoad,
  atomicStore,
  compareExchange,
  type i32,
  load32,
  notify,
  store32,
} from "./machine.ts";
import { recoverOwner } from "./recover.ts";

function bucketOf(hash: i32): i32 {
  return load32(CLAIMS) + (hash & (load32(CLAIM_BUCKETS) - 1)) * CLAIMS_PER_BUCKET * CLAIM_BYTES;
}

/** Even, and not 0. The caller holds the lock. */
function nextTicket(): i32 {
  const next = (load32(CLAIM_TICKETS) + 2) | 0;
  store32(CLAIM_TICKETS, next === 0 ? 2 : next);
  return load32(CLAIM_TICKETS);
}

function isClaimedByOther(lane: i32, row: i32, hash: i32, keyMeta: i32): boolean {
  if (atomicLoad(row + CLAIM_HASH) !== hash || atomicLoad(row + CLAIM_KEY_META) !== keyMeta) return false;
  return atomicLoad(row + CLAIM_OWNER) !== ownerOf(lane);
}

/**
 * Claims the key in the scratch. Returns the row, or 0: then FOUND is the row of who has claimed it, or 0 where there is no
 * room. An outdated claim keeps nobody from claiming the key, nor does one of the same lane, nor any when `insists` is true.
 */
export function claim(lane: i32, keyMeta: i32, insists: boolean): i32 {
  const hash = hashBytes(load32(lane + SCRATCH) + SCRATCH_KEY, keyMeta >>> 4);
  const bucket = bucketOf(hash);
  let free = 0;
  let other = 0;
  if (lockWord(CLAIM_LOCK, lane)) {
    for (let row = bucket; row !== bucket + CLAIMS_PER_BUCKET * CLAIM_BYTES; row = row + CLAIM_BYTES) {
      const ticket = atomicLoad(row + CLAIM_TICKET);
      if (ticket === 0) free = row;
      else if ((ticket & OUTDATED) === 0 && isClaimedByOther(lane, row, hash, keyMeta)) other = row;
    }
    if (other !== 0 && !insists) free = 0;
    if (free !== 0) {
      // First: from the moment that the claim stands, writes look for it.
      atomicAdd(CLAIM_COUNT, 1);
      atomicStore(free + CLAIM_HASH, hash);
      atomicStore(free + CLAIM_KEY_META, keyMeta);
      atomicStore(free + CLAIM_OWNER, ownerOf(lane));
      atomicStore(free + CLAIM_TICKET, nextTicket());
    }
    unlockWord(CLAIM_LOCK);
  }
  store32(lane + FOUND, other);
  return free;
}

/** Gives a claim back, and wakes who waits for it. */
export function unclaim(lane: i32, row: i32): void {
  // Without the lock it is given back too: then too many are counted, and writes look for claims in vain.
  const isLocked = lockWord(CLAIM_LOCK, lane);
  atomicStore(row + CLAIM_TICKET, 0);
  if (isLocked) {
    atomicAdd(CLAIM_COUNT, -1);
    unlockWord(CLAIM_LOCK);
  }
  notify(row + CLAIM_TICKET, -1);
}

/** Gives back the claims of the owner of a row if it is known to have ended. */
export function recoverClaimant(lane: i32, row: i32): boolean {
  return recoverOwner(lane, atomicLoad(row + CLAIM_OWNER));
}

/** Whether nobody wrote the key since the row was claimed. The caller holds the lock of its segment. */
export function stands(row: i32): boolean {
  const ticket = atomicLoad(row + CLAIM_TICKET);
  return ticket !== 0 && (ticket & OUTDATED) === 0;
}

function outdate(row: i32, ticket: i32): void {
  if ((ticket & OUTDATED) === 0) compareExchange(row + CLAIM_TICKET, ticket, ticket | OUTDATED);
}

/** Before a write to keys of that hash, but for the claim that the write is made by. The caller holds the segment's lock. */
export function outdateClaims(hash: i32, except: i32): void {
  // Mostly there is none: a load, of a word that writes load anyway.
  if (atomicLoad(CLAIM_COUNT) === 0) return;
  const bucket = bucketOf(hash);
  for (let row = bucket; row !== bucket + CLAIMS_PER_BUCKET * CLAIM_BYTES; row = row + CLAIM_BYTES) {
    const ticket = atomicLoad(row + CLAIM_TICKET);
    // The row may be another claim's by now: then the exchange does not take place.
    if (ticket !== 0 && row !== except && atomicLoad(row + CLAIM_HASH) === hash) outdate(row, ticket);
  }
}

function endOfClaims(): i32 {
  return load32(CLAIMS) + load32(CLAIM_BUCKETS) * CLAIMS_PER_BUCKET * CLAIM_BYTES;
}

/** The same before a write to all keys. */
export function outdateAllClaims(): void {
  if (atomicLoad(CLAIM_COUNT) === 0) return;
  for (let row = load32(CLAIMS); row !== endOfClaims(); row = row + CLAIM_BYTES) {
    const ticket = atomicLoad(row + CLAIM_TICKET);
    if (ticket !== 0) outdate(row, ticket);
  }
}

/** Gives back all claims of an owner that has ended or leaves, and counts the others anew. */
export function endClaims(lane: i32, owner: i32): void {
  const isInherited = isLockedBy(CLAIM_LOCK, owner);
  if (atomicLoad(CLAIM_COUNT) === 0 && !isInherited) return;
  const isLocked = isInherited || lockWord(CLAIM_LOCK, lane);
  let count = 0;
  for (let row = load32(CLAIMS); row !== endOfClaims(); row = row + CLAIM_BYTES) {
    if (atomicLoad(row + CLAIM_TICKET) === 0) continue;
    if (atomicLoad(row + CLAIM_OWNER) === owner) {
      atomicStore(row + CLAIM_TICKET, 0);
      notify(row + CLAIM_TICKET, -1);
    } else {
      count = count + 1;
    }
  }
  if (!isLocked) return;
  atomicStore(CLAIM_COUNT, count);
  unlockWord(CLAIM_LOCK);
}
