/** The model as it is shipped under a plan: every layer in its chosen variant, every activation rounded. */
import {
  type Correspondence,
  cloneModel,
  type Model,
  removeDeadCode,
  runPasses,
  sameAs,
  sameValues,
} from "@cupel/onnx";
import { setBias, weightedLayers } from "../layer.ts";
import type { Plan } from "../search/allocate-bits.ts";
import type { Variant } from "../search/variants.ts";
import type { Calibrated, Quantised } from "../stage/stage.ts";
import { emitQdq } from "./emit-qdq.ts";

export interface EmittedModel {
  readonly model: Model;
  /** From the float model; a rounded value's counterpart is its rounded copy. */
  readonly correspondence: Correspondence;
}

/** `float` is left as it is. */
export function emitModel(
  float: Model,
  { placement, scales }: Pick<Calibrated, "placement" | "scales">,
  { variants, plan }: Pick<Quantised, "variants" | "plan">,
): EmittedModel {
  const model = cloneModel(float);
  const { graph } = model;
  const weights = new Map<string, Variant["weights"]>();
  for (const layer of weightedLayers(graph)) {
    const variant = chosen(variants, plan, layer.weight.name);
    if (!variant) continue;
    weights.set(layer.weight.name, variant.weights);
    if (variant.bias) setBias(graph, layer, variant.bias);
  }
  const values = placement.values.map((value) => graph.value(value.name)!);
  const rounded = emitQdq(model, { values, activations: scales, weights, integer: placement.integer });
  runPasses(model, [removeDeadCode]);
  model.producerName = "cupel";
  const correspondence = new Map(sameValues(graph));
  for (const [name, copy] of rounded) if (graph.value(copy)) correspondence.set(name, sameAs(copy));
  return { model, correspondence };
}

/** The variant of a layer that the plan names; undefined for a layer that stays in float. */
export function chosen(
  variants: ReadonlyMap<string, readonly Variant[]>,
  plan: Plan,
  weight: string,
): Variant | undefined {
  const bits = plan.get(weight);
  return variants.get(weight)?.find((variant) => variant.bits === bits);
}
