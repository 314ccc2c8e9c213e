/** Where in an image a layer's error lies: the map beside the image it belongs to. */
import type { LayerReport, SpatialMaps } from "@cupel/report";
import type { CustomSeriesOption } from "echarts/charts";
import { useMemo, useState } from "preact/hooks";
import { Chart, type DrawChart } from "../../../shared/chart/chart.tsx";
import { colourAt } from "../../../shared/chart/palette.ts";
import { tooltipLines, tooltipStyle } from "../../../shared/chart/tooltip.ts";
import { errorText, type Figure, isFigure } from "../../../shared/view/number-text.ts";

interface SpatialMapProps {
  readonly spatial: SpatialMaps;
  readonly layer: LayerReport;
}

const SIDE = 164;

export function SpatialMap({ spatial, layer }: SpatialMapProps) {
  const [image, setImage] = useState(0);
  const found = spatial.layers.find((maps) => maps.layer === layer.name);
  const values = found?.maps[image];
  // One scale for all images of the layer, so that they compare.
  const most = useMemo(() => Math.max(0, ...(found?.maps.flat().filter(isFigure) ?? [])), [found]);
  const draw = useMemo(
    () => (found && values ? mapOption(found.width, found.height, values, most) : null),
    [found, values, most],
  );
  const shown = spatial.images[image];
  if (draw === null || shown === undefined) return <p class="muted no-map">{absence(spatial, layer)}</p>;

  return (
    <div class="spatial">
      <h4>Where in the image</h4>
      <div class="spatial-pair">
        <figure>
          <img src={shown.thumbnail} alt={shown.id} width={SIDE} height={SIDE} />
          <figcaption title={shown.id}>{shown.id}</figcaption>
        </figure>
        <figure>
          <div class="spatial-map" style={{ width: `${SIDE}px` }}>
            <Chart label={`Error of the layer over the image ${shown.id}`} height={SIDE} draw={draw} />
          </div>
          <figcaption>
            <span class="ramp" aria-hidden="true" />
            <span class="ramp-ends">
              <span>0</span>
              <span>{errorText(most)}</span>
            </span>
          </figcaption>
        </figure>
      </div>
      {spatial.images.length > 1 && (
        <fieldset class="image-choice">
          <legend class="visually-hidden">Image</legend>
          {spatial.images.map((choice, index) => (
            <label key={choice.id} title={choice.id}>
              <input
                type="radio"
                name="spatial-image"
                checked={index === image}
                onChange={() => setImage(index)}
              />
              <img src={choice.thumbnail} alt={choice.id} width={40} height={40} />
            </label>
          ))}
        </fieldset>
      )}
    </div>
  );
}

function absence(spatial: SpatialMaps, layer: LayerReport): string {
  if (spatial.images.length === 0) return "No error maps were recorded for this report.";
  return layer.shape.length < 3
    ? "This layer's output is a list of values, not an image, so there is no map of where the error lies."
    : "No error map was recorded for this layer.";
}

function mapOption(width: number, height: number, values: readonly Figure[], most: number): DrawChart {
  return ({ width: side, palette }) => {
    const renderItem: CustomSeriesOption["renderItem"] = ({ dataIndex }) => {
      const [column, row] = [dataIndex % width, Math.floor(dataIndex / width)];
      const edge = (at: number, cells: number) => Math.round((at * side) / cells);
      const value = values[dataIndex];
      const fill = isFigure(value) ? colourAt(palette.errors, most > 0 ? value / most : 0) : palette.missing;
      const [x, y] = [edge(column, width), edge(row, height)];
      return {
        type: "rect",
        shape: { x, y, width: edge(column + 1, width) - x, height: edge(row + 1, height) - y },
        style: { fill },
      };
    };
    return {
      animation: false,
      grid: { left: 0, right: 0, top: 0, bottom: 0 },
      xAxis: { type: "value", show: false, min: 0, max: width },
      yAxis: { type: "value", show: false, min: 0, max: height },
      tooltip: {
        ...tooltipStyle(palette),
        formatter: ({ dataIndex }: { dataIndex: number }) =>
          tooltipLines(
            errorText(values[dataIndex]),
            "relative to the layer's RMS value,",
            `column ${(dataIndex % width) + 1}, row ${Math.floor(dataIndex / width) + 1}`,
          ),
      },
      series: [
        {
          type: "custom",
          // In one go: paper and screen must never show half a map.
          progressive: 0,
          renderItem,
          data: values.map((_, i) => [(i % width) + 0.5, height - 0.5 - Math.floor(i / width)]),
        },
      ],
    };
  };
}
