/** One row a layer: joins what was measured of its activation with what lies in the files and what the plan says. */
import type { Graph, Tensor } from "@cupel/onnx";
import type { ActivationFigures } from "./activation-error.ts";
import { constantValues, countParameters } from "./count-parameters.ts";
import type { MatchedLayer } from "./match-layers.ts";
import type { LayerReport } from "./report-schema.ts";

/** What the compressor did to one weight. */
export interface PlannedLayer {
  /** Of the layer's output activation. */
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
  readonly timeShares: {
    readonly original: readonly (number | null)[];
    readonly compressed: readonly (number | null)[];
  };
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
  const planOf = new Map(plan.flatMap((planned) => [[planned.weight, planned] as const]));
  const planAt = new Map(plan.map((planned) => [planned.name, planned]));
  return layers.map((layer, index) => {
    const parameters = countParameters(layer.original.nodes, constants);
    const weights = [...layer.original.constantNames].flatMap((name) => planOf.get(name) ?? []);
    const planned = weights[0] ?? planAt.get(layer.name) ?? null;
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

function bytesOfAll(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0);
}
