/**
 * Iteration in the order of hashes. Its whole state is how far it has come: a number below which every hash is
 * done. A step asks for the least hash that is not done, from the segments in force at that moment.
 *
 * So splits, rebuilt segments and freed memory between two steps do not matter: nothing is remembered that they
 * could change. A key is visited at most once, even when it is deleted and added again, because its hash is
 * what it is; and a key that is there throughout is found, because its hash's group is searched in a segment
 * that has it. Keys with equal hashes come together, and the caller takes them one by one.
 */
import { locate } from "./directory.ts";
import { deliverValue, isExpired } from "./entry.ts";
import { pin, unpin } from "./epoch.ts";
import { hasChain } from "./heap.ts";
import {
  ABSENT,
  DEPTH,
  EMPTY,
  FOUND_HASH,
  FOUND_KEY,
  FOUND_VALUE,
  GROUP_BITS,
  HASH,
  KEY,
  KEY_META,
  LIST_MAX,
  SCRATCH,
  SCRATCH_KEY,
  SCRATCH_LIST,
} from "./layout.ts";
import {
  atomicLoad,
  atomicLoadControl,
  copyBytes,
  countTrailingZeros,
  type f64,
  type i32,
  lessUnsigned,
  load32,
  matchByte,
  matchFull,
  store32,
} from "./machine.ts";
import { groupAddress, groupCount, hasKey, homeGroup, slotAddress } from "./segment.ts";

/** Home groups that one call looks through, so that it does not stay pinned for long. */
const GROUPS_PER_CALL: i32 = 512;

/** Adds a block to the list of those with the least hash, unless the list has its key: then it replaces that. */
function addToList(list: i32, count: i32, block: i32): i32 {
  for (let i = 0; i < count; i++) {
    if (!hasKey(load32(list + (i << 2)), load32(block + HASH), load32(block + KEY_META), block + KEY))
      continue;
    store32(list + (i << 2), block);
    return count;
  }
  if (count < LIST_MAX) store32(list + (count << 2), block);
  return count < LIST_MAX ? count + 1 : count;
}

/** Lists the entries with the least hash from `from` on among those at home in one group. Returns how many. */
function leastInGroup(lane: i32, segment: i32, home: i32, from: i32, now: f64): i32 {
  const list = load32(lane + SCRATCH) + SCRATCH_LIST;
  const mask = groupCount() - 1;
  const depth = load32(segment + DEPTH);
  let index = home;
  let count = 0;
  let least = 0;
  for (let step = 1; step <= mask + 1; step++) {
    const group = groupAddress(segment, index);
    const control = atomicLoadControl(group);
    for (let full = matchFull(control); full !== 0; full = full & (full - 1)) {
      const block = atomicLoad(slotAddress(group, countTrailingZeros(full)));
      const hash = load32(block + HASH);
      if (homeGroup(hash, depth) !== home || lessUnsigned(hash, from) || isExpired(block, now)) continue;
      if (count === 0 || lessUnsigned(hash, least)) {
        least = hash;
        store32(list, block);
        count = 1;
      } else if (hash === least) {
        count = addToList(list, count, block);
      }
    }
    if (matchByte(control, EMPTY) !== 0) break;
    index = (index + step) & mask;
  }
  store32(lane + FOUND_HASH, least);
  return count;
}

/** Hands out the i-th block of the list: its key, and its value if asked for, to the scratch. */
export function deliver(lane: i32, i: i32, withValue: boolean): void {
  const scratch = load32(lane + SCRATCH);
  const block = load32(scratch + SCRATCH_LIST + (i << 2));
  const keyMeta = load32(block + KEY_META);
  copyBytes(scratch + SCRATCH_KEY, block + KEY, keyMeta >>> 4);
  store32(lane + FOUND_KEY, keyMeta);
  store32(lane + FOUND_VALUE, withValue ? deliverValue(lane, block) : 0);
}

/**
 * The next entries in the order of hashes from `from` on. Returns how many have the least hash, which is in
 * FOUND_HASH. One is delivered at once. After more than one, or one whose value is a chain, the lane stays
 * pinned until the caller has had them. 0: none so far, go on from FOUND_HASH. ABSENT: there are no more.
 */
export function successor(lane: i32, from: i32, withValue: boolean, now: f64): i32 {
  pin(lane);
  let position = from;
  for (let seen = 0; seen < GROUPS_PER_CALL; seen++) {
    const segment = locate(position);
    const bits = load32(segment + DEPTH) + load32(GROUP_BITS);
    const count = leastInGroup(lane, segment, homeGroup(position, load32(segment + DEPTH)), position, now);
    if (count === 1) {
      deliver(lane, 0, withValue);
      if (!withValue || !hasChain(load32(load32(lane + SCRATCH) + SCRATCH_LIST))) unpin(lane);
      return 1;
    }
    if (count > 1) return count;
    // The first hash of the next group; 0 after the last.
    position = bits === 0 ? 0 : ((position >>> (32 - bits)) + 1) << (32 - bits);
    if (position === 0) {
      unpin(lane);
      return ABSENT;
    }
  }
  unpin(lane);
  store32(lane + FOUND_HASH, position);
  return 0;
}
