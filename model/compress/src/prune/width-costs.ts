/** What a network costs by the widths of its groups: time by a table of layer times, bytes by the bits of its weights. */
import type { Model } from "@cupel/onnx";
import type { Preprocessing } from "@cupel/vision";
import { type LatencyTable, openTable } from "../latency/latency-table.ts";
import { layersIn } from "../latency/layer-shape.ts";
import { timeIn } from "../latency/predict-latency.ts";
import { type Layer, weightedLayers } from "../layer.ts";
import type { Cost, CostTerm } from "../search/choose-widths.ts";
import { placesLeft, type ValueWidth } from "./group-widths.ts";

type Widths = ReadonlyMap<string, ValueWidth>;

/** Share of a value's places that stays, by the channels kept. */
type Share = (kept: readonly number[]) => number;

/** Milliseconds. `model` is the one that widths are of. @throws LATENCY_UNKNOWN for a layer of which the table has no curve */
export function latencyCost(
  model: Model,
  widths: Widths,
  table: LatencyTable,
  options: { readonly preprocessing: Preprocessing; readonly integer: ReadonlySet<string> },
): Cost {
  const { layers, rest } = layersIn(model, options.preprocessing, options.integer);
  const timeOf = openTable(table);
  const perElement = table.rest.elements > 0 ? table.rest.ms / table.rest.elements : 0;
  const ofLayers = layers.map((layer) => {
    const { shape } = layer;
    const inGroups = typeof shape.groups === "number" && shape.groups > 1;
    return term(widths, [layer.input, layer.output], ([read, made]) => {
      // How a table's curve goes where groups of several channels shrink depends on what goes: about in proportion.
      if (inGroups) return timeIn(layer, timeOf) * made!;
      const narrowed = {
        ...shape,
        inputs: shape.groups === "each" ? shape.inputs : Math.round(shape.inputs * read!),
        outputs: Math.round(shape.outputs * made!),
      };
      return timeIn({ ...layer, shape: narrowed }, timeOf);
    });
  });
  const ofRest = rest.map(({ value, elements }) =>
    term(widths, [value], ([made]) => perElement * elements * made!),
  );
  return joined([...ofLayers, ...ofRest]);
}

/** Of weights, scales and biases: what else is in the file hardly depends on widths. @param bytesOf of a layer of so many rows and columns */
export function bytesCost(
  model: Model,
  widths: Widths,
  bytesOf: (layer: Layer, rows: number, columns: number) => number,
): Cost {
  return joined(
    weightedLayers(model.graph).map((layer) =>
      term(widths, [layer.input.name, layer.node.output.name], ([read, made]) =>
        bytesOf(
          layer,
          Math.round(layer.rows * made!),
          layer.groups > 1 ? layer.columns : Math.round(layer.columns * read!),
        ),
      ),
    ),
  );
}

function term(
  widths: Widths,
  values: readonly string[],
  cost: (shares: readonly number[]) => number,
): CostTerm {
  const found = values.map((name) => widths.get(name));
  const shares = found.map(
    (width): Share =>
      (kept) =>
        width ? placesLeft(width, kept) / width.full : 1,
  );
  const groups = [...new Set(found.flatMap((width) => width?.parts.map(({ group }) => group) ?? []))];
  return { groups, at: (kept) => cost(shares.map((share) => share(kept))) };
}

function joined(terms: readonly CostTerm[]): Cost {
  const isFixed = ({ groups }: CostTerm) => groups.length === 0;
  const fixed = terms.filter(isFixed).reduce((sum, { at }) => sum + at([]), 0);
  return { fixed, terms: terms.filter((each) => !isFixed(each)) };
}
