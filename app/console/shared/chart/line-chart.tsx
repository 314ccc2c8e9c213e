/** One or more lines over a common axis, with what was chosen marked on them. */
import { useMemo } from "preact/hooks";
import { axisStyle } from "./axis.ts";
import { Chart, type DrawChart } from "./chart.tsx";
import type { Line, LineAxis, LinePoint } from "./line.ts";
import type { Palette } from "./palette.ts";
import { tooltipLines, tooltipStyle } from "./tooltip.ts";

interface LineChartProps {
  /** What a screen reader says in place of the image. */
  readonly label: string;
  readonly lines: readonly Line[];
  readonly x: LineAxis;
  readonly y: LineAxis;
  readonly marked?: { readonly point: LinePoint; readonly text: string } | undefined;
}

export function LineChart({ label, lines, x, y, marked }: LineChartProps) {
  // A report never changes, and neither do its axes.
  const draw = useMemo(() => lineOption({ lines, x, y, marked }), [lines]);
  return <Chart label={label} height={260} draw={draw} />;
}

function lineOption({ lines, x, y, marked }: Omit<LineChartProps, "label">): DrawChart {
  return ({ palette }) => ({
    animation: false,
    grid: { left: 60, right: 24, top: 30, bottom: 48, outerBoundsMode: "none" },
    xAxis: {
      ...scale(palette, x),
      splitLine: { show: false },
      nameLocation: "middle",
      nameGap: 28,
      splitNumber: 4,
    },
    yAxis: {
      ...scale(palette, y),
      nameTextStyle: {
        ...axisStyle(palette, { grid: true }).nameTextStyle,
        align: "left",
        padding: [0, 0, 4, -50],
      },
    },
    tooltip: tooltipStyle(palette),
    series: [
      ...lines.map(({ colour, isThin = colour === "muted", points }) => ({
        type: "line",
        data: points.map((point) => [point.x, point.y]),
        symbol: "circle",
        symbolSize: isThin && colour !== "muted" ? 4 : 7,
        lineStyle: { color: palette[colour], width: isThin ? 1 : 2 },
        itemStyle: { color: palette[colour] },
        tooltip: {
          formatter: ({ dataIndex }: { dataIndex: number }) => tooltipOf(points[dataIndex]),
        },
      })),
      ...(marked ? [markOf(palette, marked)] : []),
    ],
  });
}

function scale(
  palette: Palette,
  { name, text, fromZero = false, inverse = false, log, whole = false }: LineAxis,
) {
  const axis = axisStyle(palette, { grid: true });
  return {
    ...axis,
    type: log === undefined ? "value" : "log",
    ...(log !== undefined && { logBase: log }),
    scale: !fromZero,
    inverse,
    name,
    ...(whole && { minInterval: 1 }),
    axisLabel: { ...axis.axisLabel, formatter: text, hideOverlap: true },
  };
}

function markOf(palette: Palette, { point, text }: NonNullable<LineChartProps["marked"]>) {
  return {
    type: "scatter",
    data: [[point.x, point.y]],
    symbol: "diamond",
    symbolSize: 18,
    z: 4,
    itemStyle: { color: palette.compressed, opacity: 1 },
    label: {
      show: true,
      position: "top",
      distance: 3,
      formatter: text,
      color: palette.ink,
      textBorderColor: palette.card,
      textBorderWidth: 3,
      fontFamily: palette.font,
      fontSize: 13,
    },
    tooltip: { formatter: () => tooltipOf(point) },
  };
}

function tooltipOf(point: LinePoint | undefined): HTMLElement | string {
  return point === undefined ? "" : tooltipLines(...point.told);
}
