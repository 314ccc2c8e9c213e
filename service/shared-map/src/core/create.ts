/** The first segment of a new map, which has every hash. */
import { allocate } from "./allocate.ts";
import { directoryAddress } from "./directory.ts";
import { SEGMENT, STATE } from "./layout.ts";
import { atomicStore, type i32 } from "./machine.ts";
import { clearSegment, segmentBytes } from "./segment.ts";

/** Before anybody else has the map. False when there is no memory even for that. */
export function create(lane: i32): boolean {
  const segment = allocate(lane, segmentBytes(), 0);
  if (segment === 0) return false;
  clearSegment(segment, 0, 0);
  atomicStore(segment + STATE, SEGMENT);
  atomicStore(directoryAddress(0), segment);
  return true;
}
