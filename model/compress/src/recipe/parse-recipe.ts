/**
 * A recipe from JSON. Every option has a default, every unknown key is an error, so that a typing mistake
 * never silently does nothing. Keys of earlier versions are read, with a remark.
 */
import { own } from "@cupel/base";
import { parseAugmentation } from "@cupel/vision";
import { type TSchema, Type } from "typebox";
import { isStageName, type StageName, stages } from "../stage/stages.ts";
import type { WeightBits } from "../weights/quantised-weights.ts";
import { defaultsOf, invalid, readOptions, refuseUnknownKeys } from "./option.ts";
import { type Recipe, type RecipeStage, stageOf, type Target, targetOptions } from "./recipe.ts";

const order = Object.keys(stages).filter(isStageName);
/** What a compressed model is made of, whatever else is done. */
const lastStage: StageName = "quantise";

/** Keys by what they were called before. */
const renamedKeys: Readonly<Record<string, string>> = {
  passes: "stages",
  pass: "stage",
  pictures: "images",
  heldBack: "heldOut",
};

/** The default recipe. @throws RECIPE_INVALID for a target without "mixed" bits */
export function defaultRecipe(bits: 16 | WeightBits | "mixed" = 8, target: Partial<Target> = {}): Recipe {
  if (bits === 16)
    return parseRecipe({ stages: [{ stage: "quantise", bits }], target }, "The default recipe");
  const recipe = {
    stages: [
      { stage: "clean" },
      { stage: "equalise", when: "helps" },
      { stage: "calibrate" },
      { stage: "quantise", bits },
    ],
    target,
  };
  return parseRecipe(recipe, "The default recipe");
}

/**
 * @param json what JSON.parse made of the recipe. @param where the file, for messages.
 * @param remark is told each key that has another name now.
 * @throws RECIPE_INVALID, RECIPE_KEY_UNKNOWN
 */
export function parseRecipe(
  json: unknown,
  where: string,
  remark: (sentence: string) => void = () => {},
): Recipe {
  const renamed = new Set<string>();
  const read = (value: unknown, place: string, has: string): Record<string, unknown> => {
    if (!isRecord(value)) throw invalid(place, `must be an object with "${has}"`);
    return withNewKeys(value, renamed);
  };
  const document = read(json, where, "stages");
  refuseUnknownKeys(document, ["stages", "target"], where);
  const { stages: list, target = {} } = document;
  if (!Array.isArray(list) || list.length === 0) throw invalid(where, `needs "stages", a list`);
  const parsed = list.map((entry, i) => {
    const place = `${where}, stage ${i + 1}`;
    return parseStage(read(entry, place, "stage"), place);
  });
  assertOrder(parsed, where);
  if (!isRecord(target)) throw invalid(where, `"target" must be an object`);
  const recipe = { stages: parsed, target: readOptions(targetOptions, target, `${where}, target`) };
  assertChoice(recipe, where);
  assertRetraining(recipe, where);
  for (const key of renamed) remark(`${where}: "${key}" is now called "${own(renamedKeys, key)}".`);
  return recipe;
}

/**
 * The recipe with a stage more, or with other options of one that it has.
 * @param where what asks for it, for messages. @throws RECIPE_INVALID, RECIPE_KEY_UNKNOWN
 */
export function withStage(
  recipe: Recipe,
  entry: { readonly stage: StageName } & Readonly<Record<string, unknown>>,
  where: string,
): Recipe {
  const others = recipe.stages.filter(({ stage }) => stage !== entry.stage);
  const all = [...others, { ...stageOf(recipe, entry.stage), ...entry }];
  return parseRecipe(
    { ...recipe, stages: all.sort((a, b) => order.indexOf(a.stage) - order.indexOf(b.stage)) },
    where,
  );
}

function parseStage({ stage: name, ...given }: Record<string, unknown>, where: string): RecipeStage {
  if (isStageName(name)) return stages[name].parse(given, where);
  throw invalid(where, `"stage" must be one of ${order.join(", ")}, not ${JSON.stringify(name)}`);
}

/** Rounding needs ranges; folding after calibration would change what was measured. */
function assertOrder(entries: readonly RecipeStage[], where: string): void {
  const names = entries.map((entry) => entry.stage);
  const isSorted = names.every((name, i) => i === 0 || order.indexOf(names[i - 1]!) < order.indexOf(name));
  if (!isSorted) throw invalid(where, `stages run once each, in the order ${order.join(", ")}`);
  const half = entries.find((entry) => entry.stage === "quantise" && entry.bits === 16);
  if (half) {
    assertHalf(half, names, where);
    return;
  }
  const needed = [...names, lastStage].flatMap((name) => [...stages[name].requires, name]);
  const missing = needed.find((name) => !names.some((each) => each === name));
  if (missing !== undefined) throw invalid(where, `the stage "${missing}" is missing`);
}

