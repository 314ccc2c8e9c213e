/**
 * A recipe: what is done to a model, as data. A list of stages in the order they run, each with its options,
 * and a target that bit widths are searched for. The options are declared by the stages themselves.
 */
import { Type } from "typebox";
import type { StageName, stages } from "../stage/stages.ts";
import { option, orNull, type ValuesOf, wholeFrom } from "./option.ts";

/** An entry of a recipe, every option filled in. */
export type RecipeStage<Name extends StageName = StageName> = ReturnType<(typeof stages)[Name]["parse"]>;

/** "40%", "12.5%", and not "0%". */
const sharePattern = "^(?=.*[1-9])\\d+(\\.\\d+)?%$";

export const targetOptions = {
  maxBytes: option(orNull(wholeFrom(1)), {
    default: null,
    description: "of the file; bits that are `mixed` are chosen for it, and channels that are pruned",
  }),
  maxDrop: option(orNull(Type.Number({ minimum: 0, maximum: 1, expects: "a fraction from 0 to 1" })), {
    default: null,
    description:
      "top-1 that may be lost on the held-out images, as a fraction; 0.005 for `mixed` without a size or a drop",
  }),
  maxLatency: option(
    orNull(
      Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.String({ pattern: sharePattern })], {
        expects: 'milliseconds above 0, or a share such as "40%"',
      }),
    ),
    {
      default: null,
      description:
        'time of one image on one thread of this machine, in milliseconds, or as a share of the original\'s such as `"40%"`; channels are pruned for it',
    },
  ),
};

export type Target = ValuesOf<typeof targetOptions>;
/** What bits can be chosen for. */
export type SizeTarget = Pick<Target, "maxBytes" | "maxDrop">;

/** Milliseconds, or a share of what the original takes. */
export interface LatencyLimit {
  readonly unit: "ms" | "share";
  readonly limit: number;
}

export function latencyLimit({ maxLatency }: Pick<Target, "maxLatency">): LatencyLimit | null {
  if (maxLatency === null) return null;
  if (typeof maxLatency === "number") return { unit: "ms", limit: maxLatency };
  return { unit: "share", limit: Number(maxLatency.slice(0, -1)) / 100 };
}

/** Whether the stage `prune` is to choose how much goes by the target. */
export function prunesByTarget(recipe: Recipe): boolean {
  return (
    stageOf(recipe, "prune")?.keep === "auto" && Object.values(recipe.target).some((each) => each !== null)
  );
}

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
