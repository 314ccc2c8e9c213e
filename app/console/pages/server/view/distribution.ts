/** Figures of a distribution that is known by its buckets only. */
import type { Distribution } from "./snapshot.ts";

export function countOf({ counts }: Distribution): number {
  return counts.at(-1) ?? 0;
}

/** Null where there is nothing. */
export function meanOf(distribution: Distribution): number | null {
  const count = countOf(distribution);
  return count === 0 ? null : distribution.sum / count;
}

/**
 * As Prometheus's `histogram_quantile`: values lie evenly in their bucket, from 0 in the first; of what is above the last
 * bound only that bound is known.
 * @param share 0 to 1. @returns null where there is nothing
 */
export function quantileOf(distribution: Distribution, share: number): number | null {
  const { bounds, counts } = distribution;
  const rank = share * countOf(distribution);
  if (rank === 0) return null;
  const at = counts.findIndex((count) => count >= rank);
  const upper = bounds[at] ?? Number.POSITIVE_INFINITY;
  const lower = bounds[at - 1] ?? 0;
  if (!Number.isFinite(upper)) return lower;
  const below = counts[at - 1] ?? 0;
  return lower + (upper - lower) * ((rank - below) / ((counts[at] ?? rank) - below));
}

export interface Bucket {
  /** Exclusive. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export function bucketsOf({ bounds, counts }: Distribution): Bucket[] {
  return bounds.map((to, i) => ({
    from: bounds[i - 1] ?? 0,
    to,
    count: (counts[i] ?? 0) - (counts[i - 1] ?? 0),
  }));
}
