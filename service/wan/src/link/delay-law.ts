/**
 * How long a packet is on its way: a delay and a law of its jitter. The normal law is cut at three standard deviations, so
 * that every law has a longest and a shortest delay.
 */
import type { Random } from "@cupel/base";

export type JitterLaw = "none" | "uniform" | "normal";

export interface DelayLaw {
  /** The mean, ms. */
  readonly delayMs: number;
  readonly law: JitterLaw;
  /** Uniform: the greatest deviation. Normal: the standard deviation before the cut. None: 0. In ms. */
  readonly jitterMs: number;
}

/** Standard deviations that the normal law is cut at. */
export const normalCut = 3;

/** One draw has mean 0 and is multiplied by `jitterMs`. `reach` is the greatest draw, `deviation` its standard deviation. */
interface Shape {
  readonly reach: number;
  readonly deviation: number;
  draw(random: Random): number;
}

const shapes: Readonly<Record<JitterLaw, Shape>> = {
  none: { reach: 0, deviation: 0, draw: () => 0 },
  uniform: { reach: 1, deviation: 1 / Math.sqrt(3), draw: (random) => 2 * random.uniform() - 1 },
  normal: {
    reach: normalCut,
    // sqrt(1 - 2 c phi(c) / (2 Phi(c) - 1)) at c = 3.
    deviation: 0.98658,
    draw(random) {
      for (;;) {
        const drawn = random.normal();
        if (Math.abs(drawn) <= normalCut) return drawn;
      }
    },
  },
};

export function drawDelay({ delayMs, law, jitterMs }: DelayLaw, random: Random): number {
  return delayMs + jitterMs * shapes[law].draw(random);
}

/** The greatest deviation from the mean, ms. */
export function jitterReach({ law, jitterMs }: DelayLaw): number {
  return jitterMs * shapes[law].reach;
}

/** The standard deviation of the delays, ms. */
export function jitterDeviation({ law, jitterMs }: DelayLaw): number {
  return jitterMs * shapes[law].deviation;
}
