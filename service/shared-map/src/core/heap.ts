/**
 * The heap: 64 KiB pages, each cut into blocks of one size class, under one lock.
 *
 * A block's state word is the truth about it. Lists (free blocks of a page, pages of a class with free blocks,
 * free pages, limbo) are indexes that `recover.ts` makes anew when a thread died while changing them. So every
 * function here changes state words in an order in which each prefix is right, and lists in any order.
 *
 * A page whose blocks are all free can pass to another class: memory follows what is stored.
 */
import { everybodyIsCurrent, nextEpoch, ownerOf } from "./epoch.ts";
import {
  CLASS_OF,
  CLASS_PAGES,
  CLASS_SIZES,
  DESCRIPTOR_BYTES,
  EVICTS,
  FIRST_PAGE,
  FREE,
  FREE_PAGES,
  FREE_UNITS,
  FRONTIER,
  GENERATION,
  GENERATIONS,
  HEAP_LOCK,
  HELD,
  IN_LIMBO,
  KEY,
  KEY_META,
  KIND,
  LANE_SHIFT,
  LAYOUT,
  LIMBO,
  LIMBO_INDEX,
  LIMBO_UNITS,
  LINK,
  MAX_INLINE_BYTES,
  MAX_PAGES,
  ONLY_REPLACES,
  PAGE_BYTES,
  PAGE_CARVED,
  PAGE_CLASS,
  PAGE_FREE,
  PAGE_FREE_COUNT,
  PAGE_LAST_CLASS,
  PAGE_NEXT,
  PAGE_PREVIOUS,
  PAGE_TABLE,
  PAGE_VACATING,
  PENDING,
  READY,
  RETIRED,
  RETIRED_SINCE,
  SPARE_PAGES,
  STATE,
  VALUE_META,
} from "./layout.ts";
import { lockWord, unlockWord } from "./lock.ts";
import { atomicAdd, atomicLoad, atomicStore, type i32, load8, load32, store32 } from "./machine.ts";

/** The epoch is tried once in so many retirements: looking at every lane has its price. */
const RETIRED_PER_ADVANCE: i32 = 16;
/** Blocks handed to limbo while the lock is held once: who clears the map has a thousand of them. */
const RETIRED_AT_ONCE: i32 = 64;
/** A call frees at most so many blocks that others left. */
const FREED_PER_CALL: i32 = 4;

/** Where the address of the first chunk lies in an entry whose value is a chain. */
export function chainAddress(block: i32): i32 {
  return block + KEY + (((load32(block + KEY_META) >>> 4) + 7) & ~7);
}

export function hasChain(block: i32): boolean {
  return load32(block + VALUE_META) >>> 4 > MAX_INLINE_BYTES;
}

export function lockHeap(lane: i32): boolean {
  return lockWord(HEAP_LOCK, lane);
}

export function unlockHeap(): void {
  unlockWord(HEAP_LOCK);
}

export function sizeClassOf(size: i32): i32 {
  return load8(CLASS_OF + ((size + 15) >>> 4));
}

export function sizeOfClass(sizeClass: i32): i32 {
  return load32(CLASS_SIZES + (sizeClass << 2));
}

export function descriptorOf(page: i32): i32 {
  return load32(PAGE_TABLE) + page * DESCRIPTOR_BYTES;
}

export function pageAddress(page: i32): i32 {
  return load32(FIRST_PAGE) + page * PAGE_BYTES;
}

export function pageOf(block: i32): i32 {
  return (block - load32(FIRST_PAGE)) >>> 16;
}

/** The size of the blocks in a page that is assigned. */
export function blockSizeOf(descriptor: i32): i32 {
  return sizeOfClass(load32(descriptor + PAGE_CLASS) - 1);
}

export function capacityOf(descriptor: i32): i32 {
  return (PAGE_BYTES / blockSizeOf(descriptor)) | 0;
}

