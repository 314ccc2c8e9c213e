/**
 * From a trained float model to a small one: runs the stages of a recipe one after the other and writes what
 * they chose into a new model.
 *
 *   take in -> clean -> prune -> stochastic depth -> equalise -> calibrate -> quantise (-> search) -> retrain
 *           -> gates or exits -> emit
 *   take in -> quantise to 16 bits, which looks at no image
 */
import { availableParallelism } from "node:os";
import { collectGarbage, openTemporaryFolder, type WorkOptions } from "@cupel/base";
import {
  type Correspondence,
  cloneModel,
  followed,
  type Model,
  takeOut,
  type WeightFolder,
  weightFolder,
  weightFolderOf,
  writtenBytes,
} from "@cupel/onnx";
import { type UncertainOrigin, writeMetadata } from "@cupel/predict";
import type {
  CalibrationReport,
  EarlyExitReport,
  GatesReport,
  TargetFigure,
  TradeOffPoint,
} from "@cupel/report";
import type { openSession } from "@cupel/runtime";
import type { ImageSource, Preprocessing, UnreadableImage } from "@cupel/vision";
import { withBranches } from "./branch/with-branches.ts";
import { isLarge } from "./calibrate/open-tuned.ts";
import { chosen, emitModel } from "./emit/emit-model.ts";
import { exitReport } from "./exits/choose-exit.ts";
import { gatesReport } from "./gates/choose-threshold.ts";
import { holdOut } from "./intake/hold-out.ts";
import { takeIn } from "./intake/take-in.ts";
import { engineStopwatch, type Stopwatch } from "./latency/stopwatch.ts";
import { type Layer, layerName } from "./layer.ts";
import type { Pruned } from "./prune/pruned.ts";
import { targetFigures } from "./prune/target-figures.ts";
import { parseRecipe } from "./recipe/parse-recipe.ts";
import { looksAtImages, prunesByTarget, type Recipe, stageOf } from "./recipe/recipe.ts";
import { assertCompressible, assertSearchable } from "./requirements.ts";
import type { RoundedLayer } from "./rounding/rounding.ts";
import type { Variant } from "./search/variants.ts";
import { placedUntil } from "./stage/calibrate.ts";
import {
  type Calibrated,
  type HalvedLayer,
  made,
  type Quantised,
  type Retrained,
  type StageContext,
  type State,
} from "./stage/stage.ts";
import { assertStageReady, runStage } from "./stage/stages.ts";

export interface CompressOptions extends WorkOptions {
  /** Calibration images, not read with 16 bits; labels, where present, let the search measure accuracy instead of agreement. */
  readonly images: ImageSource;
  /**
   * What stages train with. Labels, where present, MUST be classes of the model; without, the original teaches. Default:
   * none, and a stage that trains is refused.
   */
  readonly training?: ImageSource | undefined;
  /**
   * How the images become the model's input. Written into the model, as are the class names; a guess only where images
   * are looked at.
   */
  readonly preprocessing: Preprocessing;
  /** Where nobody gave it: found by trial or guessed, which the file then says. Default: it is known. */
  readonly preprocessingOrigin?: UncertainOrigin | null | undefined;
  /** Class names in the order of the scores. Default: those the model has. */
  readonly classes?: readonly string[] | null | undefined;
  readonly recipe: Recipe;
  /** Of a model as it will be written, for a search by size. Default: as one file. */
  readonly bytesOf?: ((model: Model) => number) | undefined;
  /** Default 1. */
  readonly seed?: number | undefined;
  /** Default: all cores. */
  readonly threads?: number | undefined;
  /** Fail on the first unreadable image. Default false. */
  readonly strict?: boolean | undefined;
  readonly onUnreadable?: ((unreadable: UnreadableImage) => void) | undefined;
  /** What sessions are opened with, such as a profiler's `open`. Default: `openSession` of @cupel/runtime. */
  readonly open?: typeof openSession | undefined;
  /** What times layers and networks for a target of latency. Default: the engine on this machine, one thread. */
  readonly stopwatch?: Stopwatch | undefined;
}

export interface CompressedLayer {
  /** The layer's node, as messages name it. */
  readonly name: string;
  /** The weight's name in the original model. */
  readonly weight: string;
  readonly bits: number;
  readonly form: string;
  readonly bytes: number;
}

