/** A row of the table, and all of it as text. */
import type { Spread } from "@cupel/base";
import { megabytes, points, ratioText, seconds, tableText } from "../figures.ts";
import type { Judged } from "./judge.ts";
import type { Made } from "./made.ts";

export interface Measured extends Judged, Omit<Made, "path"> {
  readonly by: string;
  readonly isCupel: boolean;
  /** A fraction. */
  readonly top1: number;
  /** The same of each seed, where it trains; else of one. */
  readonly top1OfSeeds: readonly number[];
  readonly latencyMs: Spread;
  /** float32's time over this one's. */
  readonly speed: Spread;
}

export function measuredText(rows: readonly Measured[]): string {
  return tableText([
    [
      "made by",
      "size",
      "zstd -19",
      "points, 95 % interval",
      "float32 / this",
      "Conv fused",
      "took",
      "processor",
    ],
    ...rows.map((row) => [
      row.by,
      megabytes(row.bytes),
      megabytes(row.zstdBytes),
      differenceText(row),
      ratioText(row.speed),
      `${row.convolutions.quantised} of ${row.convolutions.total}`,
      seconds(1000 * row.seconds),
      seconds(1000 * row.processorSeconds),
    ]),
  ]);
}

/** "-0.10 [-0.42, +0.22]": points, with the paired 95 % interval. */
export function differenceText({ difference }: Pick<Judged, "difference">): string {
  const { value, low, high } = difference.difference!;
  return `${points(value)} [${points(low)}, ${points(high)}]`;
}