/** Puts a page at the head of its class's list of pages with free blocks. */
export function linkPage(page: i32): void {
  const descriptor = descriptorOf(page);
  const head = CLASS_PAGES + ((load32(descriptor + PAGE_CLASS) - 1) << 2);
  const next = load32(head);
  store32(descriptor + PAGE_PREVIOUS, 0);
  store32(descriptor + PAGE_NEXT, next);
  if (next !== 0) store32(descriptorOf(next - 1) + PAGE_PREVIOUS, page + 1);
  store32(head, page + 1);
}

export function unlinkPage(page: i32): void {
  const descriptor = descriptorOf(page);
  const previous = load32(descriptor + PAGE_PREVIOUS);
  const next = load32(descriptor + PAGE_NEXT);
  if (previous !== 0) store32(descriptorOf(previous - 1) + PAGE_NEXT, next);
  else store32(CLASS_PAGES + ((load32(descriptor + PAGE_CLASS) - 1) << 2), next);
  if (next !== 0) store32(descriptorOf(next - 1) + PAGE_PREVIOUS, previous);
}

/** The page has no block in use: anybody may have it. */
function surrenderPage(page: i32): void {
  const descriptor = descriptorOf(page);
  store32(descriptor + PAGE_CLASS, 0);
  store32(descriptor + PAGE_VACATING, 0);
  store32(descriptor + PAGE_NEXT, load32(FREE_PAGES));
  store32(FREE_PAGES, page + 1);
}

/** Hands the blocks of a page out again that was being emptied. */
export function endVacation(page: i32): void {
  store32(descriptorOf(page) + PAGE_VACATING, 0);
  if (load32(descriptorOf(page) + PAGE_FREE_COUNT) !== 0) linkPage(page);
}

/** Surrenders a page that a class kept though it is free. False when no class has one. */
function surrenderIdlePage(): boolean {
  for (let head = CLASS_PAGES; head < CLASS_SIZES; head = head + 4) {
    const page = load32(head) - 1;
    if (page < 0) continue;
    const descriptor = descriptorOf(page);
    if (load32(descriptor + PAGE_FREE_COUNT) !== capacityOf(descriptor)) continue;
    unlinkPage(page);
    surrenderPage(page);
    return true;
  }
  return false;
}

/** A page never touched, up to a limit; -1 when there is none. */
function touchPage(limit: i32): i32 {
  const frontier = load32(FRONTIER);
  if (frontier >= limit) return -1;
  store32(FRONTIER, frontier + 1);
  store32(FREE_UNITS, load32(FREE_UNITS) + (PAGE_BYTES >>> 3));
  return frontier;
}

/** A page that no class has: one that was free, or one never touched; -1 when there is none. */
function takePage(lane: i32): i32 {
  const most = load32(MAX_PAGES);
  if (load32(FREE_PAGES) === 0) {
    const touched = touchPage(most);
    if (touched >= 0) return touched;
    if (!surrenderIdlePage()) {
      return load32(lane + ONLY_REPLACES) < 2 ? -1 : touchPage(most + load32(SPARE_PAGES));
    }
  }
  const page = load32(FREE_PAGES) - 1;
  store32(FREE_PAGES, load32(descriptorOf(page) + PAGE_NEXT));
  return page;
}

/** Gives a class one more page; false when there is none to be had. */
function assignPage(lane: i32, sizeClass: i32): boolean {
  const page = takePage(lane);
  if (page < 0) return false;
  const descriptor = descriptorOf(page);
  const last = load32(descriptor + PAGE_LAST_CLASS);
  if (last !== 0 && last !== sizeClass + 1) atomicAdd(LAYOUT, 1);
  store32(descriptor + PAGE_LAST_CLASS, sizeClass + 1);
  store32(descriptor + PAGE_CARVED, 0);
  store32(descriptor + PAGE_FREE, 0);
  store32(descriptor + PAGE_VACATING, 0);
  store32(descriptor + PAGE_CLASS, sizeClass + 1);
  store32(descriptor + PAGE_FREE_COUNT, capacityOf(descriptor));
  linkPage(page);
  return true;
}

