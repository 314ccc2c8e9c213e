/** Tensors for a model and what it answers (Open Inference Protocol v2), without a wire format. */
import type { Tensor } from "./tensor.ts";

export interface InferenceRequest {
  readonly model: string;
  /** Default: the version that the server makes the current one. */
  readonly version?: string | undefined;
  /** Echoed. */
  readonly id?: string | undefined;
  readonly inputs: readonly Tensor[];
  /** Names of the outputs wanted. Default: all. */
  readonly outputs?: readonly string[] | undefined;
}

export interface InferenceResponse {
  readonly model: string;
  readonly version: string;
  readonly id?: string;
  /** In the order asked for, else in the model's. */
  readonly outputs: readonly Tensor[];
}

/** One answer of a stream: to a request that failed, the stream goes on. */
export type StreamAnswer =
  | { readonly kind: "response"; readonly response: InferenceResponse }
  | { readonly kind: "failure"; readonly id: string; readonly code: string; readonly message: string };
