/**
 * Without 8-bit dot products a processor multiplies bytes in pairs and keeps the sum of a pair in 16 bits, cut at both
 * ends (x86's VPMADDUBSW): 255 * a + 255 * b must stay within. So of any two weights of one sign the levels may add up to
 * 128 and no more. Halving all levels is enough for that, and wastes a bit wherever a row has one weight far larger than
 * the others. This is the finest scale at which no two weights of a row can overflow, in whichever order an engine
 * pairs them.
 */

/** floor(32767 / 255), and floor(32768 / 255). */
export const mostPairSum = 128;
/** Of a weight in 8 bits. */
export const mostLevel = 127;

/** Nothing is clipped at this scale. 0 for nothing but zeros. @param row weights of one output channel. */
export function pairSafeScale(row: Float32Array): number {
  const [high, low] = [new LargestTwo(), new LargestTwo()];
  for (const weight of row) (weight > 0 ? high : low).add(Math.abs(weight));
  const largest = Math.max(high.first, low.first);
  for (let level = mostLevel; level > 0 && largest > 0; level--) {
    const scale = Math.fround(largest / level);
    if (high.levelsAt(scale) <= mostPairSum && low.levelsAt(scale) <= mostPairSum) return scale;
  }
  return 0;
}

/** The largest two of some magnitudes. */
class LargestTwo {
  first = 0;
  second = 0;

  add(magnitude: number): void {
    if (magnitude > this.first) [this.first, this.second] = [magnitude, this.first];
    else if (magnitude > this.second) this.second = magnitude;
  }

  levelsAt(scale: number): number {
    return Math.round(this.first / scale) + Math.round(this.second / scale);
  }
}
