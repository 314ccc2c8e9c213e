/** Tensors in the body of a request and of an answer: inside the JSON, or as bytes behind it (Triton's binary extension). */
import { clientError } from "../errors.ts";
import type { InferenceRequest, InferenceResponse } from "../messages/inference.ts";
import { tensorBytes, tensorOf } from "../messages/tensor-bytes.ts";
import type { components } from "./gen/rest-api.ts";
import type { HttpAnswer } from "./http-client.ts";
import { parseExactly, readJsonData, writeJsonData } from "./json-tensors.ts";

type Schemas = components["schemas"];

export interface Body {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const headerLength = "inference-header-content-length";
const octets = "application/octet-stream";

/** @throws FACE_UNSUPPORTED */
export function jsonBody(request: InferenceRequest): Body {
  const inputs = request.inputs.map((tensor) => {
    const { name, datatype, shape } = tensor;
    return `${JSON.stringify({ name, datatype, shape }).slice(0, -1)},"data":${writeJsonData(tensor)}}`;
  });
  const text = `${JSON.stringify(headOf(request)).slice(0, -1)},"inputs":[${inputs.join(",")}]}`;
  return {
    headers: { "content-type": "application/json", accept: "application/json" },
    bytes: new TextEncoder().encode(text),
  };
}

export function binaryBody(request: InferenceRequest): Body {
  const parts = request.inputs.map(tensorBytes);
  const message: Schemas["InferenceRequest"] = {
    ...headOf(request),
    parameters: { binary_data_output: true },
    inputs: request.inputs.map(({ name, datatype, shape }, i) => ({
      name,
      datatype,
      shape: [...shape],
      parameters: { binary_data_size: parts[i]!.byteLength },
    })),
  };
  const head = new TextEncoder().encode(JSON.stringify(message));
  return {
    headers: { "content-type": octets, [headerLength]: String(head.byteLength) },
    bytes: joined([head, ...parts]),
  };
}

function headOf({
  id,
  outputs,
}: InferenceRequest): Pick<Schemas["InferenceRequest"], "id" | "outputs" | "parameters"> {
  return {
    // First, so that the object is never empty.
    parameters: {},
    ...(id === undefined ? {} : { id }),
    ...(outputs === undefined ? {} : { outputs: outputs.map((name) => ({ name })) }),
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** @throws ANSWER_INVALID */
export function readInferenceBody(answer: HttpAnswer): InferenceResponse {
  const { body } = answer;
  const told = answer.header(headerLength);
  const jsonEnd = told === null ? body.length : Number(told);
  if (!Number.isSafeInteger(jsonEnd) || jsonEnd < 0 || jsonEnd > body.length)
    throw clientError(
      "ANSWER_INVALID",
      `The answer has ${body.length} bytes, and says that ${told} are JSON.`,
    );
  const { model_name, model_version, id, outputs } = readMessage(body.subarray(0, jsonEnd));
  let at = jsonEnd;
  return {
    model: model_name,
    version: model_version,
    ...(id === undefined ? {} : { id }),
    outputs: outputs.map((output) => {
      const size = output.parameters?.binary_data_size;
      if (typeof size !== "number") return readJsonData(output, output.data);
      at += size;
      return tensorOf(output, body.subarray(at - size, at));
    }),
  };
}

function readMessage(bytes: Uint8Array): Schemas["InferenceResponse"] {
  let message: unknown;
  try {
    const text = new TextDecoder().decode(bytes);
    // Only numbers of so many digits can lose some.
    message = /\d{16}/.test(text) ? parseExactly(text) : JSON.parse(text);
  } catch (cause) {
    throw clientError("ANSWER_INVALID", "The answer is not JSON.", { cause });
  }
  if (isInference(message)) return message;
  throw clientError("ANSWER_INVALID", "The answer is not that of an inference.");
}

function isInference(value: unknown): value is Schemas["InferenceResponse"] {
  if (typeof value !== "object" || value === null || !("outputs" in value) || !("model_name" in value))
    return false;
  return (
    typeof value.model_name === "string" &&
    Array.isArray(value.outputs) &&
    value.outputs.every((each) => typeof each === "object" && each !== null && Array.isArray(each.shape))
  );
}
