/** The core's response becomes a ModelInferResponse, its tensors as bytes. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { InferenceResponse } from "../core/inference.ts";
import { tensorBytes } from "../core/tensor-bytes.ts";
import type { ModelInferResponseSchema } from "./gen/inference/inference_service_pb.ts";

/** @param saysFinal that no other answer to the request follows, as Triton's client may ask */
export function writeInferenceResponse(
  response: InferenceResponse,
  saysFinal = false,
): MessageInitShape<typeof ModelInferResponseSchema> {
  return {
    modelName: response.model,
    modelVersion: response.version,
    id: response.id ?? "",
    parameters: saysFinal
      ? { triton_final_response: { parameterChoice: { case: "boolParam", value: true } } }
      : {},
    outputs: response.outputs.map(({ name, datatype, shape }) => ({
      name,
      datatype,
      shape: shape.map(BigInt),
    })),
    rawOutputContents: response.outputs.map(tensorBytes),
  };
}
