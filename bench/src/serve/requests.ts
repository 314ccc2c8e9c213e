/** Whole HTTP/1.1 requests of the Open Inference Protocol, made beforehand: a raw tensor behind a head of JSON, or all JSON. */
import { createRandom } from "@cupel/base";

export interface RequestForm {
  readonly model: string;
  readonly input: string;
  /** Of one request, its rows first. */
  readonly shape: readonly number[];
  readonly form: "binary" | "json";
  /** Different requests, sent in turn: no cache may know them. */
  readonly count: number;
}

export function inferRequests({ model, input, shape, form, count }: RequestForm): Uint8Array[] {
  const random = createRandom(1);
  const elements = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, () => {
    const data = Float32Array.from({ length: elements }, () => Math.fround(random.uniform() * 2 - 1));
    return form === "binary" ? binary(model, input, shape, data) : json(model, input, shape, data);
  });
}

function binary(model: string, name: string, shape: readonly number[], data: Float32Array): Uint8Array {
  const parameters = { binary_data_size: data.byteLength };
  // Padded so that the tensor begins where a Float32Array may.
  const head = JSON.stringify({
    inputs: [{ name, datatype: "FP32", shape, parameters }],
    parameters: { binary_data_output: true },
  });
  const padded = head.padEnd(Math.ceil(head.length / 4) * 4, " ");
  return request(
    model,
    ["content-type: application/octet-stream", `inference-header-content-length: ${padded.length}`],
    Buffer.concat([Buffer.from(padded), Buffer.from(data.buffer)]),
  );
}

function json(model: string, name: string, shape: readonly number[], data: Float32Array): Uint8Array {
  const body = JSON.stringify({ inputs: [{ name, datatype: "FP32", shape, data: [...data] }] });
  return request(model, ["content-type: application/json"], Buffer.from(body));
}

function request(model: string, headers: readonly string[], body: Uint8Array): Uint8Array {
  const head = [
    `POST /v2/models/${model}/infer HTTP/1.1`,
    "host: 127.0.0.1",
    ...headers,
    `content-length: ${body.byteLength}`,
    "",
    "",
  ].join("\r\n");
  return Buffer.concat([Buffer.from(head), body]);
}
