/** Everything known of one layer: its figures, and where in an image its error lies. */
import type { CompressionReport, LayerReport } from "@cupel/report";
import { countText } from "../../../shared/view/number-text.ts";
import { errorContext } from "../view/error-context.ts";
import { type LayerColumn, layerColumns } from "../view/layer-columns.ts";
import { tidyName } from "../view/layer-name.ts";
import { SpatialMap } from "./spatial-map.tsx";
import { ValueHistogram } from "./value-histogram.tsx";

interface LayerPanelProps {
  readonly report: CompressionReport;
  readonly layer: LayerReport;
  readonly index: number;
  readonly isFirstBad: boolean;
  readonly onSelect: (index: number) => void;
}

interface Fact {
  readonly title: string;
  readonly explanation: string;
  readonly text: string;
}

export function LayerPanel({ report, layer, index, isFirstBad, onSelect }: LayerPanelProps) {
  const count = report.layers.length;
  return (
    <aside class="panel layer-panel" aria-label="Selected layer" aria-live="polite">
      <div class="layer-step">
        <span class="layer-step-place">
          Layer {index + 1} of {count}
        </span>
        <button type="button" class="plain" disabled={index === 0} onClick={() => onSelect(index - 1)}>
          Previous
        </button>
        <button
          type="button"
          class="plain"
          disabled={index === count - 1}
          onClick={() => onSelect(index + 1)}
        >
          Next
        </button>
      </div>
      <h3 title={layer.name}>{tidyName(layer.name)}</h3>
      {isFirstBad && <p class="tag">first layer that stands out</p>}
      <dl class="facts">
        {factsOf(layer, index).map((fact) => (
          <div key={fact.title} title={fact.explanation}>
            <dt>{fact.title}</dt>
            <dd>{fact.text}</dd>
          </div>
        ))}
      </dl>
      {errorContext(layer, report).map((sentence) => (
        <p class="context" key={sentence}>
          {sentence}
        </p>
      ))}
      <ValueHistogram layer={layer} />
      <SpatialMap key={layer.name} spatial={report.spatial} layer={layer} />
    </aside>
  );
}

/** The columns of the table, those of one group in one line. */
function factsOf(layer: LayerReport, index: number): Fact[] {
  const shown = layerColumns.filter((column) => column.id !== "order" && column.id !== "name");
  const facts = [...Map.groupBy(shown, (column) => column.group || column.title)].map(([title, columns]) => ({
    title,
    explanation: columns.map((column) => column.explanation).join(" "),
    text: joined(columns, layer, index),
  }));
  const parameters = {
    title: "Parameters",
    explanation: "Number of trained values in the layer.",
    text: countText(layer.parameters),
  };
  return facts.toSpliced(2, 0, parameters);
}

function joined(columns: readonly LayerColumn[], layer: LayerReport, index: number): string {
  const beforeAfter = columns[0]?.title === "before";
  if (beforeAfter) return columns.map((column) => column.text(layer, index)).join(" → ");
  if (columns.length === 1) return columns[0]?.text(layer, index) ?? "";
  return columns.map((column) => `${column.title}\u00a0${column.text(layer, index)}`).join(", ");
}
