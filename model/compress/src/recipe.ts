/**
 * A recipe: what is done to a model, as data. A list of passes in the order they run, each with its
 * options, and optionally a target that bit widths are searched for. JSON on disk; every option has a
 * default, every unknown key is an error, so that a typing mistake never silently does nothing.
 */
import { baseErrors } from "@cupel/base";
import type { Symmetry } from "./calibrate/activation-scale.ts";
import { type RangeMethod, rangeMethods } from "./calibrate/range-method.ts";
import { compressErrors } from "./errors.ts";
import { type WeightBits, weightBits } from "./weights/quantised-weights.ts";

/** Brings the graph into the form that fuses: folds BatchNormalization, removes what blocks. */
export interface CleanPass {
  readonly pass: "clean";
}

/** Cross-layer equalisation. */
export interface EqualisePass {
  readonly pass: "equalise";
}

/** Measures activation ranges. */
export interface CalibratePass {
  readonly pass: "calibrate";
  readonly method: RangeMethod;
  readonly symmetry: Symmetry;
  /** Share of values inside the range, for method "percentile". */
  readonly percentile: number;
  /** At most this many images are looked at. */
  readonly images: number;
  /** Images between two looks at whether the ranges still move. */
  readonly batchSize: number;
  /** Stops after so many batches in a row ... */
  readonly patience: number;
  /** ... that moved no range by more than this share of its width. */
  readonly tolerance: number;
}

/** Rounds the weights. */
export interface QuantisePass {
  readonly pass: "quantise";
  /** "mixed" chooses for each layer, under the target. */
  readonly bits: WeightBits | "mixed";
  /** Under 8 bits: levels evenly spaced, or fitted to each layer's weights. */
  readonly levels: "uniform" | "fitted";
  readonly granularity: "channel" | "tensor";
  /** Weights that share an integer multiplier on their channel's scale; null for none. */
  readonly blockSize: number | null;
  /** Let biases take back the shift of the mean that rounding causes. */
  readonly correctBias: boolean;
  /** 7-bit weights, for processors whose 8-bit sums overflow; "auto" asks the processor. */
  readonly reduceRange: boolean | "auto";
  /** Bits by layer name, or "float" to leave a layer alone. */
  readonly overrides: Readonly<Record<string, WeightBits | "float">>;
  /** Images held out from calibration to judge bit widths by, when there is something to choose. */
  readonly heldOut: number;
}

export type RecipePass = CleanPass | EqualisePass | CalibratePass | QuantisePass;

export interface Target {
  /** Of the model file. */
  readonly maxBytes: number | null;
  /** Top-1 that may be lost on the held-out images, as a fraction: 0.007 is 0.7 points. */
  readonly maxDrop: number | null;
}

export interface Recipe {
  readonly passes: readonly RecipePass[];
  readonly target: Target;
}

const defaults = {
  clean: { pass: "clean" },
  equalise: { pass: "equalise" },
  calibrate: {
    pass: "calibrate",
    method: "mse",
    symmetry: "asymmetric",
    percentile: 0.9999,
    images: 512,
    batchSize: 32,
    patience: 5,
    tolerance: 0.003,
  },
  quantise: {
    pass: "quantise",
    bits: 8,
    levels: "fitted",
    granularity: "channel",
    blockSize: null,
    correctBias: true,
    reduceRange: "auto",
    overrides: {},
    heldOut: 1000,
  },
} as const satisfies { [Name in RecipePass["pass"]]: Extract<RecipePass, { pass: Name }> };

const noTarget: Target = { maxBytes: null, maxDrop: null };

/** What a mixed recipe without a target aims for: half a point. */
export const defaultMaxDrop = 0.005;

/** @throws RECIPE_INVALID for a target without "mixed" bits. */
export function defaultRecipe(bits: WeightBits | "mixed" = 8, target: Partial<Target> = {}): Recipe {
  const recipe: Recipe = {
    passes: [defaults.clean, defaults.calibrate, { ...defaults.quantise, bits }],
    target: { ...noTarget, ...target },
  };
  checkTarget(recipe, "The default recipe");
  return recipe;
}

/** One check a key: what it must be, in words, and whether a value is. */
type Check = readonly [expectation: string, accepts: (value: unknown) => boolean];

const oneOf = (...allowed: readonly (string | number | boolean | null)[]): Check => [
  `one of ${allowed.map((value) => JSON.stringify(value)).join(", ")}`,
  (value) => allowed.some((each) => each === value),
];
const wholeFrom = (least: number): Check => [
  `a whole number from ${least}`,
  (value) => typeof value === "number" && Number.isInteger(value) && value >= least,
];
const fraction: Check = ["a number between 0 and 1", (v) => typeof v === "number" && v > 0 && v < 1];
const orNull = ([expectation, accepts]: Check): Check => [
  `${expectation}, or null`,
  (value) => value === null || accepts(value),
];

