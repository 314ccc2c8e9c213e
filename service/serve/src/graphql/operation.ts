/** One operation of GraphQL while it is answered: what its resolvers are handed as their context. */
import type { AdmittedCall } from "../core/admission.ts";
import type { Call } from "../core/call.ts";
import type { StageTimes } from "../core/inference.ts";
import type { InferenceService } from "../core/inference-service.ts";
import type { FieldWork } from "./field-work.ts";
import type { ModelFacts } from "./model-facts.ts";

export interface Operation {
  readonly service: InferenceService;
  readonly facts: ModelFacts;
  readonly call: AdmittedCall;
  readonly work: FieldWork;
  /** Fires when the server takes nothing new. */
  readonly stopping: AbortSignal;
  /** Of the runs that were answered and not told yet; null where nobody asks for times. */
  readonly timing: RunTiming[] | null;
}

/** Where the time of one run went. */
export interface RunTiming {
  /** Response names from the root. */
  readonly path: string;
  readonly times: StageTimes;
}

/** A call for looking something up: what becomes of it is told with the operation, not as a request of its own. */
export function lookUp({ call }: Operation): Call {
  const { face, principal, signal, address } = call;
  return { face, principal, signal, address, times: {} };
}
