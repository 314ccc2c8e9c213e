import type { Spread } from "@cupel/base";
/** Figures as the benchmarks print them, and the order statistics behind them. */

/** The spread of 1/x. */
export function inverse({ p10, median, p90 }: Spread): Spread {
  return { p10: 1 / p90, median: 1 / median, p90: 1 / p10 };
}

/** "0.62x": how many times `peer` a figure is. */
export function ratioOf(figure: number, peer: number): string {
  return `${(figure / peer).toFixed(2)}x`;
}

/** "3.41x (3.30 - 3.52)": the median and the 10th to the 90th percentile. */
export function ratioText({ p10, median, p90 }: Spread): string {
  return `${median.toFixed(2)}x (${p10.toFixed(2)} - ${p90.toFixed(2)})`;
}

export function millisecondsText({ p10, median, p90 }: Spread): string {
  return `${median.toFixed(1)} ms (${p10.toFixed(1)} - ${p90.toFixed(1)})`;
}

/** Decimal, as the bars are. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

/** A fraction as points, signed. */
export function points(fraction: number): string {
  return `${fraction > 0 ? "+" : ""}${(100 * fraction).toFixed(2)}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Text in columns, the first row the header. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
