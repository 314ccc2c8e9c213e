/**
 * What a lane's calls evict or find expired, for who listens in its thread. Core and listener are of one thread, so a
 * place in the lane's scratch does, and no other thread sees it: the core puts entries there while there is room and counts
 * those for which there is none; JavaScript takes them out between two calls.
 */
import { isInteger, typeOf, valueAddress } from "./entry.ts";
import { hasChain } from "./heap.ts";
import {
  EVENT_BYTES,
  EVENT_KEY_META,
  EVENT_REASON,
  EVENT_VALUE_META,
  EVENTS_BYTES,
  EVENTS_LOST,
  EVENTS_USED,
  EVENTS_WANTED,
  EVICTIONS,
  EXPIRATIONS,
  FOUND,
  FOUND_KEY,
  FOUND_VALUE,
  KEY,
  KEY_META,
  MAX_EVENT_VALUE,
  NUMBER,
  SCRATCH,
  SCRATCH_EVENTS,
  SCRATCH_KEY,
  SCRATCH_VALUE,
  VALUE_META,
} from "./layout.ts";
import { atomicLoadInteger, copyBytes, type i32, load32, loadF64, store32, storeF64 } from "./machine.ts";

function aligned(bytes: i32): i32 {
  return (bytes + 7) & ~7;
}

/** Notes an entry; of a value that is long, that there was one. */
function noteEvent(lane: i32, block: i32, reason: i32): void {
  const keyMeta = load32(block + KEY_META);
  const length = load32(block + VALUE_META) >>> 4;
  const valueMeta = hasChain(block) || length > MAX_EVENT_VALUE ? 0 : load32(block + VALUE_META);
  const used = load32(lane + EVENTS_USED);
  const bytes = EVENT_BYTES + aligned(keyMeta >>> 4) + aligned(valueMeta >>> 4);
  if (used + bytes > EVENTS_BYTES) {
    storeF64(lane + EVENTS_LOST, loadF64(lane + EVENTS_LOST) + 1);
    return;
  }
  const event = load32(lane + SCRATCH) + SCRATCH_EVENTS + used;
  store32(event + EVENT_REASON, reason);
  store32(event + EVENT_KEY_META, keyMeta);
  store32(event + EVENT_VALUE_META, valueMeta);
  copyBytes(event + EVENT_BYTES, block + KEY, keyMeta >>> 4);
  const value = event + EVENT_BYTES + aligned(keyMeta >>> 4);
  if (valueMeta !== 0) {
    if (isInteger(block)) storeF64(value, atomicLoadInteger(valueAddress(block)));
    else if (typeOf(block) === NUMBER) storeF64(value, loadF64(valueAddress(block)));
    else copyBytes(value, valueAddress(block), length);
  }
  store32(lane + EVENTS_USED, used + bytes);
}

/** Counts an entry that the caller takes out, by EVICTIONS or EXPIRATIONS, and notes it where somebody listens. */
export function countGone(lane: i32, block: i32, hasExpired: boolean): void {
  const statistic = hasExpired ? EXPIRATIONS : EVICTIONS;
  storeF64(lane + statistic, loadF64(lane + statistic) + 1);
  if (load32(lane + EVENTS_WANTED) !== 0) noteEvent(lane, block, statistic);
}

/** Hands the event at a place out as iteration does an entry, its reason in FOUND. Returns the next one's place. */
export function takeEvent(lane: i32, at: i32): i32 {
  const scratch = load32(lane + SCRATCH);
  const event = scratch + SCRATCH_EVENTS + at;
  const keyMeta = load32(event + EVENT_KEY_META);
  const valueMeta = load32(event + EVENT_VALUE_META);
  const value = event + EVENT_BYTES + aligned(keyMeta >>> 4);
  copyBytes(scratch + SCRATCH_KEY, event + EVENT_BYTES, keyMeta >>> 4);
  copyBytes(scratch + SCRATCH_VALUE, value, valueMeta >>> 4);
  store32(lane + FOUND, load32(event + EVENT_REASON));
  store32(lane + FOUND_KEY, keyMeta);
  store32(lane + FOUND_VALUE, valueMeta);
  return at + EVENT_BYTES + aligned(keyMeta >>> 4) + aligned(valueMeta >>> 4);
}

/** Begins or ends listening, with nothing noted. */
export function wantEvents(lane: i32, wanted: boolean): void {
  store32(lane + EVENTS_WANTED, wanted ? 1 : 0);
  store32(lane + EVENTS_USED, 0);
}
