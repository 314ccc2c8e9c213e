/**
 * Without 8-bit dot products a processor multiplies bytes in pairs and keeps the sum of a pair in 16 bits, cut at both
 * ends (x86's VPMADDUBSW): 255 * a + 255 * b must stay within. So of any two weights of one sign the levels may add up to
 * 128 and no more. Halving all levels is enough for that, and wastes a bit wherever a row has one weight far larger than
 * the others: only that one has to leave room. These bounds hold in whichever order an engine pairs the weights.
 */

/** floor(32767 / 255), and floor(32768 / 255). */
export const mostPairSum = 128;
/** Of a weight in 8 bits. */
export const mostLevel = 127;

/** What levels are cut to. */
export interface LevelBounds {
  readonly low: number;
  readonly high: number;
}

/** @param row weights of one output channel. @returns the bounds of their levels, by scale */
export function pairSafeLevels(row: Float32Array): (scale: number) => LevelBounds {
  const [second, secondBelow] = [secondLargest(row, 1), secondLargest(row, -1)];
  return (scale) => ({ low: -boundBeside(secondBelow / scale), high: boundBeside(second / scale) });
}

/** How large the largest level of a sign may be beside the second. */
function boundBeside(second: number): number {
  const half = mostPairSum / 2;
  const level = Math.round(second);
  return level > half ? half : Math.min(mostLevel, mostPairSum - level);
}

/** The second largest of the weights of a sign, as a magnitude; 0 where there are fewer than two. */
function secondLargest(row: Float32Array, sign: 1 | -1): number {
  let [first, second] = [0, 0];
  for (const weight of row) {
    const magnitude = sign * weight;
    if (magnitude > first) [first, second] = [magnitude, first];
    else if (magnitude > second) second = magnitude;
  }
  return second;
}
