/**
 * After a thread died in the middle of a call: what it had begun is finished or undone, what it held is given
 * back, and its lane is free. Whoever needs any of that does it: there is no thread whose duty it is.
 *
 * One does it at a time: the lane's OWNER becomes the recovering thread, by one exchange. If that one dies too,
 * the lane is a dead thread's again, and the next one begins anew: each step here may be done twice.
 *
 * The segment it had locked tells which. A reference there to a block in state HELD was published: the block
 * becomes an entry. One to a block in state RETIRED was not taken out: it is an entry again. A segment that has
 * successors was replaced. Then every block that is still HELD or RETIRED by the dead lane is on neither side
 * of anything, and can be freed. Costs a look at every block of the heap.
 */
import { endClaims } from "./claims.ts";
import { endCount } from "./count.ts";
import { redirect } from "./directory.ts";
import { ownerOf } from "./epoch.ts";
import { wantEvents } from "./events.ts";
import {
  blockSizeOf,
  capacityOf,
  chainAddress,
  descriptorOf,
  endVacation,
  freeWhole,
  hasChain,
  kindOf,
  linkPage,
  lockHeap,
  pageAddress,
  toLimbo,
  unlockHeap,
} from "./heap.ts";
import {
  CLASS_PAGES,
  CLASS_SIZES,
  DELETED,
  DIRECTORY_LOCK,
  ENTRY,
  EPOCH,
  FREE,
  FREE_PAGES,
  FREE_UNITS,
  FRONTIER,
  HEAP_LOCK,
  HELD,
  IN_LIMBO,
  LANE_BYTES,
  LANE_COUNT,
  LANE_SHIFT,
  LANES,
  LEFT,
  LIMBO,
  LIMBO_UNITS,
  LINK,
  LIVE,
  ONLY_REPLACES,
  OWNER,
  PAGE_BYTES,
  PAGE_CARVED,
  PAGE_CLASS,
  PAGE_FREE,
  PAGE_FREE_COUNT,
  PAGE_NEXT,
  PAGE_VACATING,
  PENDING,
  PIN,
  READY,
  RESERVATION,
  RETIRED,
  RIGHT,
  SEGMENT,
  SEGMENT_HELD,
  SEGMENT_LOCK,
  STATE,
  USED,
} from "./layout.ts";
import { isLockedBy, unlockWord } from "./lock.ts";
import {
  atomicLoad,
  atomicLoadControl,
  atomicLoadInteger,
  atomicStore,
  atomicStoreInteger,
  compareExchangeInteger,
  countTrailingZeros,
  type f64,
  type i32,
  isDead,
  load32,
  matchByte,
  matchFull,
  store32,
} from "./machine.ts";
import { groupAddress, groupCount, slotAddress } from "./segment.ts";
import { handOver } from "./split.ts";

function isOwned(block: i32, kind: i32, owner: i32): boolean {
  return atomicLoad(block + STATE) === (kind | (owner << LANE_SHIFT));
}

/** Decides for each slot of a locked segment, and counts its slots again. */
function settleSlots(segment: i32, owner: i32): void {
  let live = 0;
  let used = 0;
  for (let g = 0; g < groupCount(); g++) {
    const group = groupAddress(segment, g);
    const control = atomicLoadControl(group);
    for (let gone = matchByte(control, DELETED); gone !== 0; gone = gone & (gone - 1)) used = used + 1;
    for (let full = matchFull(control); full !== 0; full = full & (full - 1)) {
      const block = atomicLoad(slotAddress(group, countTrailingZeros(full)));
      if (isOwned(block, HELD, owner) || isOwned(block, RETIRED, owner)) {
        // Also a counter that was made or taken out, type FIXED_COUNTER: nobody has a handle to it.
        atomicStore(block + STATE, ENTRY);
      }
      live = live + 1;
    }
  }
  store32(segment + LIVE, live);
  store32(segment + USED, live + used);
}

