export { type ConfiguredFit, checkpointFileIn, fitOptionsOf } from "./config/fit-options-of.ts";
export { kebabCase, type ParsedTraining, parseTrainingConfig } from "./config/parse-training-config.ts";
export {
  isOptionValue,
  type TrainingConfig,
  type TrainingOption,
  trainingConfigSchema,
  trainingOptions,
} from "./config/training-config.ts";
export { type DifferentiateOptions, differentiate, gradientName } from "./differentiate.ts";
export { trainErrors } from "./errors.ts";
export { fit } from "./fit/fit.ts";
export type { CheckpointOptions, FitOptions, FitResult } from "./fit/fit-options.ts";
export type { EpochMetrics, Metric } from "./fit/history.ts";
export { historyTableIn } from "./fit/history-files.ts";
export { learningRateAt, type Schedule } from "./fit/schedule.ts";
export { type MlpOptions, mlp } from "./network/mlp.ts";
export { type MobileNetV2Options, mobilenetV2 } from "./network/mobilenet-v2.ts";
export type { InputSize } from "./network/network-builder.ts";
export { type NetworkForImages, networkForImages } from "./network/network-for-images.ts";
export { type NetworkFacts, type NetworkSpec, networkNames, parseNetwork } from "./network/network-spec.ts";
export { type ResNetOptions, resnet18, resnet34, resnet50 } from "./network/resnet.ts";
export { type ResNetCifarOptions, resnetCifar } from "./network/resnet-cifar.ts";
export {
  type FakeActivation,
  type FakeQuantisation,
  type FakeQuantised,
  type FakeWeight,
  fakeQuantise,
  type QuantisedValues,
  readQuantised,
} from "./quantisation/fake-quantisation.ts";
export type { ParameterOptions } from "./step/folded-network.ts";
export type { Loss } from "./step/loss.ts";
export type { LossScaling } from "./step/loss-scaling.ts";
export type { Optimiser } from "./step/optimiser.ts";
export type { Tied } from "./step/separate-parameters.ts";
export type { ParameterCounts } from "./step/step-state.ts";
export {
  compileStep,
  type TrainingPlan,
  type TrainingStep,
  type TrainingStepOptions,
} from "./step/training-step.ts";
export { openParallelTrainer, type ParallelTrainerOptions } from "./trainer/parallel-trainer.ts";
export {
  openTrainer,
  type StepBatch,
  type StepResult,
  type Trainer,
  type TrainerOptions,
  type TrainerState,
} from "./trainer/trainer.ts";
