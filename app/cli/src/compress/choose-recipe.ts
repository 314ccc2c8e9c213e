/** What the options of `cupel compress` make of a recipe: given as a file, or the default for a width. */

import { readRegular, reasonOf } from "@cupel/base";
import {
  compressErrors,
  defaultRecipe,
  looksAtImages,
  parseRecipe,
  type Recipe,
  roundings,
  stageOf,
  weightBits,
  withStage,
} from "@cupel/compress";
import {
  byteSize,
  choice,
  decimal,
  integer,
  invalid,
  parsed,
  points,
  repeated,
  text,
} from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { cliErrors } from "../errors.ts";
import { trainingOptions } from "./image-options.ts";

const widths = [...weightBits, "float"] as const;

interface NamedOverride {
  readonly layer: string;
  readonly width: (typeof widths)[number];
}

/** A name may hold "=": the last one counts. */
function parseOverride(given: string): NamedOverride | undefined {
  const at = given.lastIndexOf("=");
  const width = widths.find((each) => String(each) === given.slice(at + 1));
  return at < 1 || width === undefined ? undefined : { layer: given.slice(0, at), width };
}

export const recipeOptions = {
  bits: choice({
    name: "bits",
    choices: ["16", ...weightBits.map(String), "mixed"],
    summary:
      "Bits of a weight at rest; mixed chooses for each layer, under --max-bytes or --max-drop; 16 is float16, computed in float32, and needs no --images",
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
  maxLatency: parsed(
    {
      name: "max-latency",
      placeholder: "TIME",
      summary:
        "Most time of one image on one thread of this machine: milliseconds, such as 12ms, or a share of the original's time, such as 40%; channels are removed for it, as --keep-channels auto does",
    },
    "milliseconds above 0, such as 12 or 12ms, or a share of the original's time, such as 40%",
    (given) => {
      const [, figure, unit] = /^(.*?)\s*(ms|%)?$/.exec(given) ?? [];
      const number = figure !== undefined && decimal.test(figure) ? Number(figure) : Number.NaN;
      if (!(number > 0 && number < Number.POSITIVE_INFINITY)) return undefined;
      return unit === "%" ? `${number}%` : number;
    },
  ),
  keepChannels: parsed(
    {
      name: "keep-channels",
      placeholder: "SHARE|auto",
      summary:
        "Remove the channels that matter least and keep this share, such as 0.85, or auto for what --max-latency, --max-bytes or --max-drop needs; with --train-images what is left is trained to answer as before",
      fallback: "all of them, or auto with --max-latency",
    },
    "a share above 0, at most 1, such as 0.85, or auto",
    (given) => {
      if (given === "auto") return given;
      const share = decimal.test(given) ? Number(given) : Number.NaN;
      return share > 0 && share <= 1 ? share : undefined;
    },
  ),
  recipe: text({
    name: "recipe",
    placeholder: "FILE",
    summary: "JSON list of stages with their options, in place of --bits",
  }),
  overrides: repeated(
    {
      name: "override",
      placeholder: "NAME=BITS",
      summary: "Bits of one layer, or float, by the name of its node or weight; may be given several times",
    },
    `a layer's name, "=" and one of ${widths.join(", ")}, such as conv1=8 or conv1=float`,
    parseOverride,
  ),
  rounding: choice({
    name: "rounding",
    choices: roundings,
    summary:
      "Which level a weight becomes: the nearest, or one that makes good what rounding did to others, in closed form, learned block by block, or the better of the two",
    fallback: "as the recipe says, nearest",
  }),
  images: integer({
    name: "calibration-images",
    formerly: "pictures",
    placeholder: "N",
    min: 1,
    fallback: "as the recipe says, 512; calibration stops by itself when the ranges have settled",
    summary: "Images to calibrate with, at most",
  }),
  retrain: integer({
    name: "retrain",
    placeholder: "EPOCHS",
    min: 1,
    fallback: "as the recipe says; without one, nothing is trained",
    summary: "Train the network as it will be rounded, so many times through --train-images",
  }),
  gates: points({
    name: "gates",
    summary:
      "Let images go past residual blocks that they do not need, for at most so many percentage points of top-1 with 95 % confidence; the network is trained for it, and gates are learned and chosen, on --train-images",
    fallback: "as the recipe says; without one, every image goes through all blocks",
  }),
  earlyExit: points({
    name: "early-exit",
    summary:
      "Let images leave the network where it is sure of them, for at most so many percentage points of top-1 with 95 % confidence; learned and chosen on --train-images",
    fallback:
      "as the recipe says; without one, every image goes through to the end, but for --early-exit-speed",
  }),
  earlyExitSpeed: parsed(
    {
      name: "early-exit-speed",
      placeholder: "TIMES",
      summary:
        "Let images leave early so that one takes this many times less time on average, such as 1.5, and lose as little as that allows; with --early-exit not more than it says",
      fallback: "as the recipe says, as fast as --early-exit allows",
    },
    "a number above 1, such as 1.5",
    (given) => (decimal.test(given) && Number(given) > 1 ? Number(given) : undefined),
  ),
};

/** @throws RECIPE_INVALID, RECIPE_KEY_UNKNOWN, FILE_UNREADABLE, OPTION_INVALID */
export async function chooseRecipe(given: Given, remark: (sentence: string) => void): Promise<Recipe> {
  const path = given.get(recipeOptions.recipe);
  const bits = given.get(recipeOptions.bits);
  if (path !== undefined && bits !== undefined) {
    throw invalid("bits", `cannot be given with --recipe: write the width into ${path}`);
  }
  const recipe = path === undefined ? defaultFor(given, bits) : await readRecipe(path, remark);
  return changed(recipe, given, true);
}

/**
 * One of several recipes to choose from: the target is for the choice, and for a recipe that has widths to choose from too.
 * @param tried a width, "mixed", or the path of a recipe. @throws as `chooseRecipe`
 */
export async function recipeToTry(
  tried: string,
  given: Given,
  remark: (sentence: string) => void,
): Promise<Recipe> {
  const width = widthsToTry.find((each) => String(each) === tried);
  const recipe = width === undefined ? await readRecipe(tried, remark) : defaultRecipe(width);
  return changed(recipe, given, isMixed(recipe));
}

/** In the order of their sizes. */
export const widthsToTry = [...weightBits, "mixed"] as const;

async function readRecipe(path: string, remark: (sentence: string) => void): Promise<Recipe> {
  return parseRecipe(await readJson(path), path, remark);
}

function changed(recipe: Recipe, given: Given, hasTarget: boolean): Recipe {
  const pruned = hasTarget ? withTarget(withChannels(recipe, given), given) : withChannels(recipe, given);
  const overridden = withOverrides(pruned, given.get(recipeOptions.overrides));
  const rounded = withRounding(overridden, given.get(recipeOptions.rounding));
  const calibrated = withImages(rounded, given.get(recipeOptions.images));
  const retrained = withRetraining(calibrated, given.get(recipeOptions.retrain));
  return withExits(withGates(retrained, given.get(recipeOptions.gates)), given);
}

/** With the stage that removes channels, or its share where the recipe has it. */
function withChannels(recipe: Recipe, given: Given): Recipe {
  const asked = given.get(recipeOptions.keepChannels);
  // A recipe that is given says itself what it prunes.
  const needed = given.has(recipeOptions.maxLatency) && !given.has(recipeOptions.recipe);
  if (asked === undefined && !needed) return recipe;
  const [keep, where] = asked === undefined ? ["auto", "--max-latency"] : [asked, "--keep-channels"];
  const cleaned = stageOf(recipe, "clean") ? recipe : withStage(recipe, { stage: "clean" }, where);
  const trains = !stageOf(recipe, "prune") && given.has(trainingOptions.images);
  return withStage(cleaned, { stage: "prune", keep, ...(trains ? { fineTune: {} } : {}) }, where);
}

function withRetraining(recipe: Recipe, epochs: number | undefined): Recipe {
  return epochs === undefined ? recipe : withStage(recipe, { stage: "retrain", epochs }, "--retrain");
}

/** A recipe that has gates says itself whether the network is trained for them. */
function withGates(recipe: Recipe, maxDrop: number | undefined): Recipe {
  if (maxDrop === undefined) return recipe;
  const cleaned = stageOf(recipe, "clean") ? recipe : withStage(recipe, { stage: "clean" }, "--gates");
  const trained = stageOf(recipe, "gates")
    ? cleaned
    : withStage(cleaned, { stage: "stochastic-depth" }, "--gates");
  return withStage(trained, { stage: "gates", maxDrop }, "--gates");
}

function withExits(recipe: Recipe, given: Given): Recipe {
  const maxDrop = given.get(recipeOptions.earlyExit);
  const minSpeed = given.get(recipeOptions.earlyExitSpeed);
  const where = maxDrop === undefined ? "--early-exit-speed" : "--early-exit";
  const budget = { ...(maxDrop !== undefined && { maxDrop }), ...(minSpeed !== undefined && { minSpeed }) };
  return Object.keys(budget).length === 0 ? recipe : withStage(recipe, { stage: "exits", ...budget }, where);
}

const isMixed = (recipe: Recipe): boolean => stageOf(recipe, "quantise")?.bits === "mixed";

function defaultFor(given: Given, bits: string | undefined): Recipe {
  const hasTarget = given.has(recipeOptions.maxBytes) || given.has(recipeOptions.maxDrop);
  const fixed = [16 as const, ...weightBits].find((each) => String(each) === bits);
  return defaultRecipe(fixed ?? (bits === "mixed" || hasTarget ? "mixed" : 8));
}

/** Those of the command line win over those of the recipe. */
function withOverrides(recipe: Recipe, given: readonly NamedOverride[]): Recipe {
  const twice = given.find(({ layer }, i) => given.findIndex((each) => each.layer === layer) < i);
  if (twice) throw invalid("override", `is given twice for the layer "${twice.layer}"`);
  if (given.length === 0) return recipe;
  const named = Object.fromEntries(given.map(({ layer, width }) => [layer, width]));
  const overrides = { ...stageOf(recipe, "quantise")?.overrides, ...named };
  // Not every width goes with every recipe.
  return withStage(recipe, { stage: "quantise", overrides }, "--override");
}

function withRounding(recipe: Recipe, rounding: string | undefined): Recipe {
  if (rounding === undefined) return recipe;
  if (!looksAtImages(recipe))
    throw invalid("rounding", "is of no use with 16 bits: no weight is given levels");
  return withStage(recipe, { stage: "quantise", rounding }, "--rounding");
}

function withTarget(recipe: Recipe, given: Given): Recipe {
  const maxBytes = given.get(recipeOptions.maxBytes) ?? recipe.target.maxBytes;
  const maxDrop = given.get(recipeOptions.maxDrop) ?? recipe.target.maxDrop;
  const maxLatency = given.get(recipeOptions.maxLatency) ?? recipe.target.maxLatency;
  const prunes = stageOf(recipe, "prune")?.keep === "auto";
  if (maxLatency !== null && !prunes) {
    throw invalid(
      "max-latency",
      "needs channels to choose from, since bits change the file and not the time: use --keep-channels auto",
    );
  }
  if (!isMixed(recipe) && !prunes && (maxBytes !== null || maxDrop !== null)) {
    throw invalid(
      maxBytes !== null ? "max-bytes" : "max-drop",
      "needs widths to choose from: use --bits mixed, or leave --bits out; or --keep-channels auto",
    );
  }
  return { ...recipe, target: { maxBytes, maxDrop, maxLatency } };
}

function withImages(recipe: Recipe, images: number | undefined): Recipe {
  if (images === undefined) return recipe;
  if (!looksAtImages(recipe))
    throw invalid("calibration-images", "is of no use with 16 bits: nothing is calibrated");
  return withStage(recipe, { stage: "calibrate", images }, "--calibration-images");
}

async function readJson(path: string): Promise<unknown> {
  const content = await readRegular(path).catch((thrown: unknown) => {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the recipe ${path}: ${reasonOf(thrown)}`, {
      cause: thrown,
      details: { path },
    });
  });
  try {
    return JSON.parse(content.toString());
  } catch (thrown) {
    throw compressErrors.error("RECIPE_INVALID", `${path} is not JSON: ${reasonOf(thrown)}.`, {
      cause: thrown,
    });
  }
}
