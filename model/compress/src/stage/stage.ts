/**
 * What a stage of the recipe is: the options it takes, the stages it needs before it, and a step from one
 * state of the compression to the next. Adding a stage is adding a file here and a row to `stages`.
 */
import { baseErrors, type WorkOptions } from "@cupel/base";
import {
  type Correspondence,
  cloneModel,
  followEdits,
  followed,
  inferShapes,
  type Model,
  sameValues,
} from "@cupel/onnx";
import type { Evaluation } from "@cupel/predict";
import type { CalibrationReport, TradeOffPoint } from "@cupel/report";
import type { openSession } from "@cupel/runtime";
import type { ImageSource, Preprocessing, UnreadableImage } from "@cupel/vision";
import type { TSchema } from "typebox";
import type { ActivationScale } from "../calibrate/activation-scale.ts";
import type { Calibration } from "../calibrate/calibrate.ts";
import type { Placement } from "../emit/placement.ts";
import { compressErrors } from "../errors.ts";
import type { ChosenExit } from "../exits/choose-exit.ts";
import type { ChosenGates } from "../gates/choose-threshold.ts";
import type { Stopwatch } from "../latency/stopwatch.ts";
import type { Layer } from "../layer.ts";
import type { Pruned } from "../prune/pruned.ts";
import { readOptions, type ValuesOf } from "../recipe/option.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { RetrainedEpoch } from "../retrain/retrain-network.ts";
import type { RoundedLayer } from "../rounding/rounding.ts";
import type { Plan } from "../search/allocate-bits.ts";
import type { Variant } from "../search/variants.ts";

type Options = Readonly<Record<string, TSchema>>;

/** A row of the table of stages. */
export interface Stage<Name extends string, Taken extends Options> {
  readonly name: Name;
  readonly options: Taken;
  /** Names of stages that MUST have run. */
  readonly requires: readonly string[];
  /** @throws RECIPE_KEY_UNKNOWN, RECIPE_INVALID */
  parse(given: Readonly<Record<string, unknown>>, where: string): Entry<Name, Taken>;
  /** Throws what would stop `run`, as far as the model taken in and the context tell: told before the first stage runs. */
  readonly assertReady?: (model: Model, options: ValuesOf<Taken>, context: StageContext) => void;
  /** `state` is used up: its model may be edited in place. */
  run(state: State, options: ValuesOf<Taken>, context: StageContext): Promise<State>;
}

/** A stage as it stands in a recipe, every option filled in. */
export type Entry<Name extends string, Taken extends Options> = { readonly stage: Name } & ValuesOf<Taken>;

export function defineStage<Name extends string, Taken extends Options>(
  row: Omit<Stage<Name, Taken>, "parse">,
): Stage<Name, Taken> {
  return {
    ...row,
    parse: (given, where) => ({ stage: row.name, ...readOptions(row.options, given, where) }),
  };
}

/** The compression so far. */
export interface State {
  /** In float, with inferred shapes; with 16 bits what is written. */
  readonly model: Model;
  /** From the model given to `model`. */
  readonly correspondence: Correspondence;
  /** Sentences for the log. */
  readonly notes: readonly string[];
  /** What `prune` removed; null without it. */
  readonly pruned: Pruned | null;
  /** What a drop is counted from, on held-out images, where `prune` was to keep to one: answers of the model before it. Else null. */
  readonly reference: Evaluation | null;
  /** What `calibrate` found; null before it. */
  readonly calibrated: Calibrated | null;
  /** What `quantise` chose; null before it, and with 16 bits. */
  readonly quantised: Quantised | null;
  /** What each epoch of `retrain` gave; null without it. */
  readonly retrained: Retrained | null;
  /** The layers whose weights lie in `model` as float16; null unless `quantise` was to store 16 bits. */
  readonly halved: readonly HalvedLayer[] | null;
  /** Where `exits` lets images leave early; null before it, and where that saves nothing. */
  readonly exit: ChosenExit | null;
  /** Which residual blocks `gates` lets images go past; null before it, and where none may. */
  readonly gates: ChosenGates | null;
}

export interface Calibrated {
  /** The layers whose weights will be rounded; the others stay in float. */
  readonly layers: readonly Layer[];
  readonly placement: Placement;
  readonly calibration: Calibration;
  /** By name, of each of the placement's values. */
  readonly scales: ReadonlyMap<string, ActivationScale>;
  readonly report: CalibrationReport;
}

export interface Retrained {
  /** From 0, which is before the first step. */
  readonly epochs: readonly RetrainedEpoch[];
  /** The epoch whose weights are written; 0 where none was better. */
  readonly kept: number;
}

export interface HalvedLayer {
  readonly name: string;
  readonly weight: string;
  readonly bytes: number;
}

export interface Quantised {
  /** By weight name, from most bits to fewest. */
  readonly variants: ReadonlyMap<string, readonly Variant[]>;
  readonly plan: Plan;
  readonly tradeOff: readonly TradeOffPoint[];
  /** What learned rounding did; empty where each weight became the nearest level. */
  readonly rounded: readonly RoundedLayer[];
}

/** What every stage is lent. */
export interface StageContext extends WorkOptions {
  readonly recipe: Recipe;
  /** The model as it was given. MUST NOT be changed. */
  readonly original: Model;
  /** What times layers and networks, on one thread. */
  readonly stopwatch: Stopwatch;
  /** What the stages behind `prune`, up to `quantise`, make of its state: a model as it would be written. `state` is left as it is. */
  readonly finish: (state: State) => Promise<Model>;
  /** Of a model as it will be written. */
  readonly bytesOf: (model: Model) => number;
  /** Images to measure by. */
  readonly images: ImageSource;
  /** Images to choose by; those of `images` when the recipe chooses nothing. */
  readonly heldOut: ImageSource;
  /** Images to train with; labels, where present, are classes of the model. Null: none were given. */
  readonly training: ImageSource | null;
  readonly preprocessing: Preprocessing;
  readonly seed: number;
  readonly threads: number;
  readonly strict: boolean;
  readonly onUnreadable: ((unreadable: UnreadableImage) => void) | undefined;
  /** What sessions are opened with; undefined for `openSession`. */
  readonly open: typeof openSession | undefined;
}

/** `model` is left as it is. */
export function stateOf(model: Model): State {
  const work = cloneModel(model);
  inferShapes(work);
  return {
    model: work,
    correspondence: sameValues(work.graph),
    notes: [],
    pruned: null,
    reference: null,
    calibrated: null,
    quantised: null,
    retrained: null,
    halved: null,
    exit: null,
    gates: null,
  };
}

/** The state after an edit of its model in place. */
export function edited(state: State, edit: (model: Model) => { readonly notes: readonly string[] }): State {
  const edits = followEdits(state.model.graph);
  const { notes } = edit(state.model);
  inferShapes(state.model);
  return {
    ...state,
    correspondence: followed(state.correspondence, edits()),
    notes: [...state.notes, ...notes],
  };
}

/** @throws TRAINING_IMAGES_NEEDED */
export function trainingImagesOf({ training }: Pick<StageContext, "training">, stage: string): ImageSource {
  if (training !== null) return training;
  throw compressErrors.error(
    "TRAINING_IMAGES_NEEDED",
    `The stage "${stage}" trains: give images to train with (--train-images), labelled or not, beside those that calibrate.`,
    { details: { stage } },
  );
}

/** What an earlier stage made. The order of a recipe is checked before it runs, so that it is there. */
export function made<T>(result: T | null, stage: string): T {
  if (result !== null) return result;
  throw baseErrors.error("INTERNAL", `The stage "${stage}" has not run.`);
}
