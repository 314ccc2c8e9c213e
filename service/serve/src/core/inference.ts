/** What every face asks of the core and is answered: the Open Inference Protocol v2 without a wire format. */
import type { NumberTensor, Tensor } from "./tensor.ts";

export type ParameterValue = boolean | number | bigint | string;
export type Parameters = Readonly<Record<string, ParameterValue>>;

export interface InferenceRequest {
  readonly model: string;
  /** Default: the version that the policy makes the current one. */
  readonly version?: string | undefined;
  /** Echoed. */
  readonly id?: string | undefined;
  readonly inputs: readonly Tensor[];
  /** Names of the outputs wanted. Default: all. */
  readonly outputs?: readonly string[] | undefined;
  readonly parameters?: Parameters | undefined;
}

export interface InferenceResponse {
  readonly model: string;
  readonly version: string;
  /** SHA-256 of the version that answered, in hex: its number stays when its file changes. Not for the wire. */
  readonly digest?: string | undefined;
  readonly id?: string | undefined;
  /** In the order asked for, else in the model's. */
  readonly outputs: readonly NumberTensor[];
}

/** Where the time of a request went, in ms. A stage that a request did not pass is absent. */
export const stages = ["decode", "queue", "batch", "run", "encode"] as const;
export type Stage = (typeof stages)[number];
export type StageTimes = Partial<Record<Stage, number>>;

/** @param sum gets the times of one answer more */
export function addTimes(sum: StageTimes, times: StageTimes): void {
  for (const stage of stages) {
    const ms = times[stage];
    if (ms !== undefined) sum[stage] = (sum[stage] ?? 0) + ms;
  }
}
