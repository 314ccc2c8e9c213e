/**
 * Memory for a write. While there is some, it is taken; before it runs out, and when it has, entries make
 * room: expired ones always, unwanted ones where the map evicts. What a write needs is had before the write
 * changes anything, so a write that is refused has changed nothing.
 */
import { evictSome } from "./evict.ts";
import { advanceEpoch, freeReady, isSpare, lockHeap, sizeClassOf, takeBlock, unlockHeap } from "./heap.ts";
import {
  BUSY,
  EPOCH,
  EVICTS,
  EXPIRES,
  FOUND,
  FREE_UNITS,
  FRONTIER,
  LIMBO,
  LIMBO_UNITS,
  LIST_MAX,
  MAX_PAGES,
  MEMORY_FULL,
  MEMORY_KEPT,
  ONLY_REPLACES,
  PAGE_BYTES,
  READY,
  RESERVE,
  STALLS,
} from "./layout.ts";
import { atomicLoad, type f64, type i32, load32, loadF64, store32, storeF64, wait } from "./machine.ts";
import { recoverDead } from "./recover.ts";
import { vacatePage } from "./vacate.ts";

/** Blocks freed in one go when memory is short. */
const FREED_WHEN_SHORT: i32 = 1024;
/** Epochs until something retired now is free. */
const EPOCHS_TO_FREEDOM: i32 = 3;
/** A write waits for threads that the system stopped in the middle of a call, so many milliseconds at most. */
const STALLS_MAX: i32 = 1000;
/** Of those that are pinned, it looks so often, in milliseconds, whether they have ended. */
const STALLS_PER_LOOK: i32 = 16;
/** Moves of the hand after which memory counts as full, where entries are evicted and where only expired ones go. */
const MOVES_MAX: i32 = 16384;
const MOVES_FOR_EXPIRED: i32 = 32;
/** Moves of the hand that have brought no block of the class, before a page of another class is emptied. */
const MOVES_PER_VACATION: i32 = 8;

function isShort(): boolean {
  const untouched = load32(MAX_PAGES) - load32(FRONTIER);
  const free = load32(FREE_UNITS) + load32(LIMBO_UNITS);
  return free + untouched * (PAGE_BYTES >>> 3) < load32(RESERVE);
}

function hasLimbo(): boolean {
  return (load32(LIMBO) | load32(LIMBO + 4) | load32(LIMBO + 8) | load32(READY)) !== 0;
}

/** A held block of at least `size` bytes. 0 when there is none; why is in the lane's FOUND. */
export function allocate(lane: i32, size: i32, now: f64): i32 {
  store32(lane + FOUND, BUSY);
  if (!lockHeap(lane)) return 0;
  const sizeClass = sizeClassOf(size);
  const block = isSpare(lane, sizeClass) ? 0 : takeBlock(lane, sizeClass);
  const mustEvict = isShort() && (load32(EVICTS) !== 0 || atomicLoad(EXPIRES) !== 0);
  unlockHeap();
  if (block === 0) return makeRoom(lane, sizeClass, now);
  if (mustEvict) evictSome(lane, now, LIST_MAX);
  return block;
}

/** The same for when there is none at once. */
function makeRoom(lane: i32, sizeClass: i32, now: f64): i32 {
  const canEvict = load32(EVICTS) !== 0 || atomicLoad(EXPIRES) !== 0;
  const most = load32(EVICTS) !== 0 ? MOVES_MAX : MOVES_FOR_EXPIRED;
  let stalls = 0;
  let isKept = false;
  for (let moves = 0; moves < most; ) {
    store32(lane + FOUND, BUSY);
    if (!lockHeap(lane)) return 0;
    let isStalled = false;
    for (let i = 0; i < EPOCHS_TO_FREEDOM && hasLimbo(); i++) {
      freeReady(lane, FREED_WHEN_SHORT);
      isStalled = load32(READY) === 0 && !advanceEpoch(lane);
      freeReady(lane, FREED_WHEN_SHORT);
    }
    const block = isSpare(lane, sizeClass) ? 0 : takeBlock(lane, sizeClass);
    const isWaiting = hasLimbo();
    const epoch = atomicLoad(EPOCH);
    unlockHeap();
    if (block !== 0) return block;
    if (isStalled) {
      isKept = stalls === STALLS_MAX;
      if (isKept) break;
      stalls = stalls + 1;
      storeF64(lane + STALLS, loadF64(lane + STALLS) + 1);
      wait(EPOCH, epoch, 1);
      if (stalls % STALLS_PER_LOOK === 1) recoverDead(lane, true);
      continue;
    }
    if (isWaiting) continue;
    if (moves % MOVES_PER_VACATION === MOVES_PER_VACATION - 1 || !canEvict) {
      if (!vacatePage(lane, sizeClass, now) && !canEvict) break;
    }
    if (canEvict) evictSome(lane, now, LIST_MAX);
    moves = moves + 1;
  }
  // What threads that have ended had in hand is the last resort: to look for them takes long.
  if (recoverDead(lane, false) !== 0) return makeRoom(lane, sizeClass, now);
  if (isKept) {
    // Spare memory would be gone before long, and each of its pages would cost another second.
    store32(lane + FOUND, MEMORY_KEPT);
    return 0;
  }
  if (load32(lane + ONLY_REPLACES) === 1) {
    store32(lane + ONLY_REPLACES, 2);
    return makeRoom(lane, sizeClass, now);
  }
  store32(lane + FOUND, MEMORY_FULL);
  return 0;
}
