/**
 * Cells as lines. Percentiles lie along a scale on which 90, 99 and 99.9 % are a step each: the tail is what a long link
 * makes. The two that the reader chose are in colour; the others stand behind them.
 */
import type { Line, LinePoint } from "../../../shared/chart/line.ts";
import { millisecondsText, percentText } from "../../../shared/view/number-text.ts";
import type { ProtocolsCell } from "../../../src/pages.ts";

/** What is drawn of the tail: beyond it there is a request or two. */
const lastPercent = 99.9;

/** 0 of 0 %, 1 of 90, 2 of 99, 3 of 99.9. */
export function tailPosition(percent: number): number {
  // Without the dust of binary fractions, which would be a step more of the axis.
  return Number((0 - Math.log10(1 - percent / 100)).toFixed(9));
}

/** "99.9 %" of 3. */
export function tailText(position: number): string {
  return `${Number((100 * (1 - 10 ** -position)).toPrecision(5))}\u00a0%`;
}

export function percentileLines(cells: readonly ProtocolsCell[], chosen: readonly number[]): readonly Line[] {
  return linesOf(cells, chosen, ({ name, curve }) =>
    curve
      .filter(([percent, ms]) => percent <= lastPercent && ms > 0)
      .map(([percent, ms]) => ({
        x: tailPosition(percent),
        y: ms,
        told: [name, `${percent}\u00a0% within ${millisecondsText(ms)}`],
      })),
  );
}

/** Shares of 0 have no place on a scale of times: a line ends where nothing is missed any more. */
export function missedLines(cells: readonly ProtocolsCell[], chosen: readonly number[]): readonly Line[] {
  return linesOf(cells, chosen, ({ name, missed }) =>
    missed
      .filter(([, share]) => share > 0)
      .map(([deadline, share]) => ({
        x: deadline,
        y: share,
        told: [name, `${percentText(share, 2)} not answered in ${millisecondsText(deadline)}`],
      })),
  );
}

const colours = ["compressed", "ink"] as const;

function linesOf(
  cells: readonly ProtocolsCell[],
  chosen: readonly number[],
  pointsOf: (cell: ProtocolsCell) => readonly LinePoint[],
): readonly Line[] {
  const lines = cells.map(pointsOf);
  const behind = lines.flatMap<Line>((points, i) =>
    chosen.includes(i) ? [] : [{ colour: "original", isThin: true, points }],
  );
  const before = chosen.flatMap<Line>((i, turn) => {
    const points = lines[i];
    const colour = colours[turn];
    return points === undefined || colour === undefined ? [] : [{ colour, points }];
  });
  // The first choice before all.
  return [...behind, ...before.toReversed()];
}

/** What is in colour at first: the lowest and the highest P99. */
export function firstChoice(cells: readonly ProtocolsCell[]): readonly [number, number] {
  const p99 = cells.map((cell) => cell.p99.value ?? Number.POSITIVE_INFINITY);
  return [p99.indexOf(Math.min(...p99)), p99.indexOf(Math.max(...p99))];
}
