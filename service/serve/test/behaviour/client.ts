/** What a behaviour needs of a client, whatever face it speaks: one is written for every face, and none knows the server. */
import type {
  IndexEntry,
  InferenceRequest,
  InferenceResponse,
  ModelMetadata,
  PredictRequest,
  PredictResponse,
} from "@cupel/serve";

export interface CallOptions {
  /** An API key; null for none. Default: the client's own. */
  readonly key?: string | null;
  /** Told to the server; the client itself waits for ever. */
  readonly timeoutMs?: number;
  /** The client leaves: it resets its stream or closes its connection. */
  readonly signal?: AbortSignal;
}

export interface BehaviourClient extends AsyncDisposable {
  infer(request: InferenceRequest, options?: CallOptions): Promise<InferenceResponse>;
  predict(request: PredictRequest, options?: CallOptions): Promise<PredictResponse>;
  isReady(): Promise<boolean>;
  isModelReady(model: string, version?: string): Promise<boolean>;
  modelMetadata(model: string, version?: string, options?: CallOptions): Promise<ModelMetadata>;
  index(options?: CallOptions): Promise<readonly IndexEntry[]>;
  load(model: string, options?: CallOptions): Promise<void>;
  unload(model: string, options?: CallOptions): Promise<void>;
}

/** What the server answered instead, with what every face must tell. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;
  /** HTTP or gRPC, as the face has it. */
  readonly status: number;
  /** When to come again; null where the server did not say. */
  readonly retryAfterMs: number | null;

  constructor(answer: Pick<Refusal, "code" | "status" | "retryAfterMs" | "message">) {
    super(answer.message);
    this.code = answer.code;
    this.status = answer.status;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

/** How a face presents the codes that behaviours look for: by the published tables, not by the server's. */
export type StatusOf = Readonly<Record<ExpectedStatus, number>>;

export type ExpectedStatus =
  | "invalid"
  | "not found"
  | "too large"
  | "too many"
  | "late"
  | "unauthenticated"
  | "forbidden"
  | "unavailable";

/** RFC 9110 and RFC 6585. */
export const httpStatusOf: StatusOf = {
  invalid: 400,
  "not found": 404,
  "too large": 413,
  "too many": 429,
  late: 504,
  unauthenticated: 401,
  forbidden: 403,
  unavailable: 503,
};

/** https://grpc.io/docs/guides/status-codes/ */
export const grpcStatusOf: StatusOf = {
  invalid: 3,
  "not found": 5,
  "too large": 8,
  "too many": 8,
  late: 4,
  unauthenticated: 16,
  forbidden: 7,
  unavailable: 14,
};