const checks: Readonly<Record<RecipePass["pass"], Readonly<Record<string, Check>>>> = {
  clean: {},
  equalise: {},
  calibrate: {
    method: oneOf(...Object.keys(rangeMethods)),
    symmetry: oneOf("asymmetric", "symmetric"),
    percentile: fraction,
    images: wholeFrom(1),
    batchSize: wholeFrom(1),
    patience: wholeFrom(1),
    tolerance: fraction,
  },
  quantise: {
    bits: oneOf(...weightBits, "mixed"),
    levels: oneOf("uniform", "fitted"),
    granularity: oneOf("channel", "tensor"),
    blockSize: orNull(wholeFrom(2)),
    correctBias: oneOf(true, false),
    reduceRange: oneOf(true, false, "auto"),
    overrides: [
      `an object from layer names to ${weightBits.join(", ")} or "float"`,
      (value) =>
        isObject(value) && Object.values(value).every((bits) => bits === "float" || isWeightBits(bits)),
    ],
    heldOut: wholeFrom(1),
  },
};

const targetChecks: Readonly<Record<keyof Target, Check>> = {
  maxBytes: orNull(wholeFrom(1)),
  maxDrop: orNull([
    "a fraction from 0 to 1",
    (value) => typeof value === "number" && value >= 0 && value <= 1,
  ]),
};

/**
 * @param json what JSON.parse made of the recipe. @param where the file, for messages.
 * @throws RECIPE_INVALID, RECIPE_KEY_UNKNOWN
 */
export function parseRecipe(json: unknown, where: string): Recipe {
  if (!isObject(json)) throw invalid(where, `must be an object with "passes"`);
  refuseUnknownKeys(json, ["passes", "target"], where);
  const { passes, target } = json;
  if (!Array.isArray(passes) || passes.length === 0) throw invalid(where, `needs "passes", a list`);
  const parsed = passes.map((entry, i) => parsePass(entry, `${where}, pass ${i + 1}`));
  checkOrder(parsed, where);
  if (target !== undefined && !isObject(target)) throw invalid(where, `"target" must be an object`);
  const given = target ?? {};
  checkKeys(given, targetChecks, `${where}, target`);
  const recipe = { passes: parsed, target: { ...noTarget, ...given } };
  checkTarget(recipe, where);
  return recipe;
}

/** Only "mixed" leaves anything to choose. */
function checkTarget(recipe: Recipe, where: string): void {
  const { maxBytes, maxDrop } = recipe.target;
  if ((maxBytes === null && maxDrop === null) || passOf(recipe, "quantise").bits === "mixed") return;
  throw invalid(where, `"target" needs widths to choose from: set "bits" of the pass quantise to "mixed"`);
}

function parsePass(entry: unknown, where: string): RecipePass {
  if (!isObject(entry)) throw invalid(where, `must be an object with "pass"`);
  const { pass: name, ...options } = entry;
  switch (name) {
    case "clean":
    case "equalise":
      checkKeys(options, checks[name], where);
      return defaults[name];
    case "calibrate":
      checkKeys(options, checks.calibrate, where);
      return { ...defaults.calibrate, ...options };
    case "quantise":
      checkKeys(options, checks.quantise, where);
      return { ...defaults.quantise, ...options };
    default:
      throw invalid(
        where,
        `"pass" must be one of ${Object.keys(defaults).join(", ")}, not ${JSON.stringify(name)}`,
      );
  }
}

/** Rounding needs ranges; folding after calibration would change what was measured. */
function checkOrder(passes: readonly RecipePass[], where: string): void {
  const order = passes.map((entry) => entry.pass);
  const rank = Object.keys(defaults);
  const sorted = order.every((name, i) => i === 0 || rank.indexOf(order[i - 1]!) < rank.indexOf(name));
  if (!sorted) throw invalid(where, `passes run once each, in the order ${rank.join(", ")}`);
  for (const needed of ["clean", "calibrate", "quantise"]) {
    if (!order.some((name) => name === needed)) throw invalid(where, `the pass "${needed}" is missing`);
  }
}

function checkKeys(
  given: Record<string, unknown>,
  known: Readonly<Record<string, Check>>,
  where: string,
): void {
  refuseUnknownKeys(given, Object.keys(known), where);
  for (const [key, value] of Object.entries(given)) {
    const [expectation, accepts] = known[key]!;
    if (!accepts(value))
      throw invalid(where, `"${key}" must be ${expectation}, not ${JSON.stringify(value)}`);
  }
}

function refuseUnknownKeys(given: Record<string, unknown>, known: readonly string[], where: string): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw compressErrors.error(
    "RECIPE_KEY_UNKNOWN",
    `${where}: nothing reads "${unknown}". Known here: ${known.join(", ") || "no options"}.`,
    { details: { key: unknown } },
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWeightBits(value: unknown): value is WeightBits {
  return weightBits.some((bits) => bits === value);
}

function invalid(where: string, reason: string) {
  return compressErrors.error("RECIPE_INVALID", `${where}: ${reason}.`);
}

/** The pass of that name. A parsed recipe has each of the required ones. */
export function passOf<Name extends RecipePass["pass"]>(
  recipe: Recipe,
  name: Name,
): Extract<RecipePass, { pass: Name }> {
  const found = recipe.passes.find(
    (entry): entry is Extract<RecipePass, { pass: Name }> => entry.pass === name,
  );
  if (!found) throw baseErrors.error("INTERNAL", `The recipe has no pass "${name}".`);
  return found;
}
