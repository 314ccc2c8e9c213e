/**
 * What to choose and why, from the figures alone. A difference is said where the 95 % intervals of both do not overlap, and
 * not otherwise: with fewer than six rounds there are no intervals, and nothing is said. Cells that were not sent on time,
 * and those that fail, are no choice. Pure.
 */
import type { LinkKind } from "../link/measured-link.ts";
import type { Cell } from "../scenario/scenario.ts";
import { cellText } from "./cell-text.ts";
import type { CellSummary } from "./summarise.ts";

export interface Advice {
  readonly title: string;
  /** Sentences. */
  readonly text: string;
}

/** Without a good answer, of all that was asked: more is no choice. */
const failureLimit = 0.01;

const axes = [
  { name: "connections", members: ["policy"], title: "How many connections" },
  { name: "protocol", members: ["protocol"], title: "Which protocol" },
  { name: "congestion control", members: ["congestion"], title: "Which congestion control" },
  { name: "TLS", members: ["tls"], title: "What TLS costs" },
  { name: "hedging", members: ["hedgeMs"], title: "Whether to send twice" },
] as const satisfies readonly {
  readonly name: string;
  readonly members: readonly (keyof Cell)[];
  readonly title: string;
}[];

type AxisName = (typeof axes)[number]["name"];

interface Difference {
  readonly fast: CellSummary;
  readonly slow: CellSummary;
  /** Of P99, ms: what it is at least, by the ends of the intervals that are nearest; above 0 it is sure. */
  readonly least: number;
}

export function adviceOf(cells: readonly CellSummary[], link: LinkKind): readonly Advice[] {
  const sound = cells.filter(({ isPunctual, failed }) => isPunctual && failed <= failureLimit);
  const punctual = cells.filter(({ isPunctual }) => isPunctual);
  return [
    ...(link === "delay-only" ? [delayOnly] : []),
    ...leftOut(cells, punctual),
    ...fastest(sound),
    ...matters(punctual),
    ...axes.flatMap(({ name, title }) => along(name, title, punctual)),
  ];
}

const delayOnly: Advice = {
  title: "Of delay alone",
  text: "No link was emulated. Nothing here says what to choose over a link that loses packets: over that, connections and congestion control decide.",
};

function leftOut(cells: readonly CellSummary[], punctual: readonly CellSummary[]): readonly Advice[] {
  const late = cells.length - punctual.length;
  if (late === 0) return [];
  return [
    {
      title: "Not on time",
      text: `${late} of ${cells.length} rows were not sent on time: their figures are this machine's, and nothing is concluded from them.`,
    },
  ];
}

/** The lowest P99, and what cannot be told from it. */
function fastest(cells: readonly CellSummary[]): readonly Advice[] {
  const best = least(cells, ({ p99 }) => p99.value);
  if (best === undefined) return [];
  const { low, high } = best.p99;
  if (!Number.isFinite(low) || !Number.isFinite(high))
    return [
      {
        title: "Too few rounds",
        text: `The lowest P99 is ${millisecondsOf(best)}, of ${cellText(best.cell)}; but fewer than six rounds give no intervals, and no difference is sure.`,
      },
    ];
  const alike = cells.filter((each) => each !== best && each.p99.low <= high);
  return [
    {
      title: "The lowest P99",
      text: `${cellText(best.cell)}: ${intervalOf(best)}. ${
        alike.length === 0
          ? "Every other row is slower for sure."
          : `Not to be told from it: ${alike.map((each) => `${cellText(each.cell)} (${intervalOf(each)})`).join("; ")}.`
      }`,
    },
  ];
}

/** Whether connections or the protocol matter more: where the least that the one can come to is above the most of the other. */
function matters(cells: readonly CellSummary[]): readonly Advice[] {
  const spreads = { connections: spreadOf("connections", cells), protocol: spreadOf("protocol", cells) };
  for (const [more, less] of [
    ["connections", "protocol"],
    ["protocol", "connections"],
  ] as const) {
    const [greater, lesser] = [spreads[more], spreads[less]];
    if (greater === null || lesser === null || !(greater.least > lesser.most) || greater.least <= 0) continue;
    return [
      {
        title:
          more === "connections"
            ? "Connections matter more than protocol"
            : "Protocol matters more than connections",
        text: `With all else equal, ${more} move P99 by ${greater.least.toFixed(0)} ms at least, and the ${less} by ${lesser.most.toFixed(0)} ms at most.`,
      },
    ];
  }
  return [];
}

function along(axis: AxisName, title: string, cells: readonly CellSummary[]): readonly Advice[] {
  const sure = differences(axis, cells).filter(({ least: ms }) => ms > 0);
  const greatest = least(sure, (each) => -each.least);
  if (greatest === undefined) return [];
  const { fast, slow } = greatest;
  const extra =
    axis === "hedging" && fast.extraSends > 0
      ? ` It costs ${(100 * fast.extraSends).toFixed(1)} % more sends.`
      : "";
  return [
    {
      title,
      text: `${cellText(fast.cell)} has a P99 of ${intervalOf(fast)}; ${cellText(slow.cell)} of ${intervalOf(slow)}.${extra}`,
    },
  ];
}

/** The greatest that a group of rows shows, which differ in nothing else: at least, and at most. Null: no group has two. */
function spreadOf(axis: AxisName, cells: readonly CellSummary[]): { least: number; most: number } | null {
  const groups = groupsOf(axis, cells);
  if (groups.length === 0) return null;
  return {
    least: Math.max(...differences(axis, cells).map((each) => each.least)),
    most: Math.max(
      ...groups.map(
        (group) =>
          Math.max(...group.map(({ p99 }) => p99.high)) - Math.min(...group.map(({ p99 }) => p99.low)),
      ),
    ),
  };
}

/** Of each group the fastest and the slowest. */
function differences(axis: AxisName, cells: readonly CellSummary[]): readonly Difference[] {
  return groupsOf(axis, cells).flatMap((group) => {
    const fast = least(group, ({ p99 }) => p99.high);
    const slow = least(group, ({ p99 }) => -p99.low);
    return fast && slow && fast !== slow ? [{ fast, slow, least: slow.p99.low - fast.p99.high }] : [];
  });
}

/** Two and more rows that differ along the axis alone. */
function groupsOf(axis: AxisName, cells: readonly CellSummary[]): readonly (readonly CellSummary[])[] {
  const members: ReadonlySet<string> = new Set(axes.find(({ name }) => name === axis)?.members);
  const keyOf = ({ cell }: CellSummary) =>
    JSON.stringify(
      Object.entries(cell)
        .filter(([name]) => !members.has(name))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  return [...Map.groupBy(cells, keyOf).values()].filter((group) => group.length > 1);
}

function least<Each>(values: readonly Each[], of: (each: Each) => number): Each | undefined {
  return values.reduce<Each | undefined>(
    (best, each) => (best === undefined || of(each) < of(best) ? each : best),
    undefined,
  );
}

function millisecondsOf({ p99 }: CellSummary): string {
  return `${p99.value.toFixed(0)} ms`;
}

function intervalOf(summary: CellSummary): string {
  const { low, high } = summary.p99;
  return `${millisecondsOf(summary)} (${low.toFixed(0)} to ${high.toFixed(0)})`;
}
