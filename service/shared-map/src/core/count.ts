/**
 * How many entries there are. Each lane knows how many it has added less those it has taken out, others' too; the sum
 * over lanes is the map's number. No two threads write the same word, and to count is a look at each lane in use.
 *
 * A thread may die between taking an entry out and counting that, and nobody could tell. So nothing is ever added to a
 * lane's number: while the lane has a segment locked it keeps its number less that segment's LIVE, and makes the number
 * again of that and of what LIVE is then. To do that twice, or after `recover.ts` has counted the slots, gives the same.
 */
import { ENTRIES, ENTRIES_ELSEWHERE, IS_COUNTING, LANE_BYTES, LANES, LANES_TAKEN, LIVE } from "./layout.ts";
import { atomicLoad, atomicStore, compareExchange, type i32, load32, store32 } from "./machine.ts";

/** The lane has just locked the segment. */
export function beginCount(lane: i32, segment: i32): void {
  store32(lane + ENTRIES_ELSEWHERE, (load32(lane + ENTRIES) - load32(segment + LIVE)) | 0);
  store32(lane + IS_COUNTING, 1);
}

/** The lane is about to unlock the segment, or somebody does that for it. */
export function endCount(lane: i32, segment: i32): void {
  if (load32(lane + IS_COUNTING) === 0) return;
  const entries = (load32(lane + ENTRIES_ELSEWHERE) + load32(segment + LIVE)) | 0;
  // Most writes put one entry in the place of another.
  if (entries !== load32(lane + ENTRIES)) atomicStore(lane + ENTRIES, entries);
  store32(lane + IS_COUNTING, 0);
}

/** Before the first use of a lane: lanes from there on have never counted anything. */
export function noteLane(lane: i32): void {
  const lanes = (((lane - load32(LANES)) / LANE_BYTES) | 0) + 1;
  for (let taken = atomicLoad(LANES_TAKEN); taken < lanes; taken = atomicLoad(LANES_TAKEN)) {
    compareExchange(LANES_TAKEN, taken, lanes);
  }
}

/**
 * Entries; expired ones that nobody has met yet count. Exact while nobody writes. Costs one load for each lane that was
 * ever in use: as many as threads that had the map open at one time.
 */
export function countEntries(): i32 {
  let entries = 0;
  const lanes = load32(LANES);
  const taken = atomicLoad(LANES_TAKEN);
  for (let i = 0; i < taken; i++) entries = (entries + atomicLoad(lanes + i * LANE_BYTES + ENTRIES)) | 0;
  // One lane may have counted out what another has yet to count in.
  return entries < 0 ? 0 : entries;
}
