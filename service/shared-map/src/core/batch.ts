/**
 * Reading many keys in one call. One read waits for memory three times, one after the other: for the group's control
 * word, for the slot, for the entry. Here all keys of a batch take each step before any takes the next, so that
 * they wait for memory together.
 *
 * A batch is rows in the lane's scratch: `stageNumber`, or `stageText` of `tools/text.as`, fills one; `findStaged`
 * finds them all. Each row is a read of its own: what it finds was there at a moment within the call.
 */
import { locate } from "./directory.ts";
import { isExpired, isInteger, markVisited, typeOf, valueAddress } from "./entry.ts";
import { pin, unpin } from "./epoch.ts";
import { hashBytes } from "./hash.ts";
import {
  ABSENT,
  DEPTH,
  FOUND,
  HITS,
  MAX_INLINE_BYTES,
  MAX_KEY_BYTES,
  MISSES,
  NO_ROOM,
  NUMBER,
  ROW_BYTES,
  ROW_HASH,
  ROW_KEY,
  ROW_KEY_META,
  ROW_NUMBER,
  ROW_PLACE,
  ROW_VALUE,
  ROW_VALUE_META,
  SCRATCH,
  SCRATCH_BATCH,
  SCRATCH_KEY,
  SCRATCH_VALUE,
  VALUE_META,
} from "./layout.ts";
import {
  atomicLoad,
  atomicLoadControl,
  atomicLoadInteger,
  copyBytes,
  countTrailingZeros,
  type f64,
  type i32,
  load32,
  loadF64,
  matchByte,
  store32,
  storeF64,
} from "./machine.ts";
import { controlOf, findSlot, groupAddress, hasKey, homeGroup, slotAddress } from "./segment.ts";

function rowAddress(lane: i32, row: i32): i32 {
  return load32(lane + SCRATCH) + SCRATCH_BATCH + row * ROW_BYTES;
}

/** Has a key that lies at `key` be a row of the batch. */
export function stageRow(lane: i32, row: i32, key: i32, keyMeta: i32): void {
  const at = rowAddress(lane, row);
  store32(at + ROW_KEY, key);
  store32(at + ROW_KEY_META, keyMeta);
  store32(at + ROW_HASH, hashBytes(key, keyMeta >>> 4));
}

/** Has a number be a row of the batch, `at` bytes behind the first one's. Returns its meta or NO_ROOM. */
export function stageNumber(lane: i32, row: i32, number: f64, at: i32): i32 {
  if (at + 8 > MAX_KEY_BYTES) return NO_ROOM;
  const key = load32(lane + SCRATCH) + SCRATCH_KEY + at;
  const meta = (8 << 4) | NUMBER;
  storeF64(key, number);
  stageRow(lane, row, key, meta);
  return meta;
}

/** The block of a row's key, or 0. */
function findRow(lane: i32, at: i32): i32 {
  const hash = load32(at + ROW_HASH);
  const slot = findSlot(lane, locate(hash), hash, load32(at + ROW_KEY_META), load32(at + ROW_KEY));
  return slot === 0 ? 0 : load32(lane + FOUND);
}

/** Has every row's PLACE be the block of its key, or 0. The caller is pinned. */
function findBlocks(lane: i32, count: i32): void {
  const first = rowAddress(lane, 0);
  const end = first + count * ROW_BYTES;
  for (let at = first; at !== end; at = at + ROW_BYTES) {
    const hash = load32(at + ROW_HASH);
    const segment = locate(hash);
    store32(at + ROW_PLACE, groupAddress(segment, homeGroup(hash, load32(segment + DEPTH))));
  }
  for (let at = first; at !== end; at = at + ROW_BYTES) {
    const group = load32(at + ROW_PLACE);
    const found = matchByte(atomicLoadControl(group), controlOf(load32(at + ROW_HASH)));
    store32(at + ROW_PLACE, found === 0 ? 0 : slotAddress(group, countTrailingZeros(found)));
  }
  for (let at = first; at !== end; at = at + ROW_BYTES) {
    const slot = load32(at + ROW_PLACE);
    if (slot !== 0) store32(at + ROW_PLACE, atomicLoad(slot));
  }
  for (let at = first; at !== end; at = at + ROW_BYTES) {
    const block = load32(at + ROW_PLACE);
    const isFound =
      block !== 0 && hasKey(block, load32(at + ROW_HASH), load32(at + ROW_KEY_META), load32(at + ROW_KEY));
    // Not the first that may be it: rare, and looked for as a single key is.
    if (!isFound) store32(at + ROW_PLACE, findRow(lane, at));
  }
}

/** Has the processor fetch what a write to each row's key will look at. */
export function fetchStaged(lane: i32, count: i32): void {
  pin(lane);
  findBlocks(lane, count);
  unpin(lane);
}

/**
 * Reads all rows. A row's VALUE_META is that of its value, or ABSENT, or NO_ROOM for a value that is too long for
 * what is left of the scratch: it is to be read by itself. Numbers are in the rows; other values lie one behind the
 * other from SCRATCH_VALUE on, at the row's VALUE. Returns how many bytes they take.
 */
export function findStaged(lane: i32, count: i32, withValues: boolean, now: f64): i32 {
  pin(lane);
  findBlocks(lane, count);
  const values = load32(lane + SCRATCH) + SCRATCH_VALUE;
  const first = rowAddress(lane, 0);
  let hits = 0;
  let used = 0;
  for (let row = 0; row < count; row++) {
    const at = first + row * ROW_BYTES;
    const block = load32(at + ROW_PLACE);
    let meta = ABSENT;
    if (block !== 0 && !isExpired(block, now)) {
      hits = hits + 1;
      markVisited(block);
      meta = load32(block + VALUE_META);
      const length = meta >>> 4;
      if (!withValues) {
        meta = 0;
      } else if (isInteger(block)) {
        storeF64(at + ROW_NUMBER, atomicLoadInteger(valueAddress(block)));
      } else if (typeOf(block) === NUMBER) {
        storeF64(at + ROW_NUMBER, loadF64(valueAddress(block)));
      } else if (used + length > MAX_INLINE_BYTES) {
        meta = NO_ROOM;
      } else {
        copyBytes(values + used, valueAddress(block), length);
        store32(at + ROW_VALUE, used);
        used = used + length;
      }
    }
    store32(at + ROW_VALUE_META, meta);
  }
  unpin(lane);
  storeF64(lane + HITS, loadF64(lane + HITS) + hits);
  storeF64(lane + MISSES, loadF64(lane + MISSES) + (count - hits));
  return used;
}
