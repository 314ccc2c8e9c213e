/** The network as a tree of modules: from a name to the layer's panel. */
import type { LayerReport } from "@cupel/report";
import { useMemo } from "preact/hooks";
import { Section } from "../../../shared/part/section.tsx";
import { fixedText, isFigure, plural } from "../../../shared/view/number-text.ts";
import { columnsById } from "../view/layer-columns.ts";
import { isGroup, type LayerPart, layerTree } from "../view/layer-tree.ts";

interface LayerPathsProps {
  readonly layers: readonly LayerReport[];
  /** -1 for none. */
  readonly firstBad: number;
  readonly onSelect: (index: number) => void;
}

export function LayerPaths({ layers, firstBad, onSelect }: LayerPathsProps) {
  const tree = useMemo(() => layerTree(layers), [layers]);
  return (
    <Section
      id="network"
      title="The network by module"
      intro="Layers grouped by the path in their names, in the order of execution. Choose a layer to see its figures."
    >
      <div class="panel layer-paths">
        <Parts parts={tree} layers={layers} firstBad={firstBad} onSelect={onSelect} />
      </div>
    </Section>
  );
}

function Parts({ parts, ...shared }: LayerPathsProps & { readonly parts: readonly LayerPart[] }) {
  const { layers, firstBad, onSelect } = shared;
  return (
    <ul>
      {parts.map((part) =>
        isGroup(part) ? (
          <li key={`${part.indices[0]} ${part.title}`}>
            <details open={parts.length === 1 || part.indices.includes(firstBad)}>
              <summary>
                {part.title}{" "}
                <span class="muted">{groupText(part.indices.flatMap((index) => layers[index] ?? []))}</span>
              </summary>
              <Parts parts={part.parts} {...shared} />
            </details>
          </li>
        ) : (
          <li key={part.index}>
            <button
              type="button"
              class="link"
              title={layers[part.index]?.name}
              onClick={() => onSelect(part.index)}
            >
              {part.title}
            </button>{" "}
            <span class="muted">{leafText(layers[part.index], part.index)}</span>
            {part.index === firstBad && <span class="tag">first bad layer</span>}
          </li>
        ),
      )}
    </ul>
  );
}

/** "12 layers, SQNR from 17.3 dB" */
function groupText(layers: readonly LayerReport[]): string {
  const known = layers.map(({ sqnrDb }) => sqnrDb).filter(isFigure);
  const worst = known.length > 0 ? `, lowest SQNR ${fixedText(Math.min(...known), 1)}\u00a0dB` : "";
  return `${plural(layers.length, "layer")}${worst}`;
}

/** "Conv + Relu, INT4, per channel, 31.2 dB" */
function leafText(layer: LayerReport | undefined, index: number): string {
  if (layer === undefined) return "";
  const text = (id: string) => columnsById.get(id)?.text(layer, index) ?? "";
  const error = isFigure(layer.sqnrDb) ? `SQNR ${text("sqnr")}\u00a0dB` : text("sqnr");
  const weights = layer.weightBits === null ? [] : [text("weights")];
  return [text("operator"), ...weights, error].join("; ");
}
