/**
 * What hedging can come to, by arithmetic: one packet each way after the laws of the link. A packet that is lost is known
 * to be lost when one that was sent right after it is acknowledged, a round trip later, and takes its own time again: the
 * least that TCP takes. No call waits for another's packet, and nothing takes time at the ends: a floor. Pure.
 */
import { createRandom, quantile } from "@cupel/base";
import { drawDelay } from "../link/delay-law.ts";
import type { LinkSpec } from "../link/emulated-link.ts";
import { createLoss } from "../link/loss.ts";

export interface HedgingFigures {
  /** ms */
  readonly p99: number;
  /** Sends besides the first, a call. */
  readonly extraSends: number;
}

const draws = 100_000;

/** @param hedgeMs after which a call without an answer is sent once more; null: is not */
export function simulateHedging(spec: LinkSpec, hedgeMs: number | null, seed = 1): HedgingFigures {
  const random = createRandom(seed);
  const ways = [spec.toFar, spec.toNear].map(({ delay, loss }, i) => ({
    delay: () => drawDelay(delay, random),
    isLost: createLoss(loss, createRandom(seed + 1 + i)),
  }));
  const roundTrip = () => ways.reduce((sum, { delay }) => sum + delay(), 0);
  const exchange = () =>
    ways.reduce((sum, { delay, isLost }) => {
      let ms = sum + delay();
      while (isLost()) ms += roundTrip();
      return ms;
    }, 0);
  let extra = 0;
  const latencies = Float64Array.from({ length: draws }, () => {
    const first = exchange();
    // One that is sent again at once is, whatever the first does.
    if (hedgeMs === null || first <= hedgeMs) return first;
    extra++;
    return Math.min(first, hedgeMs + exchange());
  }).sort();
  return { p99: quantile(latencies, 0.99), extraSends: extra / draws };
}
