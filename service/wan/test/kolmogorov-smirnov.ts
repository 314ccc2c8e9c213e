/** The one-sample test of Kolmogorov and Smirnov. */

/** The greatest distance between the values' distribution and `cdf`. */
export function ksDistance(values: readonly number[], cdf: (value: number) => number): number {
  const sorted = Float64Array.from(values).sort();
  let distance = 0;
  for (const [i, value] of sorted.entries()) {
    const expected = cdf(value);
    distance = Math.max(distance, (i + 1) / sorted.length - expected, expected - i / sorted.length);
  }
  return distance;
}

/** Of n > 35, the distance that is passed by chance in one of a thousand: Kolmogorov's limit law, sqrt(-ln(0.0005) / 2). */
export function ksLimit(count: number): number {
  return Math.sqrt(-Math.log(0.0005) / 2 / count);
}

export function uniformCdf(low: number, high: number): (value: number) => number {
  return (value) => Math.min(1, Math.max(0, (value - low) / (high - low)));
}

/** Normal, cut at `cut` standard deviations. */
export function cutNormalCdf(mean: number, deviation: number, cut: number): (value: number) => number {
  const tail = normal(-cut);
  return (value) => {
    const z = Math.min(cut, Math.max(-cut, (value - mean) / deviation));
    return (normal(z) - tail) / (1 - 2 * tail);
  };
}

/** Abramowitz and Stegun 7.1.26, within 1.5e-7. */
function normal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - series * Math.exp(-x * x);
  return z < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}
