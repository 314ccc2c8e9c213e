/** Looking at a key without a trace: neither eviction nor the statistics learn of it. */
import { locate } from "./directory.ts";
import { deliverValue, isExpired } from "./entry.ts";
import { pin, unpin } from "./epoch.ts";
import { hashBytes } from "./hash.ts";
import { hasChain } from "./heap.ts";
import { ABSENT, FOUND, SCRATCH, SCRATCH_KEY } from "./layout.ts";
import { type f64, type i32, load32 } from "./machine.ts";
import { findSlot } from "./segment.ts";

/** As `read`: the meta of the value, which is in the scratch then, or ABSENT. After a chain the lane stays pinned. */
export function peek(lane: i32, keyMeta: i32, now: f64): i32 {
  const key = load32(lane + SCRATCH) + SCRATCH_KEY;
  const hash = hashBytes(key, keyMeta >>> 4);
  pin(lane);
  const slot = findSlot(lane, locate(hash), hash, keyMeta, key);
  const block = slot === 0 ? 0 : load32(lane + FOUND);
  if (block === 0 || isExpired(block, now)) {
    unpin(lane);
    return ABSENT;
  }
  const meta = deliverValue(lane, block);
  if (!hasChain(block)) unpin(lane);
  return meta;
}
