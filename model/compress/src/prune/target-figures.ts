/** A target that pruning was to keep to, beside what was foretold and what the network that is written has. */
import type { Model } from "@cupel/onnx";
import type { TargetFigure } from "@cupel/report";
import { latencyLimit, prunesByTarget } from "../recipe/recipe.ts";
import { onHeldOut } from "../search/held-out.ts";
import { classLoss } from "../search/loss.ts";
import type { StageContext, State } from "../stage/stage.ts";
import { timeOf } from "./search-widths.ts";

/** @param model as it is written. @returns none where no target was for pruning */
export async function targetFigures(
  model: Model,
  { pruned, reference }: State,
  context: StageContext,
): Promise<readonly TargetFigure[]> {
  const { recipe, bytesOf } = context;
  const predicted = pruned?.predicted;
  if (!predicted || !prunesByTarget(recipe)) return [];
  const { maxBytes, maxDrop } = recipe.target;
  const figures: TargetFigure[] = [];
  const limit = latencyLimit(recipe.target);
  if (limit) {
    const measured = await timeOf(model, limit, context);
    const quantity = limit.unit === "ms" ? "latencyMs" : "latencyShare";
    figures.push({ quantity, target: limit.limit, predicted: predicted.latency, measured });
  }
  if (maxBytes !== null)
    figures.push({
      quantity: "bytes",
      target: maxBytes,
      predicted: predicted.bytes,
      measured: bytesOf(model),
    });
  if (maxDrop !== null && reference) {
    const evaluated = await onHeldOut(context.original, context)(model);
    const { loss } = classLoss(reference, evaluated);
    figures.push({ quantity: "drop", target: maxDrop, predicted: predicted.drop, measured: loss });
  }
  return figures;
}
