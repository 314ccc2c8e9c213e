/**
 * The colour scale of the heat map: logarithmic, because errors of a network span decades and a
 * linear scale would show one bright layer and nothing else.
 */
import { type Figure, isFigure } from "../../../shared/view/number-text.ts";

export interface ErrorScale {
  /** Errors at or below get the first colour. */
  readonly low: number;
  /** The largest error; gets the last colour. */
  readonly high: number;
  /** Round errors within the scale, for the legend. */
  readonly ticks: readonly number[];
}

/** Four decades are the most an eye tells apart in one ramp. */
const MOST_DECADES = 4;
/** Outliers below this quantile must not stretch the scale. */
const LOW_QUANTILE = 0.02;
const FALLBACK: ErrorScale = { low: 1e-3, high: 1, ticks: [1e-3, 1e-2, 1e-1, 1] };

/** @returns a scale even when there is no positive figure at all. */
export function errorScale(errors: readonly Figure[]): ErrorScale {
  const positive = errors.filter(isFigure).filter((error) => error > 0);
  if (positive.length === 0) return FALLBACK;
  const sorted = positive.toSorted((a, b) => a - b);
  const high = sorted.at(-1) ?? 1;
  const quantile = sorted[Math.floor(sorted.length * LOW_QUANTILE)] ?? high;
  const low = Math.max(Math.min(quantile, high / 10), high / 10 ** MOST_DECADES);
  return { low, high, ticks: roundTicks(low, high) };
}

/** Powers of ten, and 2 and 5 between them where there is room. */
function roundTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const steps = decades > 1.6 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.log10(high); exponent++) {
    for (const step of steps) {
      const tick = Number(`${step}e${exponent}`);
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** Where an error lies on the scale, 0 to 1; errors outside are moved to the ends. */
export function positionOf(scale: ErrorScale, error: number): number {
  if (error <= scale.low) return 0;
  if (error >= scale.high) return 1;
  return Math.log(error / scale.low) / Math.log(scale.high / scale.low);
}
