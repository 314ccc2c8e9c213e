/** What the entries for Node.js and for browsers have in common. */
export type { BreakerOptions, BreakerState } from "@cupel/base/portable";
export type { CallOptions } from "./calls.ts";
export { breakerDefaults, type Client, type ClientOptions } from "./client.ts";
export type { EndpointOptions } from "./endpoints.ts";
export { ClientError, type ClientErrorCode, clientErrors } from "./errors.ts";
export type { ClientEvent, ClientObserver } from "./events.ts";
export type { FaceName } from "./faces/face.ts";
export type { TlsOptions } from "./faces/platform.ts";
export type { InferenceRequest, InferenceResponse, StreamAnswer } from "./messages/inference.ts";
export type {
  CountedTime,
  IndexEntry,
  ModelMetadata,
  ServerMetadata,
  TensorMetadata,
  VersionStatistics,
} from "./messages/metadata.ts";
export type {
  BarePixels,
  ImageAnswer,
  ImageSource,
  PredictChoices,
  PredictRequest,
  PredictResponse,
  ToldBox,
  ToldClass,
} from "./messages/prediction.ts";
export type {
  ArrayOf,
  BytesTensor,
  Datatype,
  NumberDatatype,
  NumberTensor,
  Tensor,
  TensorOf,
} from "./messages/tensor.ts";
export type { HedgeOptions } from "./policies/hedge.ts";
export type { PoolOptions } from "./policies/pool.ts";
export type { RetryOptions } from "./policies/retry.ts";
export type { RetryBudgetOptions } from "./policies/retry-budget.ts";
export { type WindowOptions, type Windows, windowDefaults } from "./policies/windows.ts";
