/**
 * A recipe: what is done to a model, as data. A list of stages in the order they run, each with its options,
 * and a target that bit widths are searched for. The options are declared by the stages themselves.
 */
import { Type } from "typebox";
import type { StageName, stages } from "../stage/stages.ts";
import { option, orNull, type ValuesOf, wholeFrom } from "./option.ts";

/** An entry of a recipe, every option filled in. */
export type RecipeStage<Name extends StageName = StageName> = ReturnType<(typeof stages)[Name]["parse"]>;

export const targetOptions = {
  maxBytes: option(orNull(wholeFrom(1)), { default: null, description: "of the file" }),
  maxDrop: option(orNull(Type.Number({ minimum: 0, maximum: 1, expects: "a fraction from 0 to 1" })), {
    default: null,
    description:
      "top-1 that may be lost on the held-out images, as a fraction; 0.005 for `mixed` without a target",
  }),
};

export type Target = ValuesOf<typeof targetOptions>;

export interface Recipe {
  readonly stages: readonly RecipeStage[];
  readonly target: Target;
}

/** Whether anything but the check of the written file reads images: 16 bits round no activation, but channels are ranked by images. */
export function looksAtImages(recipe: Recipe): boolean {
  return stageOf(recipe, "prune") !== undefined || stageOf(recipe, "quantise")?.bits !== 16;
}

/** The entry of that name; undefined when the recipe has none. */
export function stageOf<Name extends StageName>(
  recipe: Recipe,
  name: Name,
): Extract<RecipeStage, { stage: Name }> | undefined {
  return recipe.stages.find((entry): entry is Extract<RecipeStage, { stage: Name }> => entry.stage === name);
}
