/** One row a layer: joins what was measured of its activation with what lies in the files and what the plan says. */
import type { Graph, Tensor } from "@cupel/onnx";
import type { ActivationFigures } from "./activation-error.ts";
import { constantValues, countParameters } from "./count-parameters.ts";
import type { MatchedLayer } from "./match-layers.ts";
import type { ModelPair } from "./model-pair.ts";
import type { LayerReport } from "./report-schema.ts";

/** What the compressor did to one weight. */
export interface PlannedLayer {
  /** Of the layer's node, or of the value it makes; what the recipe's overrides call it. */
  readonly name: string;
  /** Of the weight in the original model. */
  readonly weight: string;
  /** 32 where it stayed float. */
  readonly bits: number;
  /** How it lies in the file, such as "INT4, per channel". */
  readonly form: string;
}

export interface LayerMeasurements {
  readonly figures: ReadonlyMap<string, ActivationFigures>;
  /** In the order of the layers. */
  readonly timeShares: ModelPair<readonly (number | null)[]>;
}

const floatBits = 32;

/** @param graph of the original, with inferred types. */
export function layerReports(
  graph: Graph,
  layers: readonly MatchedLayer[],
  plan: readonly PlannedLayer[],
  measured: LayerMeasurements,
): LayerReport[] {
  const constants = constantValues(graph);
  return layers.map((layer, index) => {
    const parameters = countParameters(layer.original.nodes, constants);
    const planned = plannedFor(layer, plan);
    return {
      name: layer.name,
      operator: layer.operator,
      parameters,
      weightBits: planned?.bits ?? (parameters > 0 ? floatBits : null),
      weightForm: planned?.form ?? (parameters > 0 ? "FP32" : null),
      bytes: {
        original: bytesOfAll(layer.original.constants),
        compressed: bytesOfAll(layer.compressed.constants),
      },
      timeShare: {
        original: measured.timeShares.original[index] ?? null,
        compressed: measured.timeShares.compressed[index] ?? null,
      },
      ...measured.figures.get(layer.name)!,
    };
  });
}

/**
 * What the plan says of the layer's weights, found by any name the layer is known by: cleaning may have
 * given weights that several layers shared a copy under a new name. The first, where a layer has several.
 */
export function plannedFor(layer: MatchedLayer, plan: readonly PlannedLayer[]): PlannedLayer | null {
  const { nodes, constantNames } = layer.original;
  const names = new Set(nodes.flatMap((node) => [node.name, ...node.outputs.map((value) => value.name)]));
  return plan.find(({ name, weight }) => constantNames.has(weight) || names.has(name)) ?? null;
}

function bytesOfAll(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0);
}
