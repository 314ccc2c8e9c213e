export { type CompressedLayer, type CompressOptions, type CompressResult, compress } from "./compress.ts";
export { compressErrors } from "./errors.ts";
export { compareEvaluations, type EvaluationDifference } from "./evaluate/compare-evaluations.ts";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate/evaluate.ts";
export { defaultRecipe, parseRecipe, type Recipe, type RecipePass, type Target } from "./recipe.ts";
export type { PlannedLayer } from "./report/layer-reports.ts";
export { type MakeReportOptions, makeReport } from "./report/make-report.ts";
export type * from "./report/report-schema.ts";
export { type WeightBits, weightBits } from "./weights/quantised-weights.ts";
