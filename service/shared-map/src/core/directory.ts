/**
 * The directory: which segment has which prefix of hashes. This is extendible hashing (Fagin et al., 1979).
 *
 * The directory of depth d has 2^d references, one for each prefix of d bits, and a place of its own in
 * memory that depends on d alone. So one word, ROOT, names the directory in force, and a reader that has
 * loaded it has a consistent view: docs/iteration.md shows what goes wrong when that takes three words.
 *
 * A segment that was split stays as it was. A reader that came to it before the directory led past it reads
 * what was true when it came; a writer finds out once it has the lock, which is released only after that.
 */
import { DEPTH, DIRECTORY, DIRECTORY_LOCK, LEFT, MAX_DEPTH, PREFIX, RIGHT, ROOT } from "./layout.ts";
import { lockWord, unlockWord } from "./lock.ts";
import { atomicLoad, atomicStore, type i32, load32 } from "./machine.ts";

export function directoryAddress(depth: i32): i32 {
  return load32(DIRECTORY) + (4 << depth);
}

/** The first `depth` bits of a hash, as a number. */
export function prefixIndex(hash: i32, depth: i32): i32 {
  return depth === 0 ? 0 : hash >>> (32 - depth);
}

/** The segment of a hash; one in force when the call began, if not any more. The caller is pinned. */
export function locate(hash: i32): i32 {
  const depth = atomicLoad(ROOT);
  return atomicLoad(directoryAddress(depth) + (prefixIndex(hash, depth) << 2));
}

/** Makes room for prefixes one bit longer than now. The caller holds the directory's lock. */
function doubleDirectory(depth: i32): void {
  const from = directoryAddress(depth);
  const to = directoryAddress(depth + 1);
  for (let i = (1 << depth) - 1; i >= 0; i--) {
    const segment = atomicLoad(from + (i << 2));
    atomicStore(to + (i << 3), segment);
    atomicStore(to + (i << 3) + 4, segment);
  }
  atomicStore(ROOT, depth + 1);
}

/** Has the directory in force point past a segment that was split or rebuilt. May be done again, to the same end. */
export function redirect(segment: i32): void {
  const left = atomicLoad(segment + LEFT);
  const right = atomicLoad(segment + RIGHT);
  let root = atomicLoad(ROOT);
  if (root < load32(left + DEPTH)) {
    doubleDirectory(root);
    root = root + 1;
  }
  const depth = load32(segment + DEPTH);
  const directory = directoryAddress(root);
  const first = prefixIndex(load32(segment + PREFIX), root);
  const count = 1 << (root - depth);
  const half = left === right ? count : count >>> 1;
  for (let i = 0; i < count; i++) atomicStore(directory + ((first + i) << 2), i < half ? left : right);
}

/**
 * Publishes what takes a segment's place: `right` first, then `left`, which is the moment from which on the
 * segment is of the past. The caller holds the segment's lock. False when the directory's lock was not to be had.
 */
export function replaceSegment(lane: i32, segment: i32, left: i32, right: i32): boolean {
  if (!lockWord(DIRECTORY_LOCK, lane)) return false;
  atomicStore(segment + RIGHT, right);
  atomicStore(segment + LEFT, left);
  redirect(segment);
  unlockWord(DIRECTORY_LOCK);
  return true;
}

/** Where the hashes after a segment's begin; 0 after the last. */
export function endOf(segment: i32): i32 {
  const depth = load32(segment + DEPTH);
  return depth === 0 ? 0 : (load32(segment + PREFIX) + (1 << (32 - depth))) | 0;
}

export function canDeepen(segment: i32): boolean {
  return load32(segment + DEPTH) < load32(MAX_DEPTH);
}