/** Finishes the replacement of a locked segment. */
function settleReplacement(segment: i32, owner: i32): void {
  const left = atomicLoad(segment + LEFT);
  const right = atomicLoad(segment + RIGHT);
  if (isLockedBy(DIRECTORY_LOCK, owner)) redirect(segment);
  handOver(left, owner);
  handOver(right, owner);
  const kind = kindOf(segment);
  // HELD by another: who made it has not handed it over yet. Any other kind: it was replaced before it was locked.
  if (kind === SEGMENT || kind === HELD) atomicStore(segment + STATE, RETIRED | (owner << LANE_SHIFT));
}

function settleSegment(lane: i32, owner: i32): void {
  const segment = atomicLoad(lane + SEGMENT_HELD);
  const isHeld = segment !== 0 && isLockedBy(segment + SEGMENT_LOCK, owner);
  if (isHeld && atomicLoad(segment + LEFT) === 0) settleSlots(segment, owner);
  if (isHeld && atomicLoad(segment + LEFT) !== 0) settleReplacement(segment, owner);
  if (isLockedBy(DIRECTORY_LOCK, owner)) unlockWord(DIRECTORY_LOCK);
  if (isHeld) {
    endCount(lane, segment);
    unlockWord(segment + SEGMENT_LOCK);
  }
  atomicStore(lane + SEGMENT_HELD, 0);
}

/** Makes every list of the heap anew from the states of blocks. The caller has the heap's lock, if only by inheritance. */
function reindex(): void {
  for (let i = CLASS_PAGES; i < CLASS_SIZES; i = i + 4) store32(i, 0);
  for (let i = 0; i < 3; i++) store32(LIMBO + (i << 2), 0);
  store32(READY, 0);
  store32(LIMBO_UNITS, 0);
  store32(FREE_PAGES, 0);
  let units = 0;
  const frontier = load32(FRONTIER);
  for (let page = frontier - 1; page >= 0; page--) {
    const descriptor = descriptorOf(page);
    store32(descriptor + PAGE_VACATING, 0);
    store32(descriptor + PAGE_FREE, 0);
    if (load32(descriptor + PAGE_CLASS) === 0) {
      store32(descriptor + PAGE_NEXT, load32(FREE_PAGES));
      store32(FREE_PAGES, page + 1);
      units = units + (PAGE_BYTES >>> 3);
      continue;
    }
    const size = blockSizeOf(descriptor);
    const carved = load32(descriptor + PAGE_CARVED);
    let count = capacityOf(descriptor) - carved;
    for (let i = 0; i < carved; i++) {
      const block = pageAddress(page) + i * size;
      const kind = kindOf(block);
      if (kind === FREE) {
        store32(block + LINK, load32(descriptor + PAGE_FREE));
        store32(descriptor + PAGE_FREE, block);
        count = count + 1;
      }
      if (kind === IN_LIMBO) toLimbo(block);
    }
    store32(descriptor + PAGE_FREE_COUNT, count);
    if (count !== 0) linkPage(page);
    units = units + ((PAGE_BYTES - (capacityOf(descriptor) - count) * size) >>> 3);
  }
  store32(FREE_UNITS, units);
}

/**
 * A chunk that a dead lane was putting in front of a chain, or taking from it, is held by it and first in the
 * chain: it is taken out of the chain, so that it is freed once.
 */
function unlinkHeldChunks(page: i32, owner: i32): void {
  const descriptor = descriptorOf(page);
  if (load32(descriptor + PAGE_CLASS) === 0) return;
  const size = blockSizeOf(descriptor);
  const carved = load32(descriptor + PAGE_CARVED);
  for (let i = 0; i < carved; i++) {
    const block = pageAddress(page) + i * size;
    const isHead =
      isOwned(block, HELD, owner) || isOwned(block, RETIRED, owner) || kindOf(block) === IN_LIMBO;
    if (!isHead || !hasChain(block)) continue;
    const first = load32(chainAddress(block));
    if (first !== 0 && isOwned(first, HELD, owner)) store32(chainAddress(block), load32(first + LINK));
  }
}