/**
 * Whether a block of the class is its last: where nothing is evicted, it is left for values that take the place of
 * others, which need a new block before they give one back. The caller holds the lock.
 */
export function isSpare(lane: i32, sizeClass: i32): boolean {
  if (load32(EVICTS) !== 0 || load32(lane + ONLY_REPLACES) !== 0) return false;
  if (load32(FREE_PAGES) !== 0 || load32(FRONTIER) < load32(MAX_PAGES)) return false;
  const page = load32(CLASS_PAGES + (sizeClass << 2)) - 1;
  if (page < 0) return false;
  return load32(descriptorOf(page) + PAGE_FREE_COUNT) === 1 && load32(descriptorOf(page) + PAGE_NEXT) === 0;
}

/** A block of the class, held by the lane; 0 when there is none. The caller holds the lock. */
export function takeBlock(lane: i32, sizeClass: i32): i32 {
  const head = CLASS_PAGES + (sizeClass << 2);
  if (load32(head) === 0 && !assignPage(lane, sizeClass)) return 0;
  const page = load32(head) - 1;
  const descriptor = descriptorOf(page);
  const size = sizeOfClass(sizeClass);
  let block = load32(descriptor + PAGE_FREE);
  if (block !== 0) {
    store32(descriptor + PAGE_FREE, load32(block + LINK));
  } else {
    const carved = load32(descriptor + PAGE_CARVED);
    block = pageAddress(page) + carved * size;
    atomicStore(block + STATE, FREE);
    store32(descriptor + PAGE_CARVED, carved + 1);
  }
  const count = load32(descriptor + PAGE_FREE_COUNT) - 1;
  store32(descriptor + PAGE_FREE_COUNT, count);
  if (count === 0) unlinkPage(page);
  store32(FREE_UNITS, load32(FREE_UNITS) - (size >>> 3));
  const generation = (load32(GENERATIONS) + 1) | 0;
  store32(GENERATIONS, generation);
  atomicStore(block + GENERATION, generation);
  store32(block + VALUE_META, 0);
  atomicStore(block + STATE, HELD | (ownerOf(lane) << LANE_SHIFT));
  return block;
}

/** The caller holds the lock. */
export function freeBlock(block: i32): void {
  const page = pageOf(block);
  const descriptor = descriptorOf(page);
  const size = blockSizeOf(descriptor);
  atomicStore(block + STATE, FREE);
  store32(block + LINK, load32(descriptor + PAGE_FREE));
  store32(descriptor + PAGE_FREE, block);
  store32(FREE_UNITS, load32(FREE_UNITS) + (size >>> 3));
  const count = load32(descriptor + PAGE_FREE_COUNT) + 1;
  store32(descriptor + PAGE_FREE_COUNT, count);
  const isVacating = load32(descriptor + PAGE_VACATING) !== 0;
  if (count === 1 && !isVacating) linkPage(page);
  if (count < ((PAGE_BYTES / size) | 0)) return;
  if (isVacating) {
    surrenderPage(page);
  } else if (load32(descriptor + PAGE_PREVIOUS) !== 0 || load32(descriptor + PAGE_NEXT) !== 0) {
    // The last page of a class stays: a class that breathes by one block would else take and give it by turns.
    unlinkPage(page);
    surrenderPage(page);
  }
}

/** A block and, of an entry, its chunks, the way that survives a death at any point. The caller holds the lock. */
export function freeWhole(lane: i32, block: i32): void {
  if (hasChain(block)) {
    const chain = chainAddress(block);
    for (let chunk = load32(chain); chunk !== 0; chunk = load32(chain)) {
      atomicStore(chunk + STATE, HELD | (ownerOf(lane) << LANE_SHIFT));
      store32(chain, load32(chunk + LINK));
      freeBlock(chunk);
    }
  }
  freeBlock(block);
}

