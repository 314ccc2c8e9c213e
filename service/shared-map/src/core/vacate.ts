/**
 * Emptying a page, so that another size class can have it: what is stored may change from small to large, and
 * memory has to follow. The entries and segments of the page are copied to other pages of their class; entries are evicted where
 * there is no room for them and the map evicts.
 */
import { lockSegment, unlockSegment } from "./access.ts";
import { ownerOf } from "./epoch.ts";
import { evictEntry } from "./evict.ts";
import {
  advanceEpoch,
  blockSizeOf,
  descriptorOf,
  discard,
  endVacation,
  freeReady,
  hasChain,
  kindOf,
  lockHeap,
  markRetired,
  pageAddress,
  retire,
  takeBlock,
  unlinkPage,
  unlockHeap,
} from "./heap.ts";
import {
  CHUNK,
  CHUNK_ENTRY,
  ENTRY,
  EVICTS,
  EXPIRY,
  FOUND,
  FREE,
  FRONTIER,
  HASH,
  IN_LIMBO,
  KIND,
  LINK,
  LIST_MAX,
  PAGE_CARVED,
  PAGE_CLASS,
  PAGE_FREE_COUNT,
  PAGE_VACATING,
  PREFIX,
  RETIRED,
  SCRATCH,
  SCRATCH_LIST,
  SEGMENT,
  STATE,
} from "./layout.ts";
import { atomicLoad, atomicStore, copyBytes, type f64, type i32, load32, store32 } from "./machine.ts";
import { slotOf } from "./segment.ts";
import { replaceBy } from "./split.ts";

const FREED_AT_ONCE: i32 = 4096;
const EPOCHS_TO_FREEDOM: i32 = 3;

/** Whether the page is still being emptied by the lane: once it is free, others may have it. */
function isVacating(lane: i32, descriptor: i32): boolean {
  return load32(descriptor + PAGE_VACATING) === ownerOf(lane);
}

/** Whether nothing in the page stands in the way. The caller holds the heap's lock. */
function canVacate(page: i32): boolean {
  const descriptor = descriptorOf(page);
  const size = blockSizeOf(descriptor);
  const evicts = load32(EVICTS) !== 0;
  const end = pageAddress(page) + load32(descriptor + PAGE_CARVED) * size;
  for (let block = pageAddress(page); block !== end; block = block + size) {
    const kind = kindOf(block);
    // A chain is not copied: readers may be anywhere in it. It can only be evicted as a whole.
    const isMovable =
      kind === FREE ||
      kind === RETIRED ||
      kind === IN_LIMBO ||
      kind === SEGMENT ||
      (kind === ENTRY && (evicts || !hasChain(block))) ||
      (kind === CHUNK && evicts);
    if (!isMovable) return false;
  }
  return true;
}

/** The page of another class with the most free memory, set aside; -1 when there is none. */
function chooseVacated(lane: i32, sizeClass: i32): i32 {
  if (!lockHeap(lane)) return -1;
  let best = -1;
  // Without eviction a page without a free block gives nothing: its entries would need as much elsewhere.
  let most = load32(EVICTS) !== 0 ? -1 : 0;
  const frontier = load32(FRONTIER);
  for (let page = 0; page < frontier; page++) {
    const descriptor = descriptorOf(page);
    const pageClass = load32(descriptor + PAGE_CLASS);
    if (pageClass === 0 || pageClass === sizeClass + 1 || load32(descriptor + PAGE_VACATING) !== 0) continue;
    const free = load32(descriptor + PAGE_FREE_COUNT) * blockSizeOf(descriptor);
    if (free > most && canVacate(page)) {
      best = page;
      most = free;
    }
  }
  if (best >= 0) {
    if (load32(descriptorOf(best) + PAGE_FREE_COUNT) !== 0) unlinkPage(best);
    store32(descriptorOf(best) + PAGE_VACATING, ownerOf(lane));
  }
  unlockHeap();
  return best;
}