const roundsActivations: ReadonlySet<StageName> = new Set(["equalise", "calibrate", "retrain"]);

/** What 16 bits leave nothing to do for is refused, so that nobody believes it was done. */
function assertHalf(entry: RecipeStage, names: readonly StageName[], where: string): void {
  const idle = names.find((name) => roundsActivations.has(name));
  if (idle) throw invalid(where, `16 bits round no activation: leave out the stage "${idle}"`);
  const needsClean = names.some((name) => stages[name].requires.includes("clean") && name !== lastStage);
  if (needsClean && !names.includes("clean")) throw invalid(where, `the stage "clean" is missing`);
  const usual = defaultsOf(stages.quantise.options);
  for (const [key, value] of Object.entries(entry)) {
    if (key === "stage" || key === "bits" || value === usual[key]) continue;
    const isFine = key === "overrides" && Object.values(value).every((each) => each === "float");
    if (isFine) continue;
    const wrong =
      key === "overrides" ? `overrides are "float" with 16 bits` : `16 bits have no use for "${key}"`;
    throw invalid(where, wrong);
  }
}

/** Only "mixed" bits and channels that are pruned leave anything to choose; bits change no time. */
function assertChoice(recipe: Recipe, where: string): void {
  const { maxBytes, maxDrop, maxLatency } = recipe.target;
  const prunes = stageOf(recipe, "prune")?.keep === "auto";
  const isMixed = stageOf(recipe, "quantise")?.bits === "mixed";
  if (maxLatency !== null && !prunes)
    throw invalid(
      where,
      `"maxLatency" needs channels to choose from: bits change the file, not the time. Have a stage "prune" with "keep": "auto"`,
    );
  const branching = (["gates", "exits"] as const).filter((name) => stageOf(recipe, name));
  if (maxLatency !== null && branching[0])
    throw invalid(
      where,
      `with the stage "${branching[0]}" the time depends on the image: leave out "maxLatency"`,
    );
  if (branching.length > 1)
    throw invalid(where, `"gates" and "exits" are each chosen as if they were alone: leave out one of them`);
  if ((maxBytes === null && maxDrop === null) || isMixed || prunes) return;
  throw invalid(
    where,
    `"target" needs widths to choose from: set "bits" of the stage quantise to "mixed", or have a stage "prune" with "keep": "auto"`,
  );
}

/** Told here, since training comes last. @throws AUGMENTATION_INVALID */
function assertRetraining(recipe: Recipe, where: string): void {
  const retrain = stageOf(recipe, "retrain");
  if (!retrain) return;
  if (retrain.augmentation !== "") parseAugmentation(retrain.augmentation);
  if (stageOf(recipe, "quantise")?.blockSize != null) {
    throw invalid(where, `the stage "retrain" learns a step for each channel: leave out "blockSize"`);
  }
}

/** An own key "__proto__" stays one, so that it is refused like any other. */
function withNewKeys(json: Readonly<Record<string, unknown>>, renamed: Set<string>): Record<string, unknown> {
  const entries = Object.entries(json).map(([key, value]): [string, unknown] => {
    const now = own(renamedKeys, key) ?? key;
    if (now === key || Object.hasOwn(json, now)) return [key, value];
    renamed.add(key);
    return [now, value];
  });
  return Object.fromEntries(entries);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The recipe as JSON Schema, for editors. What `parseRecipe` says of the order of stages is not in it. */
export const recipeSchema: TSchema = Type.Object(
  {
    stages: Type.Array(Type.Union(order.map((name) => entrySchema(name, stages[name].options))), {
      minItems: 1,
    }),
    target: Type.Optional(Type.Partial(Type.Object(targetOptions, { additionalProperties: false }))),
  },
  { additionalProperties: false },
);

function entrySchema(name: StageName, options: Readonly<Record<string, TSchema>>) {
  const optional = Object.entries(options).map(([key, schema]) => [key, Type.Optional(schema)] as const);
  return Type.Object(
    { stage: Type.Literal(name), ...Object.fromEntries(optional) },
    { additionalProperties: false },
  );
}
