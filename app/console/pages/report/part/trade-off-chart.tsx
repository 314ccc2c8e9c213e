/** The search for a budget: every model tried, the useful ones joined, the chosen one marked. */
import type { TradeOffPoint } from "@cupel/report";
import { useMemo } from "preact/hooks";
import { axisStyle } from "../../../shared/chart/axis.ts";
import { Chart, type DrawChart } from "../../../shared/chart/chart.tsx";
import { tooltipLines, tooltipStyle } from "../../../shared/chart/tooltip.ts";
import { bytesText, fixedText, tickText } from "../../../shared/view/number-text.ts";
import { labelAlign, tradeOffFront } from "../view/trade-off-front.ts";

export function TradeOffChart({ points }: { readonly points: readonly TradeOffPoint[] }) {
  const draw = useMemo(() => tradeOffOption(points), [points]);
  const chosen = points.find((point) => point.chosen);
  const label = `Loss against size of ${points.length} models tried${
    chosen ? `; chosen: ${bytesText(chosen.bytes)} at a loss of ${lossText(chosen)}` : ""
  }.`;
  return <Chart label={label} height={300} draw={draw} />;
}

function tradeOffOption(points: readonly TradeOffPoint[]): DrawChart {
  const place = (point: TradeOffPoint) => [point.bytes, 100 * point.loss];
  const chosen = points.filter((point) => point.chosen);
  const others = points.filter((point) => !point.chosen);
  return ({ palette }) => {
    const axis = axisStyle(palette, { grid: true });
    const describe = (point: TradeOffPoint | undefined) =>
      point === undefined
        ? ""
        : tooltipLines(point.chosen ? "Chosen" : "Tried", bytesText(point.bytes), `loss ${lossText(point)}`);
    return {
      animation: false,
      grid: { left: 64, right: 24, top: 30, bottom: 52, outerBoundsMode: "none" },
      xAxis: {
        ...axis,
        type: "value",
        scale: true,
        boundaryGap: ["5%", "5%"],
        splitLine: { show: false },
        name: "size of the file",
        nameLocation: "middle",
        nameGap: 30,
        splitNumber: 4,
        axisLabel: { ...axis.axisLabel, formatter: bytesText, hideOverlap: true },
      },
      yAxis: {
        ...axis,
        type: "value",
        name: "loss, points",
        min: ({ min }: { min: number }) => Math.min(0, min),
        nameTextStyle: { ...axis.nameTextStyle, align: "left", padding: [0, 0, 4, -50] },
        axisLabel: { ...axis.axisLabel, formatter: tickText },
      },
      tooltip: tooltipStyle(palette),
      series: [
        {
          type: "line",
          data: tradeOffFront(points).map(place),
          symbol: "none",
          silent: true,
          lineStyle: { color: palette.original, width: 1.5 },
        },
        {
          type: "scatter",
          data: others.map(place),
          symbolSize: 9,
          itemStyle: { color: palette.card, borderColor: palette.muted, borderWidth: 1.5 },
          tooltip: { formatter: ({ dataIndex }: { dataIndex: number }) => describe(others[dataIndex]) },
        },
        {
          type: "scatter",
          data: chosen.map(place),
          symbol: "diamond",
          z: 4,
          symbolSize: 18,
          itemStyle: { color: palette.compressed, opacity: 1 },
          label: {
            show: true,
            // Above the point, where no better one can lie.
            position: "top",
            distance: 3,
            align: labelAlign(points),
            formatter: "chosen",
            color: palette.ink,
            textBorderColor: palette.card,
            textBorderWidth: 3,
            fontFamily: palette.font,
            fontSize: 13,
          },
          tooltip: { formatter: ({ dataIndex }: { dataIndex: number }) => describe(chosen[dataIndex]) },
        },
      ],
    };
  };
}

/** "2.1 points" */
function lossText({ loss }: TradeOffPoint): string {
  return `${fixedText(100 * loss, 2)} points`;
}
