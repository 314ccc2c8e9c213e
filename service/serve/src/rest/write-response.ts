/** The core's response becomes JSON, with the tensors inside or as bytes behind it, or CBOR. */
import type { InferenceResponse } from "../core/inference.ts";
import { tensorBytes } from "../core/tensor-bytes.ts";
import { headerLengthHeader } from "./binary-tensors.ts";
import { cborData, cborType, encodeCbor } from "./cbor.ts";
import type { Answer } from "./exchange.ts";
import type { ReadInference } from "./read-request.ts";
import { createTextBytes } from "./text-bytes.ts";
import { writeJsonData } from "./write-json-data.ts";

/** @throws NOT_ACCEPTABLE */
export function writeInferenceResponse(
  response: InferenceResponse,
  isBinary: ReadInference["isBinary"],
): Answer {
  const out = createTextBytes();
  const parts: Uint8Array[] = [];
  const head = { model_name: response.model, model_version: response.version, id: response.id };
  out.text(JSON.stringify(head).slice(0, -1));
  out.text(',"outputs":[');
  for (const [index, tensor] of response.outputs.entries()) {
    const { name, datatype, shape } = tensor;
    if (index > 0) out.text(",");
    if (isBinary(name)) {
      const bytes = tensorBytes(tensor);
      parts.push(bytes);
      out.text(JSON.stringify({ name, datatype, shape, parameters: { binary_data_size: bytes.length } }));
    } else {
      out.text(`${JSON.stringify({ name, datatype, shape }).slice(0, -1)},"data":`);
      writeJsonData(out, tensor);
      out.text("}");
    }
  }
  out.text("]}");
  const json = out.done();
  if (parts.length === 0) return { type: "application/json", body: json };
  return {
    type: "application/octet-stream",
    headers: { [headerLengthHeader]: String(json.length) },
    body: Buffer.concat([json, ...parts]),
  };
}

/** Tensors are typed arrays. */
export function writeCborResponse({ model, version, id, outputs }: InferenceResponse): Answer {
  const message = {
    model_name: model,
    model_version: version,
    ...(id === undefined ? {} : { id }),
    outputs: outputs.map((tensor) => {
      const { name, datatype, shape } = tensor;
      return { name, datatype, shape, data: cborData(tensor) };
    }),
  };
  return { type: cborType, body: encodeCbor(message) };
}
