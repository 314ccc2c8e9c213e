/** Clients of the REST face over Node's own http: tensors as JSON, as binary after JSON, or as CBOR. */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { InferenceRequest, InferenceResponse, NumberTensor, Tensor } from "@cupel/serve";
import { Decoder, Encoder } from "cbor-x";
import { type BehaviourClient, type CallOptions, Refusal } from "./client.ts";
import { arrays } from "./tensor-arrays.ts";

export type RestForm = "json" | "binary" | "cbor";

interface Answer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
}

interface Wire {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

export function restClient(port: number, form: RestForm, ownKey: string): BehaviourClient {
  const agent = new Agent({ keepAlive: true });

  async function ask(method: string, path: string, wire: Wire, options: CallOptions = {}): Promise<Answer> {
    const { key = ownKey, timeoutMs, signal } = options;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = httpRequest(
      {
        port,
        host: "127.0.0.1",
        agent,
        method,
        path,
        headers: {
          ...wire.headers,
          ...(key === null ? {} : { "x-api-key": key }),
          ...(timeoutMs === undefined ? {} : { "cupel-timeout-ms": String(timeoutMs) }),
          ...(wire.body === undefined ? {} : { "content-length": String(wire.body.byteLength) }),
        },
        ...(signal === undefined ? {} : { signal }),
      },
      resolve,
    );
    sent.on("error", reject);
    sent.end(wire.body);
    const response = await promise;
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const status = response.statusCode ?? 0;
    const header = (name: string): string | undefined => {
      const value = response.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    };
    if (status < 400) return { status, header, body };
    const problem = parsedProblem(body);
    const seconds = header("retry-after");
    throw new Refusal({
      code: problem.code ?? "",
      status,
      message: problem.detail ?? body.toString(),
      retryAfterMs: seconds === undefined ? null : Number(seconds) * 1000,
    });
  }

  const bare: Wire = { headers: {}, body: undefined };
  const json = (value: unknown): Wire => ({
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(value)),
  });
  const got = async <T>(path: string, options?: CallOptions): Promise<T> =>
    JSON.parse((await ask("GET", path, bare, options)).body.toString());
  const of = (model: string, version?: string): string =>
    `/v2/models/${encodeURIComponent(model)}${version === undefined ? "" : `/versions/${version}`}`;
  const isOk = async (path: string): Promise<boolean> => {
    try {
      await ask("GET", path, bare);
      return true;
    } catch (thrown) {
      if (thrown instanceof Refusal && (thrown.status === 503 || thrown.status === 404)) return false;
      throw thrown;
    }
  };

  return {
    async infer(request, options) {
      const path = `${of(request.model, request.version)}/infer`;
      const answer = await ask("POST", path, forms[form].write(request), options);
      return forms[form].read(answer);
    },
    async predict({ model, version, id, images, ...choices }, options) {
      const path = `${of(model, version)}/predict`;
      const told = images.map(({ bytes, kind, ...size }) => ({
        ...(kind === "encoded" ? {} : { format: kind }),
        ...size,
        data: Buffer.from(bytes).toString("base64"),
      }));
      const { body } = await ask("POST", path, json({ id, images: told, ...choices }), options);
      const { model_name, model_version, answers, ...rest } = JSON.parse(body.toString());
      return { model: model_name, version: model_version, answers, ...rest };
    },
    isReady: () => isOk("/v2/health/ready"),
    isModelReady: (model, version) => isOk(`${of(model, version)}/ready`),
    modelMetadata: (model, version, options) => got(of(model, version), options),
    async index(options) {
      const { body } = await ask("POST", "/v2/repository/index", json({}), options);
      return JSON.parse(body.toString());
    },
    async load(model, options) {
      await ask("POST", `/v2/repository/models/${encodeURIComponent(model)}/load`, json({}), options);
    },
    async unload(model, options) {
      await ask("POST", `/v2/repository/models/${encodeURIComponent(model)}/unload`, json({}), options);
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
    },
  };
}

function parsedProblem(body: Buffer): { readonly code?: string; readonly detail?: string } {
  try {
    return JSON.parse(body.toString());
  } catch {
    return {};
  }
}

interface Form {
  write(request: InferenceRequest): Wire;
  read(answer: Answer): InferenceResponse;
}

interface WrittenTensor {
  readonly name: string;
  readonly datatype: keyof typeof arrays;
  readonly shape: number[];
  readonly data: readonly (number | boolean)[];
  readonly parameters?: { readonly binary_data_size?: number };
}

