/** What the relay counts, in memory that its thread shares: one row a direction. */

export const counted = ["packets", "bytes", "lost", "overflowed", "refused", "left", "late"] as const;
export type Counted = (typeof counted)[number];

/**
 * `packets`, `bytes`: that came in. `lost` by the law of loss, `overflowed` by the queue, `refused`: by the emulator itself,
 * which has no room or could not write: with any of those the link is not what was asked for. `left`: handed on. `late`:
 * handed on more than 1 ms after they were due.
 */
export type DirectionCounters = Readonly<Record<Counted, number>>;

export interface RelayCounters {
  readonly toFar: DirectionCounters;
  readonly toNear: DirectionCounters;
}

export const directions = ["toFar", "toNear"] as const;

export function rowOf(memory: SharedArrayBuffer, direction: number): Float64Array {
  return new Float64Array(memory, direction * counted.length * 8, counted.length);
}

export const countersBytes = directions.length * counted.length * 8;

export function readCounters(memory: SharedArrayBuffer): RelayCounters {
  const read = (direction: number): DirectionCounters => {
    const [packets = 0, bytes = 0, lost = 0, overflowed = 0, refused = 0, left = 0, late = 0] = rowOf(
      memory,
      direction,
    );
    return { packets, bytes, lost, overflowed, refused, left, late };
  };
  return { toFar: read(0), toNear: read(1) };
}

export function countersSince(before: RelayCounters, after: RelayCounters): RelayCounters {
  const minus = (a: DirectionCounters, b: DirectionCounters): DirectionCounters => ({
    packets: a.packets - b.packets,
    bytes: a.bytes - b.bytes,
    lost: a.lost - b.lost,
    overflowed: a.overflowed - b.overflowed,
    refused: a.refused - b.refused,
    left: a.left - b.left,
    late: a.late - b.late,
  });
  return { toFar: minus(after.toFar, before.toFar), toNear: minus(after.toNear, before.toNear) };
}