/** Frees what a dead lane held in a page, hands what it had retired to limbo, and no longer empties the page. */
function freeOwned(dead: i32, page: i32, owner: i32): void {
  const descriptor = descriptorOf(page);
  for (let i = 0; load32(descriptor + PAGE_CLASS) !== 0 && i < load32(descriptor + PAGE_CARVED); i++) {
    const block = pageAddress(page) + i * blockSizeOf(descriptor);
    if (isOwned(block, HELD, owner)) freeWhole(dead, block);
    else if (isOwned(block, RETIRED, owner)) toLimbo(block);
  }
  if (load32(descriptor + PAGE_VACATING) === owner) endVacation(page);
}

/** Settles all that a lane whose thread has ended was about. False when the heap's lock was not to be had. */
function settle(lane: i32, dead: i32): boolean {
  const owner = ownerOf(dead);
  settleSegment(dead, owner);
  if (isLockedBy(RESERVATION, owner)) unlockWord(RESERVATION);
  endClaims(lane, owner);
  if (isLockedBy(HEAP_LOCK, owner)) {
    reindex();
    unlockHeap();
  }
  const frontier = load32(FRONTIER);
  for (let page = 0; page < frontier; page++) {
    if (!lockHeap(lane)) return false;
    unlinkHeldChunks(page, owner);
    unlockHeap();
  }
  for (let page = 0; page < frontier; page++) {
    if (!lockHeap(lane)) return false;
    freeOwned(dead, page, owner);
    unlockHeap();
  }
  store32(dead + PENDING, 0);
  store32(dead + ONLY_REPLACES, 0);
  wantEvents(dead, false);
  atomicStore(dead + PIN, 0);
  return true;
}

/**
 * Makes the lane of a thread that has ended that of `heir`, with nothing of what the other was about. False when
 * the thread is not known to have ended, when another is faster, and when the heap is not to be had: then the lane
 * is left for the next one.
 */
export function inherit(lane: i32, dead: i32, heir: f64): boolean {
  const identity = atomicLoadInteger(dead + OWNER);
  if (identity === 0 || !isDead(identity)) return false;
  if (!compareExchangeInteger(dead + OWNER, identity, heir)) return false;
  if (settle(lane, dead)) return true;
  atomicStoreInteger(dead + OWNER, identity);
  return false;
}

/** Recovers the lane of a thread, if it has ended. Returns whether it has, and is recovered. */
export function recover(lane: i32, dead: i32): boolean {
  if (!inherit(lane, dead, atomicLoadInteger(lane + OWNER))) return false;
  atomicStoreInteger(dead + OWNER, 0);
  return true;
}

/**
 * Recovers the lanes of all threads that have ended; or only of those that are pinned in an epoch that is over, and
 * so keep memory from becoming free. Returns how many were.
 */
export function recoverDead(lane: i32, onlyPinned: boolean): i32 {
  const lanes = load32(LANES);
  const count = load32(LANE_COUNT);
  let recovered = 0;
  for (let i = 0; i < count; i++) {
    const other = lanes + i * LANE_BYTES;
    if (other === lane) continue;
    if (onlyPinned) {
      const pinned = atomicLoad(other + PIN);
      if (pinned === 0 || pinned === atomicLoad(EPOCH)) continue;
    }
    if (recover(lane, other)) recovered = recovered + 1;
  }
  return recovered;
}

/** The same for who holds a lock, as the lock tells. The number may be anything: the lock's place may be another's by now. */
export function recoverOwner(lane: i32, owner: i32): boolean {
  if (owner < 1 || owner > load32(LANE_COUNT)) return false;
  const dead = load32(LANES) + (owner - 1) * LANE_BYTES;
  return dead !== lane && recover(lane, dead);
}