export interface CompressResult {
  readonly model: Model;
  /** As run, with every default filled in. */
  readonly recipe: Recipe;
  /** Null with 16 bits, for which nothing is measured. */
  readonly calibration: CalibrationReport | null;
  /** Empty when nothing was searched. */
  readonly tradeOff: readonly TradeOffPoint[];
  readonly layers: readonly CompressedLayer[];
  /** What learned rounding did to each layer; empty where each weight became the nearest level. */
  readonly rounding: readonly RoundedLayer[];
  /** What was removed of each group of channels, and what more would cost; null without the stage `prune`. */
  readonly pruned: Pruned | null;
  /** What each epoch of the stage `retrain` gave; null without it. */
  readonly retrained: Retrained | null;
  /** What pruning was to keep to, foretold and as measured of `model`; empty without such a target. */
  readonly targets: readonly TargetFigure[];
  /** Where images leave early; null without the stage `exits`, and where that saves nothing. */
  readonly exit: EarlyExitReport | null;
  /** Which residual blocks images go past, or would if that took less time; null without the stage `gates`, and where none may. */
  readonly gates: GatesReport | null;
  /** From the values of the model given to those of `model`; what stands in a branch has no counterpart. */
  readonly correspondence: Correspondence;
  readonly notes: readonly string[];
}

/** `model` is left as it is. @throws what `assertCompressible`, the recipe, its stages and sessions throw */
export async function compress(model: Model, options: CompressOptions): Promise<CompressResult> {
  await using adjustable = await compressAdjustably(model, options);
  return adjustable.result;
}

/** While it is not disposed of, weights of a large model may lie in a temporary folder. */
export interface AdjustableResult extends AsyncDisposable {
  readonly result: CompressResult;
  /**
   * The same with as few operators more in float as make a model that is accepted, those first whose rounding moves the
   * outputs most; weights keep their bits. Null where not even a model that runs in float is.
   */
  inFloatUntil(accept: (model: Model) => Promise<boolean>): Promise<CompressResult | null>;
}

/** As `compress`, with what may be changed when the result turns out not to do. */
export async function compressAdjustably(model: Model, options: CompressOptions): Promise<AdjustableResult> {
  const recipe = parseRecipe(options.recipe, "The recipe");
  const { seed = 1, threads = availableParallelism(), strict = false } = options;
  const { preprocessing, preprocessingOrigin, onUnreadable, open, signal, progress } = options;
  const { bytesOf = (written: Model) => writtenBytes(written, "model.onnx") } = options;
  await using resources = new AsyncDisposableStack();
  let state = await takeIn(model, { threads, open, signal });
  const folder =
    weightFolderOf(model) ??
    (isLarge(state.model) ? weightFolder(resources.use(await openTemporaryFolder("weights")).path) : null);
  await keepIn(folder, state.model, signal);
  assertCompressible(state.model);
  const heldOut = heldOutOf(recipe);
  if (heldOut > 0) assertSearchable(state.model);
  const images = splitImages(options.images, heldOut, seed);
  const context: StageContext = {
    recipe,
    original: model,
    stopwatch: options.stopwatch ?? engineStopwatch({ preprocessing, threads: 1, open, signal, progress }),
    finish: async (pruned) => await finished(pruned, recipe, context),
    bytesOf,
    ...images,
    training: options.training ?? null,
    preprocessing,
    seed,
    threads,
    strict,
    onUnreadable,
    open,
    signal,
    progress,
  };

  for (const entry of recipe.stages) assertStageReady(entry, state.model, context);
  // Before anything is measured: a search for a size counts it.
  if (looksAtImages(recipe) || preprocessingOrigin !== "guessed") {
    writeMetadata(state.model, { preprocessing, preprocessingOrigin, classes: options.classes });
  }
  for (const entry of recipe.stages) {
    state = await runStage(entry, state, context);
    await keepIn(folder, state.model, signal);
  }

  const measured = async (result: Untargeted): Promise<CompressResult> => ({
    ...result,
    targets: await targetFigures(result.model, state, context),
  });
  if (state.halved) {
    const result = await measured(halvedResult(state, recipe, state.halved));
    return { result, inFloatUntil: async () => null, async [Symbol.asyncDispose]() {} };
  }
  const calibrated = made(state.calibrated, "calibrate");
  const quantised = made(state.quantised, "quantise");
  const result = await measured(emittedResult(state, recipe, calibrated, quantised));
  const held = resources.move();
  return {
    result,
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
    async inFloatUntil(accept) {
      const build = (tried: Calibrated) =>
        withBranches(emitModel(state.model, tried, quantised).model, state).model;
      const areLearned = (state.retrained?.kept ?? 0) > 0;
      const found = await placedUntil(
        state.model,
        calibrated,
        context,
        (tried) => accept(build(tried)),
        areLearned,
      );
      if (found === null) return null;
      const changed = { ...state, notes: [...state.notes, found.note] };
      return await measured(emittedResult(changed, recipe, found.calibrated, quantised));
    },
  };
}

