export { compressErrors } from "./errors.ts";
export { compareEvaluations, type EvaluationDifference } from "./evaluate/compare-evaluations.ts";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate/evaluate.ts";
export type * from "./report/report-schema.ts";
