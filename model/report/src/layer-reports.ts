/** One row a layer: joins what was measured of its activation with what lies in the files and what the plan says. */
import { own } from "@cupel/base";
import type { Graph, Tensor } from "@cupel/onnx";
import type { MatchedLayer } from "./match/match-layers.ts";
import type { ActivationFigures } from "./measure/activation-error.ts";
import { constantValues, countParameters } from "./measure/count-parameters.ts";
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

/**
 * @param graph of the original, with inferred types.
 * @param plan null for a model that no plan of ours made: then the file says how its weights are stored.
 */
export function layerReports(
  graph: Graph,
  layers: readonly MatchedLayer[],
  plan: readonly PlannedLayer[] | null,
  measured: LayerMeasurements,
): LayerReport[] {
  const constants = constantValues(graph);
  return layers.map((layer, index) => {
    const parameters = countParameters(layer.original.nodes, constants);
    const stored = plan
      ? (plannedFor(layer, plan) ?? inFloat)
      : storedWeights(layer.compressed.constants, parameters);
    return {
      name: layer.name,
      operator: layer.operator,
      parameters,
      weightBits: parameters > 0 ? stored.bits : null,
      weightForm: parameters > 0 ? stored.form : null,
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

type Stored = Pick<PlannedLayer, "bits" | "form">;

const inFloat: Stored = { bits: 32, form: "FP32" };

/** By element type. */
const forms: Readonly<Record<string, Stored>> = {
  float16: { bits: 16, form: "FP16" },
  bfloat16: { bits: 16, form: "BF16" },
  int8: { bits: 8, form: "INT8" },
  uint8: { bits: 8, form: "UINT8" },
  int4: { bits: 4, form: "INT4" },
  uint4: { bits: 4, form: "UINT4" },
};

/** As the largest tensor of the layer lies in the file; fewer bytes than weights are several weights a byte. */
function storedWeights(constants: readonly Tensor[], parameters: number): Stored {
  const [largest] = constants.toSorted((a, b) => b.size - a.size);
  if (!largest) return inFloat;
  const bytes = bytesOfAll(constants.filter(({ type }) => type === "uint8"));
  if (largest.type === "uint8" && largest.size < parameters) {
    const bits = Math.max(1, Math.round((8 * bytes) / parameters));
    return { bits, form: `INT${bits}, packed` };
  }
  return own(forms, largest.type) ?? inFloat;
}

function bytesOfAll(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0);
}
