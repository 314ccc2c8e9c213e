/** Lanes: a thread that works with the map has one, with a scratch of its own to pass keys and values through. */
import { endClaims } from "./claims.ts";
import { noteLane } from "./count.ts";
import { ownerOf } from "./epoch.ts";
import { wantEvents } from "./events.ts";
import { LANE_BYTES, LANE_COUNT, LANES, NO_LANE, OWNER } from "./layout.ts";
import { atomicStoreInteger, compareExchangeInteger, type f64, type i32, load32 } from "./machine.ts";
import { inherit } from "./recover.ts";
import { release } from "./reservation.ts";

/** Takes a free lane for a thread, or that of one that has ended. Returns its address, or NO_LANE. */
export function attach(identity: f64): i32 {
  const count = load32(LANE_COUNT);
  for (let i = 0; i < count; i++) {
    const lane = load32(LANES) + i * LANE_BYTES;
    if (compareExchangeInteger(lane + OWNER, 0, identity)) {
      noteLane(lane);
      return lane;
    }
  }
  for (let i = 0; i < count; i++) {
    const lane = load32(LANES) + i * LANE_BYTES;
    if (inherit(lane, lane, identity)) {
      noteLane(lane);
      return lane;
    }
  }
  return NO_LANE;
}

/** Gives a lane back, between two calls. */
export function detach(lane: i32): void {
  release(lane);
  endClaims(lane, ownerOf(lane));
  wantEvents(lane, false);
  atomicStoreInteger(lane + OWNER, 0);
}