type Untargeted = Omit<CompressResult, "targets">;

/** What the stages behind `prune` make of its state, but for those that train. */
async function finished(pruned: State, recipe: Recipe, context: StageContext): Promise<Model> {
  let state: State = { ...pruned, model: cloneModel(pruned.model) };
  const from = recipe.stages.findIndex(({ stage }) => stage === "prune") + 1;
  const to = recipe.stages.findIndex(({ stage }) => stage === "quantise") + 1;
  for (const entry of recipe.stages.slice(from, to)) state = await runStage(entry, state, context);
  if (state.halved) return state.model;
  const calibrated = made(state.calibrated, "calibrate");
  return emitModel(state.model, calibrated, made(state.quantised, "quantise")).model;
}

/** What a stage made new goes to the weights that lie in files, and what it left is free. */
async function keepIn(
  folder: WeightFolder | null,
  model: Model,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (folder === null) return;
  await folder.keep(model, { signal });
  collectGarbage();
}

function emittedResult(
  state: State,
  recipe: Recipe,
  calibrated: Calibrated,
  quantised: Quantised,
): Untargeted {
  const emitted = emitModel(state.model, calibrated, quantised);
  const wired = withBranches(emitted.model, state);
  takeOut(wired.model);
  return {
    model: wired.model,
    recipe,
    calibration: calibrated.report,
    tradeOff: quantised.tradeOff,
    layers: calibrated.layers.map((layer) => {
      return described(layer, chosen(quantised.variants, quantised.plan, layer.weight.name)!);
    }),
    rounding: quantised.rounded.filter(({ weight, bits }) => quantised.plan.get(weight) === bits),
    pruned: state.pruned,
    retrained: state.retrained,
    exit: exitReport(state.exit),
    gates: gatesReport(state.gates),
    correspondence: followed(followed(state.correspondence, emitted.correspondence), wired.correspondence),
    notes: state.notes,
  };
}

function halvedResult(
  { model, pruned, exit, gates, correspondence, notes }: State,
  recipe: Recipe,
  halved: readonly HalvedLayer[],
): Untargeted {
  const layers = halved.map((layer) => ({ ...layer, bits: 16, form: "FP16" }));
  const wired = withBranches(model, { exit, gates });
  takeOut(wired.model);
  return {
    model: wired.model,
    recipe,
    calibration: null,
    tradeOff: [],
    layers,
    rounding: [],
    pruned,
    retrained: null,
    exit: exitReport(exit),
    gates: gatesReport(gates),
    correspondence: followed(correspondence, wired.correspondence),
    notes,
  };
}

/** With nothing to choose, no images are held out. */
function heldOutOf(recipe: Recipe): number {
  const quantise = stageOf(recipe, "quantise");
  const isJudged = recipe.target.maxDrop !== null && prunesByTarget(recipe);
  return quantise && (quantise.bits === "mixed" || isJudged) ? quantise.heldOut : 0;
}

/** Held-out images never take part in calibration; they are half of the images at most. */
function splitImages(images: ImageSource, wanted: number, seed: number) {
  const count = Math.min(wanted, Math.floor(images.length / 2));
  if (count === 0) return { images, heldOut: images };
  const { rest, heldOut } = holdOut(images, count, seed);
  return { images: rest, heldOut };
}

function described(layer: Layer, { weights, bytes }: Variant): CompressedLayer {
  const scale = weights.blocks ? `blocks of ${weights.blocks.size}` : "per channel";
  const levels = weights.uniform ? "" : ", fitted levels";
  return {
    name: layerName(layer),
    weight: layer.weight.name,
    bits: weights.bits,
    form: `INT${weights.bits}, ${scale}${levels}`,
    bytes,
  };
}
