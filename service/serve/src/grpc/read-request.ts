/** A ModelInferRequest becomes the core's request. */
import { type Datatype, datatypes, isNumberDatatype } from "../core/datatype.ts";
import type { InferenceRequest, ParameterValue } from "../core/inference.ts";
import type { Tensor } from "../core/tensor.ts";
import { readElements, readNumbers } from "../core/tensor-bytes.ts";
import { serveErrors } from "../errors.ts";
import type {
  InferParameter,
  ModelInferRequest_InferInputTensor as InputTensor,
  ModelInferRequest,
} from "./gen/inference/inference_service_pb.ts";
import { readTypedElements, readTypedNumbers } from "./typed-contents.ts";

/** Parameters that would change the answer and that nobody here heeds: silence would be a wrong answer. */
const unsupported = ["classification", "shared_memory_region"];

/** @throws REQUEST_INVALID, DATATYPE_UNSUPPORTED, INPUT_SHAPE_MISMATCH */
export function readInferenceRequest(message: ModelInferRequest): InferenceRequest {
  const { inputs, outputs, rawInputContents: raw } = message;
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw serveErrors.error(
      "REQUEST_INVALID",
      `The request has ${inputs.length} inputs and ${raw.length} raw_input_contents. Send one an input, or none.`,
      { details: { inputs: inputs.length, rawInputContents: raw.length } },
    );
  }
  for (const each of [...inputs, ...outputs]) refuseUnsupported(each);
  return {
    model: message.modelName,
    version: message.modelVersion || undefined,
    id: message.id || undefined,
    inputs: inputs.map((input, index) => tensorOf(input, raw[index])),
    outputs: outputs.length > 0 ? outputs.map(({ name }) => name) : undefined,
    parameters: Object.fromEntries(Object.entries(message.parameters).flatMap(parameterOf)),
  };
}

function tensorOf(input: InputTensor, raw: Uint8Array | undefined): Tensor {
  const { name, contents } = input;
  const datatype = datatypeOf(input);
  const shape = shapeOf(input);
  if (raw !== undefined && contents !== undefined) {
    throw serveErrors.error(
      "REQUEST_INVALID",
      `The input "${name}" has contents, and the request raw_input_contents. Send one of them.`,
      { details: { input: name } },
    );
  }
  if (raw !== undefined) {
    return datatype === "BYTES"
      ? { name, datatype, shape, data: readElements(raw, { name, shape }) }
      : { name, datatype, shape, data: readNumbers(raw, { name, shape, datatype }) };
  }
  if (contents === undefined) {
    throw serveErrors.error("REQUEST_INVALID", `The input "${name}" has no data.`, {
      details: { input: name },
    });
  }
  return datatype === "BYTES"
    ? { name, datatype, shape, data: readTypedElements(contents, name) }
    : { name, datatype, shape, data: readTypedNumbers(contents, name, datatype) };
}

function datatypeOf({ name, datatype }: InputTensor): Datatype {
  if (datatype === "BYTES" || isNumberDatatype(datatype)) return datatype;
  throw serveErrors.error(
    "DATATYPE_UNSUPPORTED",
    `The input "${name}" is of datatype "${datatype}". The server takes ${Object.keys(datatypes).join(", ")} and BYTES.`,
    { details: { input: name, datatype } },
  );
}

function shapeOf({ name, shape }: InputTensor): readonly number[] {
  const sizes = shape.map(Number);
  if (sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) return sizes;
  throw serveErrors.error(
    "REQUEST_INVALID",
    `The input "${name}" has the shape [${shape.join(", ")}]. Each size is a whole number, 0 or more.`,
    { details: { input: name } },
  );
}

function parameterOf([name, { parameterChoice }]: [string, InferParameter]): readonly [
  string,
  ParameterValue,
][] {
  return parameterChoice.value === undefined ? [] : [[name, parameterChoice.value]];
}

function refuseUnsupported(entry: {
  readonly name: string;
  readonly parameters: Readonly<Record<string, InferParameter>>;
}): void {
  for (const name of unsupported) {
    if (!Object.hasOwn(entry.parameters, name)) continue;
    throw serveErrors.error(
      "REQUEST_INVALID",
      `The parameter "${name}" of "${entry.name}" belongs to an extension that the server does not have.`,
      { details: { tensor: entry.name, parameter: name } },
    );
  }
}
