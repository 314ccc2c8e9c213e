/**
 * A mutual exclusion that tells who holds it, so that it can be taken from a thread that died: by whoever waits
 * for it, and only on a proof that the thread has ended. One that is stopped keeps it, however long.
 *
 * The word is 0, or the owner's number, with a bit set while somebody sleeps.
 */
import { ownerOf } from "./epoch.ts";
import { atomicExchange, atomicLoad, compareExchange, type f64, type i32, notify, wait } from "./machine.ts";
import { recoverOwner } from "./recover.ts";

/** Owners hold a lock for a microsecond or less, mostly: worth a short wait before sleeping. */
const SPINS: i32 = 200;
const SLEEPERS: i32 = 0x40000000;
/** Sleepers look again after so long, milliseconds. */
const NAP: f64 = 10;
/** A lock that nobody released for so many naps is held by a thread that does not run. */
export const PATIENCE: i32 = 100;
const TIMED_OUT: i32 = 2;

/** Tries for a moment. */
export function tryLock(word: i32, owner: i32): boolean {
  for (let i = 0; i <= SPINS; i++) {
    if (compareExchange(word, 0, owner) === 0) return true;
  }
  return false;
}

/** Asks to be woken. Returns what to hand to `sleepOnLock`; 0 when the lock is free by now. */
export function announceSleeper(word: i32): i32 {
  const seen = atomicLoad(word);
  if (seen === 0 || (seen & SLEEPERS) !== 0) return seen;
  return compareExchange(word, seen, seen | SLEEPERS) === seen ? seen | SLEEPERS : 0;
}

/**
 * Sleeps until the lock is released, or for a nap; then recovers the owner if that has ended. Returns 1 when the lock
 * stayed held all the same, or else 0. Needs no memory to be there still: what it may miss is a wake-up.
 */
export function sleepOnLock(lane: i32, word: i32, seen: i32): i32 {
  if (seen === 0 || wait(word, seen, NAP) !== TIMED_OUT) return 0;
  return recoverOwner(lane, ownerIn(seen)) ? 0 : 1;
}

/** Waits for a lock whose place is fixed. False when its owner does not run, and is not known to have ended. */
export function lockWord(word: i32, lane: i32): boolean {
  const owner = ownerOf(lane);
  for (let naps = 0; naps < PATIENCE; ) {
    if (tryLock(word, owner)) return true;
    naps = naps + sleepOnLock(lane, word, announceSleeper(word));
  }
  return false;
}

export function unlockWord(word: i32): void {
  if ((atomicExchange(word, 0) & SLEEPERS) !== 0) notify(word, -1);
}

/** Who holds the lock whose word has that value; 0 when it is free. */
export function ownerIn(word: i32): i32 {
  return word & ~SLEEPERS;
}

export function isLockedBy(word: i32, owner: i32): boolean {
  return ownerIn(atomicLoad(word)) === owner;
}