/** Memory of a block and of its chunks, about, in units of 8 bytes. */
function unitsOf(block: i32): i32 {
  const chain = hasChain(block) ? load32(block + VALUE_META) >>> 7 : 0;
  return (blockSizeOf(descriptorOf(pageOf(block))) >>> 3) + chain;
}

/** Frees up to `count` blocks that nobody can see any more. The caller holds the lock. */
export function freeReady(lane: i32, count: i32): void {
  for (let i = 0; i < count; i++) {
    const block = load32(READY);
    if (block === 0) return;
    store32(READY, load32(block + LINK));
    store32(LIMBO_UNITS, load32(LIMBO_UNITS) - unitsOf(block));
    freeWhole(lane, block);
  }
}

/**
 * Goes to the next epoch if every pinned thread is in this one. What was retired three epochs ago is ready
 * then: a thread pinned now has seen at most the last two. The caller holds the lock.
 */
export function advanceEpoch(lane: i32): boolean {
  if (load32(READY) !== 0) freeReady(lane, FREED_PER_CALL);
  if (load32(READY) !== 0 || !everybodyIsCurrent()) return false;
  const index = load32(LIMBO_INDEX) === 2 ? 0 : load32(LIMBO_INDEX) + 1;
  nextEpoch();
  store32(LIMBO_INDEX, index);
  store32(READY, load32(LIMBO + (index << 2)));
  store32(LIMBO + (index << 2), 0);
  return true;
}

/** To limbo. The caller holds the lock. */
export function toLimbo(block: i32): void {
  const list = LIMBO + (load32(LIMBO_INDEX) << 2);
  atomicStore(block + STATE, IN_LIMBO);
  store32(block + LINK, load32(list));
  store32(list, block);
  store32(LIMBO_UNITS, load32(LIMBO_UNITS) + unitsOf(block));
}

/**
 * Hands blocks in state RETIRED, linked to one another, to limbo. When the heap's lock is not to be had, they
 * wait in the lane for the next time.
 */
export function retire(lane: i32, first: i32): void {
  for (let block = first; block !== 0; ) block = retireSome(lane, block);
}

/** Returns what is left of them for the next time. */
function retireSome(lane: i32, first: i32): i32 {
  if (!lockHeap(lane)) {
    let last = first;
    while (load32(last + LINK) !== 0) last = load32(last + LINK);
    store32(last + LINK, load32(lane + PENDING));
    store32(lane + PENDING, first);
    return 0;
  }
  let block = first;
  let count = 0;
  for (; block !== 0 && count < RETIRED_AT_ONCE; count++) {
    const next = load32(block + LINK);
    toLimbo(block);
    block = next;
    if (block === 0) {
      block = load32(lane + PENDING);
      store32(lane + PENDING, 0);
    }
  }
  store32(RETIRED_SINCE, load32(RETIRED_SINCE) + count);
  if (block === 0) {
    if (load32(RETIRED_SINCE) >= RETIRED_PER_ADVANCE) {
      advanceEpoch(lane);
      store32(RETIRED_SINCE, 0);
    }
    freeReady(lane, FREED_PER_CALL);
  }
  unlockHeap();
  return block;
}

/** Marks a block as out of the map, in front of others that are. */
export function markRetired(lane: i32, block: i32, others: i32): i32 {
  atomicStore(block + STATE, RETIRED | (ownerOf(lane) << LANE_SHIFT));
  store32(block + LINK, others);
  return block;
}

/** Gives back a block that was held and never seen by others. */
export function discard(lane: i32, block: i32): void {
  if (block === 0) return;
  if (!lockHeap(lane)) {
    store32(lane + PENDING, markRetired(lane, block, load32(lane + PENDING)));
    return;
  }
  freeWhole(lane, block);
  unlockHeap();
}

export function kindOf(block: i32): i32 {
  return atomicLoad(block + STATE) & KIND;
}
