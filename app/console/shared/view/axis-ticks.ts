/** Round numbers for an axis: steps of 1, 2 or 5 times a power of ten, at most `most` of them. */
export function axisTicks(low: number, high: number, most: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = 10 ** Math.floor(Math.log10(span / most));
  const step = [1, 2, 5, 10].map((factor) => factor * rough).find((size) => span / size <= most) ?? span;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  // Rounded to the step's own decimals: 3 * 0.1 must read 0.3.
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toFixed(decimals)));
}
