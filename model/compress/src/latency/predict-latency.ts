/** What a network takes, by a table: the sum of its layers, and its rest by the elements that it makes. */
import type { Model } from "@cupel/onnx";
import type { Preprocessing } from "@cupel/vision";
import { compressErrors } from "../errors.ts";
import { type LatencyTable, openTable } from "./latency-table.ts";
import { elementsIn, type LayerShape, layersIn, type ModelLayer } from "./layer-shape.ts";

export interface PredictLatencyOptions {
  readonly preprocessing: Preprocessing;
  /** Names of the first outputs of nodes that run on integers. Default: none. */
  readonly integer?: ReadonlySet<string> | undefined;
}

/**
 * Milliseconds of one image. Pure: the same table gives the same figure.
 * @throws LATENCY_UNKNOWN for a layer of which the table has no curve
 */
export function predictLatency(
  model: Model,
  table: LatencyTable,
  { preprocessing, integer }: PredictLatencyOptions,
): number {
  const found = layersIn(model, preprocessing, integer);
  const { ms, elements } = table.rest;
  const rest = elements > 0 ? (ms * elementsIn(found)) / elements : ms;
  return sumOfLayers(found.layers, openTable(table)) + rest;
}

type TimeOf = (shape: LayerShape) => number | null;

export function sumOfLayers(layers: readonly ModelLayer[], timeOf: TimeOf): number {
  return layers.reduce((sum, layer) => sum + timeIn(layer, timeOf), 0);
}

/** @throws LATENCY_UNKNOWN */
export function timeIn({ name, shape }: Pick<ModelLayer, "name" | "shape">, timeOf: TimeOf): number {
  const ms = timeOf(shape);
  if (ms !== null) return ms;
  throw compressErrors.error(
    "LATENCY_UNKNOWN",
    `The table of layer times has none of "${name}": ${shape.form} ${shape.operator} of ${shape.inputs} to ${shape.outputs} channels` +
      `${shape.size.length > 0 ? ` at ${shape.size.join(" x ")}` : ""}. Measure it for this network, on this machine.`,
    { details: { layer: name } },
  );
}
