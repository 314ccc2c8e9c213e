/** What every face is asked for: one inference, whose tensor has so many bytes, and whose answer is looked at. */
import type { InferenceRequest, InferenceResponse } from "@cupel/client";
import { CallFailure } from "../load/outcome.ts";

export interface TensorCall {
  /** A model that answers with its input, FP32 of any length. */
  readonly model: string;
  readonly input: string;
  /** Of the tensor, each way: four an element. */
  readonly bytes: number;
}

/** Values that are short in JSON and all different from their neighbours: not the longest, not the shortest. */
export function valuesOf({ bytes }: TensorCall): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: Math.ceil(bytes / 4) }, (_, i) => (i % 1000) / 8);
}

export function requestOf(call: TensorCall): InferenceRequest {
  const data = valuesOf(call);
  return { model: call.model, inputs: [{ name: call.input, datatype: "FP32", shape: [data.length], data }] };
}

/** A server that answers fast with something else is not fast. @throws CallFailure */
export function assertEchoed(
  { inputs: [sent] }: InferenceRequest,
  { outputs: [output] }: InferenceResponse,
): void {
  const last = (sent?.data.length ?? 0) - 1;
  if (
    output?.datatype === "FP32" &&
    output.data.length === last + 1 &&
    output.data[last] === sent?.data[last]
  )
    return;
  throw new CallFailure("other", "The answer is not the tensor that was sent.");
}
