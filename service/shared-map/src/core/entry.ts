/** An entry: a key and its value in one block, which does not change from when it is published until it is freed. */
import { chainAddress, hasChain } from "./heap.ts";
import {
  BLOCK_HEADER,
  CHAIN,
  CHUNK_LENGTH,
  COUNTER,
  ENTRY,
  EVICTS,
  EXPIRY,
  FIXED,
  FIXED_COUNTER,
  FOUND,
  FOUND_EXPIRY,
  FOUND_GENERATION,
  GENERATION,
  KEY,
  KEY_META,
  KIND,
  LINK,
  MAX_INLINE_BYTES,
  NUMBER,
  SCRATCH,
  SCRATCH_VALUE,
  STALE_FOR,
  STATE,
  VALUE_META,
  VISITED,
} from "./layout.ts";
import {
  atomicLoad,
  atomicLoadInteger,
  compareExchange,
  copyBytes,
  type f64,
  type i32,
  load32,
  loadF64,
  store32,
  storeF64,
} from "./machine.ts";

/** Bytes of the block that an entry needs, from the metas of key and value. */
export function entryBytes(keyMeta: i32, valueMeta: i32): i32 {
  const value = valueMeta >>> 4 > MAX_INLINE_BYTES ? 8 : ((valueMeta >>> 4) + 7) & ~7;
  return KEY + (((keyMeta >>> 4) + 7) & ~7) + value;
}

/** Where a value that is no chain begins: behind the key, at a multiple of eight. */
export function valueAddress(block: i32): i32 {
  return block + KEY + (((load32(block + KEY_META) >>> 4) + 7) & ~7);
}

export function typeOf(block: i32): i32 {
  return load32(block + VALUE_META) & 15;
}

export function isInteger(block: i32): boolean {
  const type = typeOf(block);
  return type === COUNTER || type === FIXED_COUNTER;
}

/** The state of a published entry. */
export function publishedKind(block: i32): i32 {
  return typeOf(block) === FIXED_COUNTER ? FIXED : ENTRY;
}

/** `now` is 0 where no entry of the map expires. */
export function isExpired(block: i32, now: f64): boolean {
  const expiry = loadF64(block + EXPIRY);
  return expiry !== 0 && expiry <= now;
}

/** Whether an entry has expired and is not kept as a stale one either. */
export function isOver(block: i32, now: f64): boolean {
  return isExpired(block, now - loadF64(STALE_FOR));
}

/** Tells eviction that the entry is wanted: one write after each visit of eviction, however often it is read. */
export function markVisited(block: i32): void {
  const state = atomicLoad(block + STATE);
  if ((state & (KIND | VISITED)) === ENTRY && load32(EVICTS) !== 0) {
    compareExchange(block + STATE, state, state | VISITED);
  }
}

/**
 * Copies a value to the lane's scratch, integers as float64, and returns its meta. Of a chain nothing is
 * copied: `readChunk` does that, while the caller stays pinned.
 */
export function deliverValue(lane: i32, block: i32): i32 {
  const meta = load32(block + VALUE_META);
  const target = load32(lane + SCRATCH) + SCRATCH_VALUE;
  store32(lane + FOUND, block);
  store32(lane + FOUND_GENERATION, atomicLoad(block + GENERATION));
  storeF64(lane + FOUND_EXPIRY, loadF64(block + EXPIRY));
  if (hasChain(block)) store32(lane + CHAIN, load32(chainAddress(block)));
  else if (isInteger(block)) storeF64(target, atomicLoadInteger(valueAddress(block)));
  else if (typeOf(block) === NUMBER) storeF64(target, loadF64(valueAddress(block)));
  else copyBytes(target, valueAddress(block), meta >>> 4);
  return meta;
}

/** Copies the next chunk of a chain to the lane's scratch and returns its length; 0 behind the last. */
export function readChunk(lane: i32): i32 {
  const chunk = load32(lane + CHAIN);
  if (chunk === 0) return 0;
  const length = load32(chunk + CHUNK_LENGTH);
  copyBytes(load32(lane + SCRATCH) + SCRATCH_VALUE, chunk + BLOCK_HEADER, length);
  store32(lane + CHAIN, load32(chunk + LINK));
  return length;
}
