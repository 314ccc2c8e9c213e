/**
 * Versions, for near caches: a word for each beginning of a hash, which grows before anything is changed at a key
 * with such a hash. What was read of a key at a version holds still as long as the version is the same. Their place is
 * fixed, so that JavaScript can look at one with a single load.
 */
import {
  DEPTH,
  FOUND_VERSION,
  FOUND_VERSION_ADDRESS,
  LEFT,
  PREFIX,
  SEGMENT_LOCK,
  VERSION_BITS,
  VERSIONS,
} from "./layout.ts";
import { atomicAdd, atomicLoad, type i32, load32, store32 } from "./machine.ts";

function versionAddress(hash: i32): i32 {
  return load32(VERSIONS) + ((hash >>> (32 - VERSION_BITS)) << 2);
}

/** A word as it is at this moment: a version, or one of the header. In half the time of `Atomics.load`. */
export function wordAt(address: i32): i32 {
  return atomicLoad(address);
}

/** The caller has the lock of the hash's segment, and has changed nothing yet. */
export function changeVersion(hash: i32): void {
  if (load32(VERSIONS) !== 0) atomicAdd(versionAddress(hash), 1);
}

/** The same for all keys of a segment. */
export function changeVersions(segment: i32): void {
  if (load32(VERSIONS) === 0) return;
  const depth = load32(segment + DEPTH);
  const count = depth < VERSION_BITS ? 1 << (VERSION_BITS - depth) : 1;
  const first = versionAddress(load32(segment + PREFIX));
  for (let i = 0; i < count; i++) atomicAdd(first + (i << 2), 1);
}

/**
 * Notes a hash's version, before anything is read of the key. None if somebody has the segment locked or it has been
 * replaced, looked at in that order: a writer may have changed the version already and the key not yet.
 */
export function noteVersion(lane: i32, segment: i32, hash: i32): void {
  const address = versionAddress(hash);
  const version = atomicLoad(address);
  const isQuiet = atomicLoad(segment + SEGMENT_LOCK) === 0 && atomicLoad(segment + LEFT) === 0;
  store32(lane + FOUND_VERSION_ADDRESS, isQuiet ? address : 0);
  store32(lane + FOUND_VERSION, version);
}
