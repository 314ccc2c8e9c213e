/** Tensors as the messages of the Open Inference Protocol, in raw contents. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { clientError } from "../errors.ts";
import type { InferenceRequest, InferenceResponse, StreamAnswer } from "../messages/inference.ts";
import { arrays, isNumberDatatype, numberTensor, type Tensor } from "../messages/tensor.ts";
import { tensorBytes, tensorOf } from "../messages/tensor-bytes.ts";
import type {
  InferTensorContents,
  ModelInferRequestSchema,
  ModelInferResponse,
  ModelStreamInferResponse,
  ModelInferResponse_InferOutputTensor as OutputTensor,
} from "./gen/inference/inference_service_pb.ts";

export function inferMessage(request: InferenceRequest): MessageInitShape<typeof ModelInferRequestSchema> {
  const { model, version = "", id = "", inputs, outputs = [] } = request;
  return {
    modelName: model,
    modelVersion: version,
    id,
    inputs: inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(BigInt) })),
    outputs: outputs.map((name) => ({ name })),
    rawInputContents: inputs.map(tensorBytes),
  };
}

/** @throws ANSWER_INVALID */
export function readInferMessage(message: ModelInferResponse): InferenceResponse {
  const { modelName, modelVersion, id, outputs, rawOutputContents: raw } = message;
  if (raw.length > 0 && raw.length !== outputs.length)
    throw clientError(
      "ANSWER_INVALID",
      `The answer has ${outputs.length} outputs and the bytes of ${raw.length}.`,
    );
  return {
    model: modelName,
    version: modelVersion,
    ...(id === "" ? {} : { id }),
    outputs: outputs.map((output, i) => {
      const { name, datatype } = output;
      const head = { name, datatype, shape: output.shape.map(Number) };
      const bytes = raw[i];
      return bytes === undefined ? typedTensor(head, output.contents) : tensorOf(head, bytes);
    }),
  };
}

export function readStreamMessage({ errorMessage, inferResponse }: ModelStreamInferResponse): StreamAnswer {
  if (errorMessage === "" && inferResponse)
    return { kind: "response", response: readInferMessage(inferResponse) };
  const [, code = "", message = errorMessage] = /^([A-Z][A-Z0-9_]+): (.*)$/s.exec(errorMessage) ?? [];
  return { kind: "failure", id: inferResponse?.id ?? "", code, message };
}

type TypedContents = Exclude<keyof InferTensorContents, `$${string}`>;

/** Which field has the elements of a datatype, as servers write them that do not send raw contents. */
const fields: Readonly<Partial<Record<OutputTensor["datatype"], TypedContents>>> = {
  BOOL: "boolContents",
  INT8: "intContents",
  INT16: "intContents",
  INT32: "intContents",
  INT64: "int64Contents",
  UINT8: "uintContents",
  UINT16: "uintContents",
  UINT32: "uintContents",
  UINT64: "uint64Contents",
  FP32: "fp32Contents",
  FP64: "fp64Contents",
};

function typedTensor(
  {
    name,
    datatype,
    shape,
  }: { readonly name: string; readonly datatype: string; readonly shape: readonly number[] },
  contents: InferTensorContents | undefined,
): Tensor {
  if (contents && datatype === "BYTES") return { name, datatype, shape, data: contents.bytesContents };
  const field = Object.hasOwn(fields, datatype) ? fields[datatype as keyof typeof fields] : undefined;
  if (!contents || field === undefined || !isNumberDatatype(datatype))
    throw clientError("ANSWER_INVALID", `The output "${name}" of datatype "${datatype}" has no data.`);
  const elements = contents[field];
  const data =
    datatype === "INT64"
      ? BigInt64Array.from(elements as readonly bigint[])
      : datatype === "UINT64"
        ? BigUint64Array.from(elements as readonly bigint[])
        : arrays[datatype as "FP32"].from(elements as readonly (number | boolean)[], Number);
  return numberTensor(name, datatype, shape, data);
}