interface WrittenResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly outputs: readonly WrittenTensor[];
}

const forms: Readonly<Record<RestForm, Form>> = {
  json: {
    write: (request) => ({
      headers: { "content-type": "application/json" },
      body: Buffer.from(exactJson(bodyOf(request, request.inputs.map(listed)))),
    }),
    read: ({ body }) => {
      // Whole numbers that a double does not hold are written as text first: this client must be exact by itself.
      const text = body.toString().replaceAll(/(?<=[[,])-?\d{16,}(?=[\],])/g, '"$&"');
      return responseOf(JSON.parse(text), ({ data, datatype }) => typed(datatype, data));
    },
  },
  binary: {
    write: (request) => {
      const parts = request.inputs.map(bytesOf);
      const inputs = request.inputs.map(({ name, datatype, shape }, i) => ({
        name,
        datatype,
        shape,
        parameters: { binary_data_size: parts[i]!.byteLength },
      }));
      const head = Buffer.from(
        JSON.stringify({ ...bodyOf(request, inputs), parameters: { binary_data_output: true } }),
      );
      return {
        headers: {
          "content-type": "application/octet-stream",
          "inference-header-content-length": String(head.byteLength),
        },
        body: Buffer.concat([head, ...parts]),
      };
    },
    read: ({ body, header }) => {
      let at = Number(header("inference-header-content-length"));
      return responseOf(JSON.parse(body.toString("utf8", 0, at)), ({ datatype, parameters }) => {
        const size = parameters?.binary_data_size ?? 0;
        const bytes = Uint8Array.from(body.subarray(at, at + size));
        at += size;
        return new arrays[datatype](bytes.buffer);
      });
    },
  },
  cbor: {
    write: (request) => ({
      headers: { "content-type": "application/cbor", accept: "application/cbor" },
      body: new Encoder({ useRecords: false, tagUint8Array: false }).encode(
        bodyOf(
          request,
          request.inputs.map(({ name, datatype, shape, data }) => ({ name, datatype, shape, data })),
        ),
      ),
    }),
    read: ({ body }) =>
      responseOf(new Decoder({ useRecords: false }).decode(body), ({ data, datatype }) =>
        ArrayBuffer.isView(data) && !(data instanceof Uint8Array)
          ? (data as unknown as Float32Array)
          : typed(datatype, [...data]),
      ),
  },
};

function bodyOf({ id, outputs }: InferenceRequest, inputs: readonly unknown[]) {
  return {
    ...(id === undefined ? {} : { id }),
    inputs,
    ...(outputs === undefined ? {} : { outputs: outputs.map((name) => ({ name })) }),
  };
}

function listed(tensor: Tensor) {
  const { name, datatype, shape } = tensor;
  const data =
    tensor.datatype === "BYTES"
      ? tensor.data.map((bytes) => Buffer.from(bytes).toString("base64"))
      : [...tensor.data].map((value) => (datatype === "BOOL" ? value !== 0 : value));
  return { name, datatype, shape, data };
}

/** Whole numbers of 64 bits go out as numbers, exactly. */
function exactJson(value: unknown): string {
  const text = JSON.stringify(value, (_, each) => (typeof each === "bigint" ? `int64:${each}` : each));
  return text.replaceAll(/"int64:(-?\d+)"/g, "$1");
}

function bytesOf(tensor: Tensor): Buffer {
  if (tensor.datatype !== "BYTES") {
    const { buffer, byteOffset, byteLength } = tensor.data;
    return Buffer.from(Buffer.from(buffer, byteOffset, byteLength));
  }
  const parts = tensor.data.flatMap((bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.byteLength);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}

function typed(datatype: keyof typeof arrays, data: readonly unknown[]): NumberTensor["data"] {
  if (datatype === "INT64") return BigInt64Array.from(data.map((each) => BigInt(String(each))));
  if (datatype === "UINT64") return BigUint64Array.from(data.map((each) => BigInt(String(each))));
  return arrays[datatype].from(data.map(Number));
}

function responseOf(
  { model_name: model, model_version: version, id, outputs }: WrittenResponse,
  read: (tensor: WrittenTensor) => NumberTensor["data"],
): InferenceResponse {
  return {
    model,
    version,
    ...(id === undefined ? {} : { id }),
    outputs: outputs.map((tensor) => ({
      name: tensor.name,
      datatype: tensor.datatype,
      shape: tensor.shape,
      data: read(tensor),
    })),
  };
}
