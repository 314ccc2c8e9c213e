/** Which rows or columns of many are in view, so that no others need to be there. */

export interface VisibleRange {
  readonly from: number;
  /** The first that is no longer in it. */
  readonly to: number;
}

/** Beyond each edge: what scrolling shows before it is drawn. */
const margin = 3;

/** @param scrolled pixels that are past. @param size pixels in view. @param pitch pixels of one */
export function visibleRange(scrolled: number, size: number, pitch: number, count: number): VisibleRange {
  // Where there are fewer than before, nothing is scrolled that far.
  const start = Math.max(0, Math.min(scrolled, count * pitch - size));
  return {
    from: Math.max(0, Math.floor(start / pitch) - margin),
    to: Math.min(count, Math.ceil((start + size) / pitch) + margin),
  };
}

/** The smallest scroll that shows one whole, from where it is. @param size pixels in view */
export function scrollTo(at: number, scrolled: number, size: number, pitch: number): number {
  const begin = at * pitch;
  if (begin < scrolled) return begin;
  return begin + pitch > scrolled + size ? begin + pitch - size : scrolled;
}
