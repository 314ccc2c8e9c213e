/**
 * How much may be lost that was not seen: of few images a small loss may be chance. The bound of Clopper and Pearson (1934)
 * is exact for counts, where p + 2 s is not: of 1000 images without a loss it is not 0 but 0.3 %.
 */

/**
 * The largest share of a population of which a sample has no more than `count` of `of` with a probability of `risk`
 * at least: the one-sided upper bound at confidence 1 - risk. @param of from 1
 */
export type ShareBound = (count: number) => number;

export function upperShareOf(of: number, risk: number): ShareBound {
  const logFactorial = new Float64Array(of + 1);
  for (let i = 1; i <= of; i++) logFactorial[i] = logFactorial[i - 1]! + Math.log(i);
  const known = new Map<number, number>();
  const bound = (count: number): number => {
    if (count >= of) return 1;
    // P(B <= count) falls as the share grows.
    let [low, high] = [count / of, 1];
    for (let step = 0; step < halvings; step++) {
      const share = (low + high) / 2;
      if (atMost(count, of, share, logFactorial) > risk) low = share;
      else high = share;
    }
    return high;
  };
  return (count) => {
    const value = known.get(count) ?? bound(count);
    known.set(count, value);
    return value;
  };
}

const halvings = 48;
const negligible = 1e-18;

/** P(B <= count) of a binomial B; `share` is above count / of, so that terms shrink from the last to the first. */
function atMost(count: number, of: number, share: number, logFactorial: Float64Array): number {
  const ways = logFactorial[of]! - logFactorial[count]! - logFactorial[of - count]!;
  let term = Math.exp(ways + count * Math.log(share) + (of - count) * Math.log1p(-share));
  let sum = term;
  for (let k = count; k > 0 && term > negligible * sum; k--) {
    term *= (k / (of - k + 1)) * ((1 - share) / share);
    sum += term;
  }
  return sum;
}

/** Images without any loss that it takes for a bound of `share`. */
export function fewestFor(share: number, risk: number): number {
  return share <= 0
    ? Number.POSITIVE_INFINITY
    : share >= 1
      ? 1
      : Math.ceil(Math.log(risk) / Math.log1p(-share));
}
