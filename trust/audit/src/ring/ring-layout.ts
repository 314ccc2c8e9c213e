/**
 * A ring for what the runtime of one thread does: the thread writes and never waits, another one reads, and what is not read in time is
 * overwritten and counted. A ring has one writer: threads that shared one would contend for each entry, and one that is
 * terminated in the middle of an entry would stop all others.
 *
 * Memory: a header, then `capacity` units of 8 bytes, a power of two. Positions count units from the beginning of time, as 32 bits that
 * overflow; `position & (capacity - 1)` is the place.
 *
 *     TAIL <= entries that can be read < HEAD, HEAD - TAIL <= capacity
 *
 * Rules:
 * 1. Only the writer moves HEAD, after the entry is there as a whole.
 * 2. TAIL is moved by compare-and-exchange alone: by the reader over what it has copied, by the writer over what it is about to
 *    overwrite. Who succeeds has the entries: each is either read or overwritten, and never both.
 * 3. The writer MUST NOT write where an entry lies that TAIL has not passed. So what the reader has copied is whole if it
 *    succeeds, and may be anything if it fails: it MUST NOT look at it before.
 * 4. Neither waits for the other. The writer fails once at most: the reader leaves the ring empty.
 *
 * All of this follows from the memory model of ECMAScript (section 29): plain writes of an entry happen before the store of HEAD that
 * publishes it, plain reads before the exchange of TAIL that a later overwriting has seen.
 *
 * An entry: length in units (16 bits), kind (8), texts that were truncated (8, a bit each); sequence number (32);
 * time in ms since 1970 (float64); numbers (float64 each); texts (length in 16 bits and UTF-8 each). It does not go over the end of the
 * memory: a filling of kind 0 does, which has the length alone and is no entry.
 */
import { baseErrors } from "@cupel/base";
import { longestShape } from "./runtime-kinds.ts";

/** Indices of 32-bit words, each in a cache line of its own. */
export const HEAD = 0;
export const TAIL = 16;
/** 0 free, 1 taken by a writer, 2 closed by it. */
export const STATE = 32;
export const HEADER_BYTES = 256;
export const UNIT_BYTES = 8;

export const state = { free: 0, taken: 1, closed: 2 } as const;

/** Bytes of UTF-8; what is longer is truncated, and the entry says so. */
export const LONGEST_TEXT = 512;

/** Kind of what is no entry. */
export const FILLING = 0;

const leastBytes = 2 ** 14;
const mostBytes = 2 ** 30;

/** Plain data that `postMessage` and `workerData` take. */
export interface RingHandle {
  readonly kind: "cupel.runtime-ring";
  /** Of the thread, for whoever reads the entries. */
  readonly thread: string;
  readonly memory: SharedArrayBuffer;
}

/** @param bytes for entries: a power of two from 16 KiB to 1 GiB. @throws OPTION_INVALID */
export function createRing(thread: string, bytes: number): RingHandle {
  if (!Number.isInteger(Math.log2(bytes)) || bytes < leastBytes || bytes > mostBytes) {
    throw baseErrors.error(
      "OPTION_INVALID",
      `A ring has a power of two of bytes from ${leastBytes} to ${mostBytes}, not ${bytes}.`,
      { details: { ringBytes: bytes } },
    );
  }
  return { kind: "cupel.runtime-ring", thread, memory: new SharedArrayBuffer(HEADER_BYTES + bytes) };
}

/** A head, the time, then numbers and texts. */
export function unitsOf(numbers: number, textBytes: number): number {
  return 2 + numbers + ((textBytes + UNIT_BYTES - 1) >> 3);
}

// With a filling before it as long, two fit into the smallest ring.
const longestEntry = UNIT_BYTES * unitsOf(longestShape.numbers, longestShape.texts * (2 + LONGEST_TEXT));
if (4 * longestEntry > leastBytes || longestShape.texts > 8) throw new Error("A kind of entry is too long.");
