/** Lanes: a thread that works with the map has one, with a scratch of its own to pass keys and values through. */
import { LANE_BYTES, LANE_COUNT, LANES, NO_LANE, OWNER } from "./layout.ts";
import { atomicStore, compareExchange, type i32, load32 } from "./machine.ts";

/** Takes a free lane for a thread. Returns its address, or NO_LANE. */
export function attach(thread: i32): i32 {
  const count = load32(LANE_COUNT);
  for (let i = 0; i < count; i++) {
    const lane = load32(LANES) + i * LANE_BYTES;
    if (compareExchange(lane + OWNER, 0, thread + 1) === 0) return lane;
  }
  return NO_LANE;
}

/** Gives a lane back, between two calls. */
export function detach(lane: i32): void {
  atomicStore(lane + OWNER, 0);
}
