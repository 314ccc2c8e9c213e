export { type CompressedLayer, type CompressOptions, type CompressResult, compress } from "./compress.ts";
export {
  assertOtherFile,
  type CompressedFile,
  type CompressFileOptions,
  type CompressionFact,
  compressFile,
} from "./compress-file.ts";
export { compressErrors } from "./errors.ts";
export { type KeptApart, keepApart } from "./intake/keep-apart.ts";
export type { LayerTimer } from "./latency/engine-timer.ts";
export { type LatencyTable, latencyTableSchema, parseLatencyTable } from "./latency/latency-table.ts";
export { layersIn } from "./latency/layer-shape.ts";
export { layerTimes, type MeasureTableOptions, measureTable } from "./latency/measure-table.ts";
export { predictLatency } from "./latency/predict-latency.ts";
export { integerNodes, stageForm } from "./latency/stage-form.ts";
export type { NetworkTime, NetworkTimer, Stopwatch } from "./latency/stopwatch.ts";
export { type MeasuredRecipe, type MeasureRecipeOptions, measureRecipe } from "./measure-recipe.ts";
export { type PackedModel, type PackOptions, packModel } from "./pack/pack-model.ts";
export { type UnpackedModel, type UnpackOptions, unpackModel } from "./pack/unpack-model.ts";
export type { FineTuning, PredictedCosts, Pruned, PrunedGroup } from "./prune/pruned.ts";
export { defaultRecipe, parseRecipe, recipeSchema, withStage } from "./recipe/parse-recipe.ts";
export {
  looksAtImages,
  type Recipe,
  type RecipeStage,
  type SizeTarget,
  stageOf,
  type Target,
} from "./recipe/recipe.ts";
export type { RetrainedEpoch } from "./retrain/retrain-network.ts";
export { type RoundedLayer, type Rounding, roundings } from "./rounding/rounding.ts";
export { choosePoint, type MeasuredPoint } from "./search/choose-point.ts";
export type { Loss } from "./search/loss.ts";
export type { Retrained } from "./stage/stage.ts";
export { type WeightBits, weightBits } from "./weights/quantised-weights.ts";
export { defaultFloor, type Floor, type OutputFigure } from "./written/floor.ts";
export type { WrittenCheck } from "./written/verify-compressed.ts";
