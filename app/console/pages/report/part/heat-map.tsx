/**
 * Layers by channels. Rows keep one height and cells whole pixels, so that no seam reads as a pattern.
 * The map is also a slider for the keyboard: up and down choose the layer, as a click does.
 */
import type { LayerReport } from "@cupel/report";
import type { CustomSeriesOption } from "echarts/charts";
import type { TargetedKeyboardEvent } from "preact";
import { useCallback, useMemo } from "preact/hooks";
import { axisStyle } from "../../../shared/chart/axis.ts";
import { Chart, type DrawChart } from "../../../shared/chart/chart.tsx";
import { colourAt } from "../../../shared/chart/palette.ts";
import { tooltipLines, tooltipStyle } from "../../../shared/chart/tooltip.ts";
import { errorText, percentText } from "../../../shared/view/number-text.ts";
import { type ChannelCell, type ChannelOrder, channelCells, channelsPhrase } from "../view/channel-bins.ts";
import { type ErrorScale, positionOf } from "../view/error-scale.ts";
import { shortName } from "../view/layer-name.ts";

interface HeatMapProps {
  readonly layers: readonly LayerReport[];
  readonly scale: ErrorScale;
  readonly order: ChannelOrder;
  readonly firstBad: number;
  readonly selected: number;
  readonly onSelect: (index: number) => void;
}

const TOP = 4;
const BOTTOM = 26;
/** The whole map aims at this height; rows stay between the limits that can be hit and that fill a page. */
const AIM = 860;
const ROW_HEIGHTS = { least: 8, most: 26 } as const;
const LABEL_PITCH = 14;
const CHARACTER_WIDTH = 6.4;

interface PlacedCell extends ChannelCell {
  readonly row: number;
}

export function HeatMap({ layers, scale, order, firstBad, selected, onSelect }: HeatMapProps) {
  const rowHeight = Math.round(
    Math.max(ROW_HEIGHTS.least, Math.min(ROW_HEIGHTS.most, AIM / Math.max(1, layers.length))),
  );
  const cells = useMemo(
    () =>
      layers.flatMap((layer, row) =>
        channelCells(layer.channelError, order).map((cell): PlacedCell => ({ ...cell, row })),
      ),
    [layers, order],
  );
  const draw = useMemo(
    () => heatMapOption(layers, cells, scale, rowHeight, firstBad),
    [layers, cells, scale, rowHeight, firstBad],
  );
  const pick = useCallback(
    (dataIndex: number) => {
      const cell = cells[dataIndex];
      if (cell !== undefined) onSelect(cell.row);
    },
    [cells, onSelect],
  );
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    const moves = new Map([
      ["ArrowUp", selected - 1],
      ["ArrowDown", selected + 1],
      ["PageUp", selected - 10],
      ["PageDown", selected + 10],
      ["Home", 0],
      ["End", layers.length - 1],
    ]);
    const next = moves.get(event.key);
    if (next === undefined) return;
    event.preventDefault();
    onSelect(Math.max(0, Math.min(layers.length - 1, next)));
  };

  return (
    <div
      class="heat-map"
      role="slider"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label="Layer"
      aria-valuemin={1}
      aria-valuemax={layers.length}
      aria-valuenow={selected + 1}
      aria-valuetext={valueText(layers[selected])}
      onKeyDown={onKeyDown}
    >
      <Chart
        label={`Heat map of ${layers.length} layers by channel; the table of all layers holds the figures.`}
        height={TOP + layers.length * rowHeight + BOTTOM}
        draw={draw}
        onPick={pick}
      />
      <div
        class="selected-row"
        style={{ top: `${TOP + selected * rowHeight}px`, height: `${rowHeight}px` }}
      />
    </div>
  );
}

function valueText(layer: LayerReport | undefined): string {
  return layer === undefined ? "none" : `${layer.name}, mean error ${errorText(layer.relativeError.mean)}`;
}

function heatMapOption(
  layers: readonly LayerReport[],
  cells: readonly PlacedCell[],
  scale: ErrorScale,
  rowHeight: number,
  firstBad: number,
): DrawChart {
  return ({ width, palette }) => {
    const left = Math.round(Math.min(230, width * 0.32));
    const characters = Math.floor((left - 12) / CHARACTER_WIDTH);
    const renderItem: CustomSeriesOption["renderItem"] = (params, api) => {
      const cell = cells[params.dataIndex];
      if (cell === undefined) return null;
      const [x0 = 0, middle = 0] = api.coord([cell.from, cell.row]);
      const [x1 = 0] = api.coord([cell.to, cell.row]);
      const x = Math.round(x0);
      const y = Math.round(middle - rowHeight / 2);
      const gap = rowHeight > 10 ? 1 : 0;
      const fill =
        cell.error === null ? palette.missing : colourAt(palette.errors, positionOf(scale, cell.error));
      return {
        type: "rect",
        shape: { x, y, width: Math.max(1, Math.round(x1) - x), height: rowHeight - gap },
        style: { fill },
      };
    };
    const axis = axisStyle(palette, { grid: false });
    return {
      animation: false,
      grid: { left, right: 14, top: TOP, bottom: BOTTOM, outerBoundsMode: "none" },
      xAxis: {
        ...axis,
        type: "value",
        min: 0,
        max: 1,
        interval: width < 500 ? 0.5 : 0.25,
        axisLabel: {
          ...axis.axisLabel,
          formatter: (share: number) =>
            share === 1 && width >= 700 ? "100 % of its channels" : percentText(share, 0),
          alignMaxLabel: "right",
        },
      },
      yAxis: {
        ...axis,
        type: "category",
        inverse: true,
        data: layers.map(
          (layer, index) => `${index === firstBad ? "▸ " : ""}${shortName(layer.name, characters)}`,
        ),
        axisLabel: {
          ...axis.axisLabel,
          fontSize: 11,
          interval: Math.max(0, Math.ceil(LABEL_PITCH / rowHeight) - 1),
        },
      },
      tooltip: {
        ...tooltipStyle(palette),
        formatter: ({ dataIndex }: { dataIndex: number }) => describe(layers, cells[dataIndex]),
      },
      series: [
        {
          type: "custom",
          // In one go: paper and screen must never show half a map.
          progressive: 0,
          renderItem,
          encode: { x: [0, 1], y: 2 },
          data: cells.map((cell) => [cell.from, cell.to, cell.row]),
          cursor: "pointer",
        },
      ],
    };
  };
}

function describe(layers: readonly LayerReport[], cell: PlacedCell | undefined): HTMLElement | string {
  const layer = cell && layers[cell.row];
  if (cell === undefined || layer === undefined) return "";
  const several = cell.channels.length > 1;
  return tooltipLines(
    shortName(layer.name, 60),
    `${layer.operator}, ${layer.channelError.length} channels`,
    `${channelsPhrase(cell.channels)}: ${several ? "worst " : ""}error ${errorText(cell.error)}`,
  );
}
