export {
  assertAboveChance,
  type Chance,
  chanceOf,
  chanceOfEvaluation,
  chanceSentence,
} from "./classification/chance.ts";
export { type ClassPrediction, classification } from "./classification/classification.ts";
export { compareEvaluations, type EvaluationDifference } from "./classification/compare-evaluations.ts";
export { crossEntropy } from "./classification/cross-entropy.ts";
export type { Evaluation } from "./classification/evaluation.ts";
export { areProbabilities, endsInSoftmax, softmaxAt } from "./classification/probabilities.ts";
export { type RankedClass, topClasses } from "./classification/top-classes.ts";
export type { AveragePrecision, LabelledBox, MeanAveragePrecision } from "./detection/average-precision.ts";
export type { Box } from "./detection/box.ts";
export { type BoxAgreement, boxAgreement } from "./detection/box-agreement.ts";
export type { DetectionDifference, PrecisionDifference } from "./detection/compare-detections.ts";
export { detection } from "./detection/detection.ts";
export { drawDetections } from "./detection/draw-detections.ts";
export type { DetectionEvaluation } from "./detection/evaluate-boxes.ts";
export {
  type DetectedBox,
  type DetectionPrediction,
  leastTold,
  toldBoxes,
} from "./detection/prediction.ts";
export { predictErrors } from "./errors.ts";
export { type EvaluateOptions, evaluate, evaluateAs } from "./evaluate.ts";
export {
  compareFeatures,
  type FeaturesDifference,
  type OutputDifference,
} from "./features/compare-features.ts";
export {
  type FeaturesEvaluation,
  type FeaturesPrediction,
  features,
  type OutputValues,
} from "./features/features.ts";
export {
  classesFromMetadata,
  type ModelMetadata,
  metadataKeys,
  metadataPixelLimit,
  originFromMetadata,
  preprocessingFromMetadata,
  type UncertainOrigin,
  writeMetadata,
} from "./file/metadata.ts";
export { bytesOnDisk, type OpenedModel, openModel } from "./file/open-model.ts";
export { type FirstLook, type FirstLookOptions, firstLook } from "./first-look.ts";
export {
  checkDims,
  fedDims,
  type InputInfo,
  imageFeed,
  imageInputOf,
  imagesPerRun,
  inputsOf,
  likelyImageInput,
} from "./input/image-input.ts";
export { atImageSize, type ModelInputs, measuredSentence, modelInputs } from "./input/model-inputs.ts";
export {
  type LabelMatch,
  type LabelsBy,
  type MatchedLabels,
  matchLabels,
  orderSentence,
  requireLabels,
  withoutLabels,
} from "./labels/match-labels.ts";
export { classCountOf, classesOf, type ModelClasses, namedBy } from "./labels/model-classes.ts";
export { assertSameClasses } from "./labels/same-classes.ts";
export { compareSets, type SetDifference } from "./multi-label/compare-sets.ts";
export type { SetEvaluation } from "./multi-label/evaluate-sets.ts";
export { multiLabel, type ScoredLabel, type SetPrediction } from "./multi-label/multi-label.ts";
export type { SetPrecision } from "./multi-label/set-precision.ts";
export { leastScore } from "./multi-label/threshold.ts";
export { type KnownPredictor, openPredictor, type Predictor, type PredictorOptions } from "./predictor.ts";
export {
  type ChosenPreprocessing,
  choosePreprocessing,
  type Origin,
  ownPreprocessing,
  uncertainOrigin,
} from "./preprocessing/choose-preprocessing.ts";
export { findPreprocessing } from "./preprocessing/find-preprocessing.ts";
export type { Finding, TriedPreprocessing } from "./preprocessing/finding.ts";
export { fedText, preprocessingSentence } from "./preprocessing/preprocessing-sentence.ts";
export type { ErrorDifference } from "./regression/compare-errors.ts";
export type { NumberErrors, RegressionEvaluation } from "./regression/evaluate-numbers.ts";
export { regression } from "./regression/regression.ts";
export { runImages } from "./run/image-runs.ts";
export type { EvaluationOptions, ImagePrediction, PredictOptions } from "./run/predict-images.ts";
export { correctOutputs } from "./run/true-outputs.ts";
export type { ClassMap } from "./segmentation/class-map.ts";
export { compareMaps, type MapDifference } from "./segmentation/compare-maps.ts";
export { drawMap } from "./segmentation/draw-map.ts";
export type { SegmentationEvaluation } from "./segmentation/evaluate-maps.ts";
export { classesOfImage } from "./segmentation/map-pixels.ts";
export type { ClassOverlap, ClassPixels, Overlap } from "./segmentation/overlap.ts";
export { pixelsByClass, segmentation } from "./segmentation/segmentation.ts";
export type {
  SequenceDifference,
  SequenceEvaluation,
  TextPrediction,
} from "./sequence/evaluate-texts.ts";
export { sequence } from "./sequence/sequence.ts";
export type { PairedDifference } from "./task/paired-difference.ts";
export type {
  BatchInfo,
  EvaluatedImages,
  ModelFacts,
  OutputReader,
  Task,
  TaskEvaluation,
  TaskFigure,
  TaskModel,
} from "./task/task.ts";
export {
  declaredOutputs,
  isClassifier,
  type KnownTask,
  type TaskName,
  taskNames,
  taskOf,
  tasks,
} from "./task/tasks.ts";
export {
  type FindOptions,
  findInScales,
  findInWindows,
  openScales,
  type WindowOptions,
} from "./windows/find-in-windows.ts";
export { areNames, numbersOf } from "./written/output-numbers.ts";
export {
  type CheckImagesOptions,
  checkRuns,
  type RecordedOutputs,
  type RecordOptions,
  recordOutputs,
} from "./written/record-outputs.ts";
export {
  countedOnce,
  imagesIn,
  type VerifiedFile,
  type VerifyWrittenOptions,
  verifyWritten,
} from "./written/verify-written.ts";
export { type VerifiedModel, writeVerified } from "./written/write-verified.ts";
