/**
 * Rate limits by caller: a bucket of `burst` tokens that fills at `perSecond`; a request takes one. Time is only looked
 * at when somebody asks, so that a thousand callers cost no timer.
 */
import type { Clock } from "@cupel/base";

export interface Rate {
  /** Requests a second in the long run. */
  readonly perSecond: number;
  /** Requests at once. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  at: number;
  rate: Rate;
}

export interface RateLimits {
  /** Takes a token. @returns 0, or in how many ms there will be one */
  take(caller: string, rate: Rate): number;
  /** Callers remembered. */
  readonly size: number;
}

/** Callers remembered at most. Who is forgotten begins with a full bucket. */
const mostCallers = 10_000;
/** Of these, looked at when a new one needs room. */
const lookedAt = 16;

export function createRateLimits(clock: Clock, most = mostCallers): RateLimits {
  const buckets = new Map<string, Bucket>();
  const fill = (bucket: Bucket, now: number): void => {
    const { perSecond, burst } = bucket.rate;
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
  };
  const makeRoom = (now: number): void => {
    if (buckets.size < most) return;
    // A bucket that is full again is as good as a new one. Looking at a few bounds the time of a request.
    let looked = 0;
    for (const [caller, bucket] of buckets) {
      if (++looked > lookedAt) break;
      fill(bucket, now);
      if (bucket.tokens >= bucket.rate.burst) buckets.delete(caller);
    }
    const [oldest] = buckets.keys();
    if (buckets.size >= most && oldest !== undefined) buckets.delete(oldest);
  };
  return {
    get size() {
      return buckets.size;
    },
    take(caller, rate) {
      const now = clock.monotonic();
      let bucket = buckets.get(caller);
      if (!bucket) {
        makeRoom(now);
        bucket = { tokens: rate.burst, at: now, rate };
        buckets.set(caller, bucket);
      }
      fill(bucket, now);
      if (bucket.tokens >= 1) {
        bucket.tokens -= 1;
        return 0;
      }
      return Math.ceil(((1 - bucket.tokens) / rate.perSecond) * 1000);
    },
  };
}
