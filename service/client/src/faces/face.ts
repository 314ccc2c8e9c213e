/**
 * What every face of a server does for the client: one endpoint, one call, one try. A face only converts and sends. It
 * knows nothing of retries, breakers or regions, and throws ClientError, or what the call's signal has as its reason.
 */
import type { InferenceRequest, InferenceResponse, StreamAnswer } from "../messages/inference.ts";
import type { IndexEntry, ModelMetadata, ServerMetadata, VersionStatistics } from "../messages/metadata.ts";
import type { PredictResponse, WirePredictRequest } from "../messages/prediction.ts";

export type FaceName =
  | "rest-json"
  | "rest-binary"
  | "grpc"
  | "grpc-web"
  | "connect"
  | "websocket"
  | "graphql";

/** Of one try. */
export interface FaceCall {
  /** Fires when nobody waits any more. */
  readonly signal: AbortSignal;
  /** What is left until the deadline, in ms, as the server is told. Null: no deadline. */
  readonly timeoutMs: number | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Face extends Disposable {
  /** Does it answer at all? Measures the round trip. */
  live(call: FaceCall): Promise<void>;
  ready(call: FaceCall): Promise<boolean>;
  modelReady(model: string, version: string | undefined, call: FaceCall): Promise<boolean>;
  serverMetadata(call: FaceCall): Promise<ServerMetadata>;
  modelMetadata(model: string, version: string | undefined, call: FaceCall): Promise<ModelMetadata>;
  infer(request: InferenceRequest, call: FaceCall): Promise<InferenceResponse>;
  predict(request: WirePredictRequest, call: FaceCall): Promise<PredictResponse>;
  index(call: FaceCall): Promise<readonly IndexEntry[]>;
  load(model: string, call: FaceCall): Promise<void>;
  unload(model: string, call: FaceCall): Promise<void>;
  /** @param model default: all */
  statistics(model: string | undefined, call: FaceCall): Promise<readonly VersionStatistics[]>;
  /** Absent where the face has no streams in both directions. */
  inferStream?(requests: AsyncIterable<InferenceRequest>, call: FaceCall): AsyncIterable<StreamAnswer>;
}
