/** What the options make of jobs: which recipes are tried on which models, and where each model's result goes. */
import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { defaultFloor, type Recipe, type SizeTarget } from "@cupel/compress";
import { globals } from "../arguments/global-options.ts";
import { invalid } from "../arguments/option.ts";
import { type Given, required } from "../arguments/parse.ts";
import { modelDigest } from "../audit/input-facts.ts";
import { chooseRecipe, recipeOptions, recipeToTry, widthsToTry } from "../compress/choose-recipe.ts";
import { floorOption } from "../compress/floor-option.ts";
import { calibrationOptions, evaluationOptions } from "../compress/image-options.ts";
import { cliErrors } from "../errors.ts";
import { classesOption } from "../input/image-options.ts";
import { inputsOption } from "../input/model-options.ts";
import { taskOption } from "../input/open-for-images.ts";
import { allowChanceOption, preprocessingOption } from "../input/preprocessing-option.ts";
import { strictOption } from "../input/unreadable-images.ts";
import { cupelVersion } from "../version.ts";
import { type FleetJob, type JobFile, keyOf } from "./fleet-job.ts";
import { contentDigest } from "./run-job.ts";
import { ownFolder, type SharedFolder } from "./shared-folder.ts";
import { submitOptions } from "./submit-options.ts";

export interface ModelWork {
  /** As given, or relative to the folder given. */
  readonly name: string;
  readonly path: string;
  readonly out: string;
  readonly jobs: ReadonlyMap<string, FleetJob>;
}

/** @throws what `chooseRecipe` throws */
export async function recipesOf(
  given: Given,
  remark: (sentence: string) => void,
): Promise<{ readonly recipes: readonly Recipe[]; readonly target: SizeTarget }> {
  const target = {
    maxBytes: given.get(recipeOptions.maxBytes) ?? null,
    maxDrop: given.get(recipeOptions.maxDrop) ?? null,
  };
  const hasTarget = target.maxBytes !== null || target.maxDrop !== null;
  const isSingle = given.has(recipeOptions.bits) || given.has(recipeOptions.recipe);
  const asked = given.get(submitOptions.tried);
  if (isSingle || (asked.length === 0 && !hasTarget)) {
    // Its own target is met, or its job fails.
    return { recipes: [await chooseRecipe(given, remark)], target: { maxBytes: null, maxDrop: null } };
  }
  const words = asked.length > 0 ? asked : widthsToTry.map(String);
  const recipes: Recipe[] = [];
  for (const word of new Set(words)) recipes.push(await recipeToTry(word, given, remark));
  // As for a search without a target.
  return { recipes, target: hasTarget ? target : { maxBytes: null, maxDrop: 0.005 } };
}

/** Every path that workers read MUST lie in the shared folder. @throws QUEUE_INPUT_OUTSIDE, OPTION_INVALID, FILE_UNREADABLE, MODEL_NOT_FOUND */
export async function modelsOf(
  operand: string,
  out: string,
  share: SharedFolder,
  given: Given,
  recipes: readonly Recipe[],
  signal: AbortSignal,
): Promise<ModelWork[]> {
  const images = required(given, calibrationOptions.images);
  const file = async (path: string | undefined): Promise<JobFile | null> =>
    path === undefined ? null : { path: await share.pathIn(path), digest: await contentDigest(path, signal) };
  const floor = given.get(floorOption);
  const shared: Omit<FleetJob, "model" | "recipe"> = {
    version: cupelVersion(),
    images: images.startsWith("synthetic:") ? images : ((await file(images)) ?? images),
    labels: await file(given.get(calibrationOptions.labels)),
    labelColumn: given.get(calibrationOptions.labelColumn) ?? null,
    classes: await file(given.get(classesOption)),
    inputs: await file(given.get(inputsOption)),
    keepsApart: !given.has(evaluationOptions.images),
    floor: floor === undefined ? defaultFloor : floor,
    task: given.get(taskOption) ?? null,
    preprocessing: given.get(preprocessingOption) ?? null,
    allowChance: given.get(allowChanceOption),
    strict: given.get(strictOption),
    seed: given.get(globals.seed),
  };
  const found = await modelFiles(operand, out);
  return await Promise.all(
    found.map(async ({ name, path, out: to }) => {
      const model = { path: await share.pathIn(path), digest: await modelDigest(path, signal) };
      const jobs = recipes.map((recipe): FleetJob => ({ ...shared, model, recipe }));
      return { name, path, out: to, jobs: new Map(jobs.map((job) => [keyOf(job), job])) };
    }),
  );
}

interface FoundModel {
  readonly name: string;
  readonly path: string;
  readonly out: string;
}

/** Of a folder every model in it, also in folders of it; each goes to the same place in `out`. @throws OPTION_INVALID, FILE_UNREADABLE */
async function modelFiles(operand: string, out: string): Promise<FoundModel[]> {
  const found = await stat(operand).catch(() => null);
  if (!found?.isDirectory()) {
    if (extname(out) !== ".onnx")
      throw invalid("out", `must be a file name that ends in .onnx, not "${out}"`);
    return [{ name: operand, path: operand, out }];
  }
  const names = (await readdir(operand, { recursive: true }))
    .filter((name) => extname(name) === ".onnx" && !name.split(/[\\/]/).includes(ownFolder))
    .sort();
  if (names.length === 0) {
    throw cliErrors.error("FILE_UNREADABLE", `There is no model (.onnx) in ${operand}.`, {
      details: { path: operand },
    });
  }
  if (extname(out) === ".onnx") throw invalid("out", `must be a folder for a folder of models, not "${out}"`);
  return names.map((name) => ({ name, path: join(operand, name), out: join(out, name) }));
}
