/** A histogram as shapes and words: bars for the original, a line for the compressed model. Pure, so that the chart only draws. */
import type { LayerReport } from "@cupel/report";
import { figureText, percentText } from "../../../shared/view/number-text.ts";

export type ValueHistogram = NonNullable<LayerReport["histogram"]>;

/** Heights in [0, 1], logarithmic: most values of a network lie in a few bins, and the rare ones matter. */
export function barHeights({ original, compressed }: ValueHistogram): {
  readonly original: readonly number[];
  readonly compressed: readonly number[];
} {
  const most = Math.log1p(Math.max(1, ...original, ...compressed));
  const height = (count: number) => Math.log1p(count) / most;
  return { original: original.map(height), compressed: compressed.map(height) };
}

/** Steps over the bins, one unit wide each and `height` units high, the origin on top. */
export function stepPath(heights: readonly number[], height: number): string {
  const steps = heights.map((share, bin) => {
    const y = Number((height * (1 - share)).toFixed(2));
    return `L${bin} ${y}L${bin + 1} ${y}`;
  });
  return `M0 ${height}${steps.join("")}L${heights.length} ${height}`;
}

/** The chart in words, for who does not see it. */
export function histogramText(histogram: ValueHistogram): string {
  const { from, to, original, compressed } = histogram;
  return (
    `Values from ${figureText(from)} to ${figureText(to)} in ${original.length} bins. ` +
    `Original: ${mostText(original, histogram)}. Compressed: ${mostText(compressed, histogram)}.`
  );
}

function mostText(counts: readonly number[], { from, to }: ValueHistogram): string {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return "no values";
  const width = (to - from) / counts.length;
  const fullest = counts.indexOf(Math.max(...counts));
  const filled = counts.flatMap((count, bin) => (count > 0 ? [bin] : []));
  const edge = (bin: number) => figureText(from + bin * width);
  return (
    `${percentText((counts[fullest] ?? 0) / total)} lie between ${edge(fullest)} and ${edge(fullest + 1)}, ` +
    `all between ${edge(filled[0] ?? 0)} and ${edge((filled.at(-1) ?? 0) + 1)}`
  );
}
