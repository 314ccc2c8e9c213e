// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export type { Call, FaceName, Principal } from "./core/call.ts";
export { anonymous } from "./core/call.ts";
export type { Datatype, NumberDatatype } from "./core/datatype.ts";
export type {
  InferenceRequest,
  InferenceResponse,
  Parameters,
  ParameterValue,
  Stage,
  StageTimes,
} from "./core/inference.ts";
export {
  createInferenceService,
  type InferenceService,
  type InferenceServiceOptions,
} from "./core/inference-service.ts";
export type {
  IndexEntry,
  ModelMetadata,
  ModelState,
  ServerMetadata,
  TensorMetadata,
} from "./core/metadata.ts";
export { type ConfigTensor, type ModelConfig, modelConfig } from "./core/model-config.ts";
export type { ModelReport } from "./core/model-report.ts";
export type { Page, Pages } from "./core/pages.ts";
export {
  type CountedRequest,
  type CountedTime,
  createStatistics,
  type Statistics,
  type VersionStatistics,
} from "./core/statistics.ts";
export type { BytesTensor, NumberTensor, Tensor } from "./core/tensor.ts";
export { type ServeErrorCode, serveErrors } from "./errors.ts";
export { createImages, type Images, type ImagesOptions } from "./images/create-images.ts";
export type {
  ImageAnswer,
  ImageInput,
  PredictRequest,
  PredictResponse,
  ToldBox,
  ToldClass,
} from "./images/predict-request.ts";
export type { ServeConfig } from "./operations/config/config-schema.ts";
export { type EffectiveRow, effectiveConfig } from "./operations/config/effective-config.ts";
export {
  type ConfigSources,
  type LoadedConfig,
  loadConfig,
  parseConfig,
} from "./operations/config/load-config.ts";
export { handEvents } from "./processes/handed-events.ts";
export { type Heeding, heedSupervisor, leaveSupervisor } from "./processes/heed-supervisor.ts";
export { isSupervised } from "./processes/member.ts";
export { type SuperviseOptions, supervise } from "./processes/supervise.ts";
export { modelDigest } from "./repository/content.ts";
export type { Lease, ModelRepository } from "./repository/model-repository.ts";
export type { BatchedRunOptions, ModelVersion } from "./repository/model-version.ts";
export { openRepository } from "./repository/open-repository.ts";
export type {
  ImagePart,
  RunQueue,
  VersionFacts,
  VersionFile,
  VersionParts,
} from "./repository/open-version.ts";
export type { RepositoryLine, RepositoryOptions } from "./repository/repository-options.ts";
export type { VersionPolicy } from "./repository/version-policy.ts";
export { type RunningServer, type ServerPlugs, startServer } from "./server.ts";
