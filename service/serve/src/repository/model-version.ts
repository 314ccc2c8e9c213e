/** A version of a model that is loaded: what it takes and gives, and how it is run. */
import type { CupelError } from "@cupel/base";
import type { EngineRun, Feeds, ValueInfo } from "@cupel/runtime";
import type { Call } from "../core/call.ts";
import type { PredictRequest, PredictResponse } from "../images/predict-request.ts";

export interface BatchedRunOptions {
  /** Outputs wanted. Default: all. */
  readonly fetches?: readonly string[] | undefined;
  readonly call: Call;
}

export interface ModelVersion extends AsyncDisposable {
  readonly model: string;
  /** "1", "2" ... as its folder says. */
  readonly version: string;
  /** SHA-256 of the file, and of its external data, in hex. */
  readonly digest: string;
  /** Made anew whenever the file is loaded: an untouched version keeps it. */
  readonly sessionId: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** What the file says of itself: task, class names, preprocessing. */
  readonly properties: Readonly<Record<string, string>>;
  /** @returns QUEUE_LIMIT where the next run would be refused for the number of those that wait */
  noRoom(): CupelError | null;
  /** One row or many: joined with those of other calls where the model's first dimension is open. */
  run(feeds: Feeds, options: BatchedRunOptions): Promise<EngineRun>;
  /** Encoded images to feeds of the model's image input; null where it has none, or they cannot be prepared. */
  readonly imageInput: string | null;
  prepare(images: readonly Uint8Array[], call: Call): Promise<Feeds>;
  predict(request: PredictRequest, call: Call): Promise<PredictResponse>;
}
