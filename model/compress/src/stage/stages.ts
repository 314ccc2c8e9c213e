/** Every stage of a recipe, in the order they run. Adding one is adding a row. */
import type { Model } from "@cupel/onnx";
import { calibrateStage } from "./calibrate.ts";
import { cleanStage } from "./clean.ts";
import { equaliseStage } from "./equalise.ts";
import { exitsStage } from "./exits.ts";
import { gatesStage } from "./gates.ts";
import { pruneStage } from "./prune.ts";
import { quantiseStage } from "./quantise.ts";
import { retrainStage } from "./retrain.ts";
import type { Entry, Stage, StageContext, State } from "./stage.ts";
import { stochasticDepthStage } from "./stochastic-depth.ts";

export const stages = {
  clean: cleanStage,
  prune: pruneStage,
  "stochastic-depth": stochasticDepthStage,
  equalise: equaliseStage,
  calibrate: calibrateStage,
  quantise: quantiseStage,
  retrain: retrainStage,
  gates: gatesStage,
  exits: exitsStage,
};

export type StageName = keyof typeof stages;

export function isStageName(name: unknown): name is StageName {
  return typeof name === "string" && Object.hasOwn(stages, name);
}

type Taken<Name extends StageName> = (typeof stages)[Name]["options"];

/** The table once more, so that the compiler sees that an entry belongs to its row. */
const rows: { readonly [Name in StageName]: Stage<Name, Taken<Name>> } = stages;

/** @throws what would stop the stage, as far as it can tell */
export function assertStageReady<Name extends StageName>(
  entry: { readonly [Each in Name]: Entry<Each, Taken<Each>> }[Name],
  model: Model,
  context: StageContext,
): void {
  rows[entry.stage].assertReady?.(model, entry, context);
}

export function runStage<Name extends StageName>(
  entry: { readonly [Each in Name]: Entry<Each, Taken<Each>> }[Name],
  state: State,
  context: StageContext,
): Promise<State> {
  return rows[entry.stage].run(state, entry, context);
}
