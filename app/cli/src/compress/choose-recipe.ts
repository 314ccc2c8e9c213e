/** What the options of `cupel compress` make of a recipe: given as a file, or the default for a width. */
import { readFile } from "node:fs/promises";
import { reasonOf } from "@cupel/base";
import {
  compressErrors,
  defaultRecipe,
  parseRecipe,
  type Recipe,
  stageOf,
  weightBits,
} from "@cupel/compress";
import { byteSize, choice, integer, invalid, points, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { cliErrors } from "../errors.ts";

export const recipeOptions = {
  bits: choice({
    name: "bits",
    choices: [...weightBits.map(String), "mixed"],
    summary: "Bits of a weight at rest; mixed chooses for each layer, under --max-bytes or --max-drop",
    fallback: "8, or mixed with a target",
  }),
  maxBytes: byteSize({
    name: "max-bytes",
    summary: "Largest size of the file, such as 2.75MB (1 MB = 1,000,000 bytes)",
  }),
  maxDrop: points({
    name: "max-drop",
    summary: "Most percentage points of top-1 that may be lost, judged on images held out from --images",
    fallback: "0.5 for mixed without --max-bytes",
  }),
  recipe: text({
    name: "recipe",
    placeholder: "FILE",
    summary: "JSON list of stages with their options, in place of --bits",
  }),
  images: integer({
    name: "calibration-images",
    formerly: "pictures",
    placeholder: "N",
    min: 1,
    fallback: "as the recipe says, 512; calibration stops by itself when the ranges have settled",
    summary: "Images to calibrate with, at most",
  }),
};

/** @throws RECIPE_INVALID, RECIPE_KEY_UNKNOWN, FILE_UNREADABLE, OPTION_INVALID */
export async function chooseRecipe(given: Given, remark: (sentence: string) => void): Promise<Recipe> {
  const path = given.get(recipeOptions.recipe);
  const bits = given.get(recipeOptions.bits);
  if (path !== undefined && bits !== undefined) {
    throw invalid("bits", `cannot be given with --recipe: write the width into ${path}`);
  }
  const recipe =
    path === undefined ? defaultFor(given, bits) : parseRecipe(await readJson(path), path, remark);
  return withImages(withTarget(recipe, given), given.get(recipeOptions.images));
}

function defaultFor(given: Given, bits: string | undefined): Recipe {
  const hasTarget = given.has(recipeOptions.maxBytes) || given.has(recipeOptions.maxDrop);
  const fixed = weightBits.find((each) => String(each) === bits);
  return defaultRecipe(fixed ?? (bits === "mixed" || hasTarget ? "mixed" : 8));
}

function withTarget(recipe: Recipe, given: Given): Recipe {
  const maxBytes = given.get(recipeOptions.maxBytes) ?? recipe.target.maxBytes;
  const maxDrop = given.get(recipeOptions.maxDrop) ?? recipe.target.maxDrop;
  const isMixed = stageOf(recipe, "quantise")?.bits === "mixed";
  if (!isMixed && (maxBytes !== null || maxDrop !== null)) {
    throw invalid(
      maxBytes !== null ? "max-bytes" : "max-drop",
      "needs widths to choose from: use --bits mixed, or leave --bits out",
    );
  }
  return { ...recipe, target: { maxBytes, maxDrop } };
}

function withImages(recipe: Recipe, images: number | undefined): Recipe {
  if (images === undefined) return recipe;
  return {
    ...recipe,
    stages: recipe.stages.map((entry) => (entry.stage === "calibrate" ? { ...entry, images } : entry)),
  };
}

async function readJson(path: string): Promise<unknown> {
  const content = await readFile(path, "utf8").catch((thrown: unknown) => {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the recipe ${path}: ${reasonOf(thrown)}`, {
      cause: thrown,
      details: { path },
    });
  });
  try {
    return JSON.parse(content);
  } catch (thrown) {
    throw compressErrors.error("RECIPE_INVALID", `${path} is not JSON: ${reasonOf(thrown)}.`, {
      cause: thrown,
    });
  }
}
