export { compareEvaluations, type EvaluationDifference } from "./compare-evaluations.ts";
export { predictErrors } from "./errors.ts";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.ts";
export { checkDims, imagesPerRun, runImages } from "./image-runs.ts";
export {
  classesFromMetadata,
  type ModelMetadata,
  metadataKeys,
  preprocessingFromMetadata,
  writeMetadata,
} from "./metadata.ts";
