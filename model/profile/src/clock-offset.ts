/**
 * Puts a clock of unknown zero on ours. An event that the other clock dates at `there` was caused by
 * something we saw at `after`, and had an effect that we saw at `before`: so its time on our clock lies
 * between. Every event narrows the offset from both sides; what remains is the best that can be known
 * (Cristian, Distributed Computing 3, 1989).
 */
export interface ClockBound {
  /** Our clock, before the event began. */
  readonly after: number;
  /** The other clock, begin and end of the event. */
  readonly there: readonly [begin: number, end: number];
  /** Our clock, after the event ended. */
  readonly before: number;
}

export interface ClockOffset {
  /** To add to the other clock. */
  readonly offset: number;
  /** The truth is at most so far from it. */
  readonly doubt: number;
}

/**
 * Null without bounds. All in one unit; clocks that drift apart by more than the bounds get their middle.
 * @param expected the offset there should be, taken when it lies within all bounds
 */
export function clockOffset(bounds: readonly ClockBound[], expected?: number): ClockOffset | null {
  if (bounds.length === 0) return null;
  const least = Math.max(...bounds.map(({ after, there: [begin] }) => after - begin));
  const most = Math.min(...bounds.map(({ before, there: [, end] }) => before - end));
  if (expected !== undefined && least <= expected && expected <= most) return { offset: expected, doubt: 0 };
  return { offset: (least + most) / 2, doubt: Math.abs(most - least) / 2 };
}
