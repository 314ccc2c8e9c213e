/**
 * A network in the form that its stages work on: cleaned, in float, and which of its nodes will run on integers. A table
 * of layer times is measured of it and predicts it.
 */
import { inferShapes, type Model, runPasses } from "@cupel/onnx";
import { atImageSize } from "@cupel/predict";
import type { Preprocessing } from "@cupel/vision";
import { sizesOf } from "../emit/conversion-cost.ts";
import { inFloatWhereSlower, type KernelChoice, placeQuantisers } from "../emit/placement.ts";
import type { FoldWeightsOptions } from "../intake/fold-weights.ts";
import { takeIn } from "../intake/take-in.ts";
import { cleanPasses } from "../stage/clean.ts";

/** `model` is left as it is. @throws what taking a model in throws */
export async function stageForm(model: Model, options: FoldWeightsOptions): Promise<Model> {
  const { model: cleaned } = await takeIn(model, options);
  runPasses(cleaned, cleanPasses);
  inferShapes(cleaned);
  return cleaned;
}

/**
 * Names of the first outputs of the nodes that the stage `calibrate` would put on integers, where nothing is overridden.
 * @param model in the form of the stages. @param kernels as the option of `quantise`
 */
export function integerNodes(
  model: Model,
  preprocessing: Preprocessing,
  kernels: KernelChoice = "where-faster",
): ReadonlySet<string> {
  const { graph } = model;
  const sizeOf = sizesOf(atImageSize(model, preprocessing).graph);
  const placement = placeQuantisers(graph, new Set(), kernels, sizeOf);
  if (kernels === "wherever-possible") return placement.integer;
  return (inFloatWhereSlower(graph, placement, new Set(), sizeOf)?.placement ?? placement).integer;
}