/** Copies an entry to another block of its class, or evicts it. Returns what is retired now, linked to others. */
function moveEntry(lane: i32, entry: i32, hash: i32, page: i32, now: f64, others: i32): i32 {
  if (!lockHeap(lane)) return others;
  if (!isVacating(lane, descriptorOf(page))) {
    unlockHeap();
    return others;
  }
  const isChain = kindOf(entry) !== ENTRY || hasChain(entry);
  const copy = isChain ? 0 : takeBlock(lane, load32(descriptorOf(page) + PAGE_CLASS) - 1);
  const size = blockSizeOf(descriptorOf(page));
  unlockHeap();
  if (copy === 0) return load32(EVICTS) !== 0 ? evictEntry(lane, entry, hash, now, true, others) : others;
  const segment = lockSegment(lane, hash);
  const slot = segment === 0 ? 0 : slotOf(lane, segment, hash, entry);
  const state = slot === 0 ? FREE : atomicLoad(entry + STATE);
  let gone = others;
  if ((state & KIND) === ENTRY) {
    store32(copy + HASH, hash);
    copyBytes(copy + EXPIRY, entry + EXPIRY, size - EXPIRY);
    gone = markRetired(lane, entry, others);
    atomicStore(slot, copy);
    atomicStore(copy + STATE, state);
  }
  if (segment !== 0) unlockSegment(lane, segment);
  if ((state & KIND) !== ENTRY) discard(lane, copy);
  return gone;
}

/** Copies a segment to another block of its class. Returns what is retired now, linked to others. */
function moveSegment(lane: i32, segment: i32, prefix: i32, page: i32, others: i32): i32 {
  if (!lockHeap(lane)) return others;
  const isOurs = isVacating(lane, descriptorOf(page));
  const copy = isOurs ? takeBlock(lane, load32(descriptorOf(page) + PAGE_CLASS) - 1) : 0;
  unlockHeap();
  if (copy === 0) return others;
  const locked = lockSegment(lane, prefix);
  const isSame = locked !== 0 && locked === segment;
  const gone = isSame ? replaceBy(lane, segment, copy, copy) : 0;
  if (locked !== 0) unlockSegment(lane, locked);
  if (gone === 0) {
    discard(lane, copy);
    return others;
  }
  store32(gone + LINK, others);
  return gone;
}

/** Lists entries and segments of the page from a block on, as pairs of address and hash. Returns the block to go on from. */
function listEntries(lane: i32, page: i32, from: i32): i32 {
  const list = load32(lane + SCRATCH) + SCRATCH_LIST;
  store32(lane + FOUND, 0);
  if (!lockHeap(lane)) return -1;
  const descriptor = descriptorOf(page);
  if (!isVacating(lane, descriptor)) {
    unlockHeap();
    return -1;
  }
  const size = blockSizeOf(descriptor);
  const carved = load32(descriptor + PAGE_CARVED);
  let index = from;
  let count = 0;
  for (; index < carved && count < LIST_MAX; index++) {
    const block = pageAddress(page) + index * size;
    const kind = kindOf(block);
    const found = kind === CHUNK ? load32(block + CHUNK_ENTRY) : block;
    const foundKind = kindOf(found);
    if (foundKind !== ENTRY && foundKind !== SEGMENT) continue;
    store32(list + (count << 3), found);
    store32(list + (count << 3) + 4, load32(found + (foundKind === SEGMENT ? PREFIX : HASH)));
    count = count + 1;
  }
  unlockHeap();
  store32(lane + FOUND, count);
  return index < carved ? index : -1;
}

/** Whether the page has become free. If it has not, its blocks are handed out again. */
function finish(lane: i32, page: i32): boolean {
  const descriptor = descriptorOf(page);
  if (!lockHeap(lane)) return false;
  for (let i = 0; i < EPOCHS_TO_FREEDOM; i++) {
    freeReady(lane, FREED_AT_ONCE);
    advanceEpoch(lane);
    freeReady(lane, FREED_AT_ONCE);
  }
  const isFree = !isVacating(lane, descriptor);
  if (!isFree) endVacation(page);
  unlockHeap();
  return isFree;
}

/** Frees one page that another class has. False when none could be. */
export function vacatePage(lane: i32, sizeClass: i32, now: f64): boolean {
  const page = chooseVacated(lane, sizeClass);
  if (page < 0) return false;
  const list = load32(lane + SCRATCH) + SCRATCH_LIST;
  for (let from = 0; from >= 0; ) {
    from = listEntries(lane, page, from);
    const count = load32(lane + FOUND);
    let gone = 0;
    for (let i = 0; i < count; i++) {
      const block = load32(list + (i << 3));
      const hash = load32(list + (i << 3) + 4);
      if (kindOf(block) === SEGMENT) gone = moveSegment(lane, block, hash, page, gone);
      else gone = moveEntry(lane, block, hash, page, now, gone);
    }
    retire(lane, gone);
  }
  return finish(lane, page);
}
