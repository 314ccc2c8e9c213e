/** An inference request as JSON, with the tensors inside or as bytes behind it, or as CBOR, becomes the core's. */
import type { InferenceRequest } from "../core/inference.ts";
import type { Tensor } from "../core/tensor.ts";
import { readElements, readNumbers } from "../core/tensor-bytes.ts";
import { isNumberHead, tensorHead } from "../core/tensor-head.ts";
import { serveErrors } from "../errors.ts";
import { mediaType } from "../http/content-type.ts";
import { binaryPart, headerLengthHeader, readHeaderLength } from "./binary-tensors.ts";
import { cborTensor, cborType, decodeCbor } from "./cbor.ts";
import type { Exchange } from "./exchange.ts";
import { locateData } from "./locate-data.ts";
import { readJsonBytes, readJsonNumbers } from "./read-json-data.ts";
import { conformer } from "./schema/conform.ts";
import type { RequestedOutput, RequestTensor } from "./schema/inference.ts";
import type { ParameterRecord } from "./schema/parts.ts";

export interface ReadInference {
  readonly request: InferenceRequest;
  /** Whether this output goes as bytes behind the JSON. */
  isBinary(output: string): boolean;
}

const conformRequest = conformer("InferenceRequest");

/** Parameters that would change the answer and that nobody here heeds: silence would be a wrong answer. */
const unsupported = ["classification", "shared_memory_region"];

/** Content types besides that of CBOR; a client may leave it out. */
const jsonTypes = ["", "application/json", "application/octet-stream"];

/** What of an exchange a request is read from. */
type Asked = Pick<Exchange, "call" | "params" | "header" | "body">;

/** @throws REQUEST_INVALID, INPUT_SHAPE_MISMATCH, DATATYPE_UNSUPPORTED and what reading the body throws */
export async function readInferenceRequest(exchange: Asked): Promise<ReadInference> {
  const type = mediaType(exchange.header("content-type"));
  if (type === cborType) return readCbor(exchange);
  if (jsonTypes.includes(type)) return readJson(exchange);
  const takes = [...jsonTypes.slice(1), cborType];
  throw serveErrors.error(
    "MEDIA_TYPE_UNSUPPORTED",
    `The content type "${type}" is not taken here. Send ${takes.join(", ")}.`,
    { details: { takes } },
  );
}

async function readCbor(exchange: Asked): Promise<ReadInference> {
  const body = await exchange.body();
  const start = performance.now();
  const { value, taken } = decodeCbor(body, "inputs", (index) => [index]);
  const message = conformRequest(value);
  const inputs = message.inputs.map((entry): Tensor => {
    refuseUnsupported(entry);
    if (entry.data === undefined) throw withoutData(entry.name);
    return cborTensor(taken[Number(entry.data[0])], tensorHead(entry));
  });
  exchange.call.times.decode = performance.now() - start;
  return { request: requestOf(exchange, message, inputs), isBinary: () => false };
}

async function readJson(exchange: Asked): Promise<ReadInference> {
  const headerLength = readHeaderLength(exchange.header(headerLengthHeader));
  const body = await exchange.body(headerLength ?? 0);
  const start = performance.now();
  if (headerLength !== null && headerLength > body.length) {
    throw serveErrors.error(
      "REQUEST_INVALID",
      `Inference-Header-Content-Length is ${headerLength}; the body has ${body.length} bytes.`,
      { details: { header: headerLengthHeader, length: headerLength, bytes: body.length } },
    );
  }
  const json = body.subarray(0, headerLength ?? body.length);
  const { value, spans } = locateData(json);
  const message = conformRequest(value);
  const part = binaryPart(body.subarray(json.length));
  let read = 0;
  const inputs = message.inputs.map((entry): Tensor => {
    const size = binarySize(entry);
    if (size !== null) {
      const head = tensorHead(entry);
      const bytes = part.take(size, entry.name);
      return isNumberHead(head)
        ? { ...head, data: readNumbers(bytes, head) }
        : { ...head, datatype: "BYTES", data: readElements(bytes, head) };
    }
    const span = spans[Number(entry.data?.[0])];
    if (span === undefined) throw withoutData(entry.name);
    read++;
    const head = tensorHead(entry);
    return isNumberHead(head)
      ? { ...head, data: readJsonNumbers(json, span, head) }
      : { ...head, datatype: "BYTES", data: readJsonBytes(json, span, head) };
  });
  part.finish();
  if (read !== spans.length) {
    throw serveErrors.error("REQUEST_INVALID", 'A member "inputs" or "data" is given twice. Give it once.');
  }
  exchange.call.times.decode = performance.now() - start;
  return { request: requestOf(exchange, message, inputs), isBinary: binaryOutputs(message) };
}

interface RequestMessage {
  readonly id?: string;
  readonly parameters?: ParameterRecord;
  readonly outputs?: readonly RequestedOutput[];
}

/** @throws REQUEST_INVALID */
function requestOf(
  { params }: Asked,
  { id, parameters, outputs }: RequestMessage,
  inputs: readonly Tensor[],
): InferenceRequest {
  for (const output of outputs ?? []) refuseUnsupported(output);
  return {
    model: params.model ?? "",
    version: params.version,
    id,
    inputs,
    // An empty list asks for all, as tritonclient's does.
    outputs: outputs?.length ? outputs.map(({ name }) => name) : undefined,
    parameters,
  };
}

/** @throws REQUEST_INVALID */
function refuseUnsupported(entry: { readonly name: string; readonly parameters?: ParameterRecord }): void {
  for (const name of unsupported) {
    if (entry.parameters === undefined || !Object.hasOwn(entry.parameters, name)) continue;
    throw serveErrors.error(
      "REQUEST_INVALID",
      `The parameter "${name}" of "${entry.name}" belongs to an extension that the server does not have.`,
      { details: { tensor: entry.name, parameter: name } },
    );
  }
}

function binaryOutputs({ parameters, outputs }: RequestMessage): ReadInference["isBinary"] {
  const byDefault = parameters?.binary_data_output === true;
  const byName = new Map(outputs?.map((output) => [output.name, output.parameters?.binary_data]));
  return (name) => {
    const asked = byName.get(name);
    return asked === undefined ? byDefault : asked === true;
  };
}

/** @throws REQUEST_INVALID */
function binarySize(entry: RequestTensor): number | null {
  refuseUnsupported(entry);
  const size = entry.parameters?.binary_data_size;
  if (size === undefined) return null;
  if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0 && entry.data === undefined) {
    return size;
  }
  throw serveErrors.error(
    "REQUEST_INVALID",
    `The input "${entry.name}" has either data, or binary_data_size with a number of bytes.`,
    { details: { input: entry.name } },
  );
}

function withoutData(name: string): Error {
  return serveErrors.error("REQUEST_INVALID", `The input "${name}" has no data.`, {
    details: { input: name },
  });
}
