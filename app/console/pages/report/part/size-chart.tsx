/** Bytes by layer, the compressed bar inside the original one: what is left of each. */
import type { LayerReport } from "@cupel/report";
import { useMemo } from "preact/hooks";
import { axisStyle } from "../../../shared/chart/axis.ts";
import { Chart, type DrawChart } from "../../../shared/chart/chart.tsx";
import { tooltipLines, tooltipStyle } from "../../../shared/chart/tooltip.ts";
import { bytesText } from "../../../shared/view/number-text.ts";
import { shortName } from "../view/layer-name.ts";
import { ratioPhrase, SIZE_WORDS } from "../view/verdict.ts";

interface SizeChartProps {
  readonly layers: readonly LayerReport[];
  readonly onSelect: (index: number) => void;
}

export function SizeChart({ layers, onSelect }: SizeChartProps) {
  const draw = useMemo(() => sizeOption(layers), [layers]);
  return <Chart label="Bytes by layer, before and after" height={260} draw={draw} onPick={onSelect} />;
}

function sizeOption(layers: readonly LayerReport[]): DrawChart {
  return ({ palette }) => {
    const axis = axisStyle(palette, { grid: true });
    const bar = { type: "bar", barMaxWidth: 28, barCategoryGap: "22%", cursor: "pointer" } as const;
    return {
      animation: false,
      grid: { left: 8, right: 8, top: 12, bottom: 8, outerBoundsMode: "same" },
      xAxis: {
        ...axisStyle(palette, { grid: false }),
        type: "category",
        data: layers.map((_, index) => String(index + 1)),
      },
      yAxis: {
        ...axis,
        type: "value",
        axisLabel: { ...axis.axisLabel, formatter: bytesText },
      },
      tooltip: {
        ...tooltipStyle(palette),
        trigger: "axis",
        axisPointer: { type: "shadow", shadowStyle: { color: palette.line, opacity: 0.5 } },
        formatter: ([first]: readonly { dataIndex: number }[]) => describe(layers, first?.dataIndex ?? -1),
      },
      series: [
        {
          ...bar,
          data: layers.map((layer) => layer.bytes.original),
          itemStyle: { color: palette.original },
          barGap: "-100%",
        },
        {
          ...bar,
          data: layers.map((layer) => layer.bytes.compressed),
          itemStyle: { color: palette.compressed },
        },
      ],
    };
  };
}

function describe(layers: readonly LayerReport[], index: number): HTMLElement | string {
  const layer = layers[index];
  if (layer === undefined) return "";
  const { original, compressed } = layer.bytes;
  return tooltipLines(
    `${index + 1}. ${shortName(layer.name, 50)}`,
    `${bytesText(original)} → ${bytesText(compressed)}`,
    ratioPhrase(original, compressed, SIZE_WORDS) ?? "",
    layer.weightForm ?? "no weights",
  );
}
