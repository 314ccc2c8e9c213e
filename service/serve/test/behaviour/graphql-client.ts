/** A client of the GraphQL face over Node's own http: documents with variables, tensors as lists or as base64. */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { IndexEntry, ModelMetadata, NumberTensor, PredictResponse, Tensor } from "@cupel/serve";
import { type BehaviourClient, type CallOptions, Refusal } from "./client.ts";
import { arrays } from "./tensor-arrays.ts";

interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions: { readonly code: string };
  }[];
}

interface ToldTensor {
  readonly name: string;
  readonly datatype: keyof typeof arrays;
  readonly shape: number[];
  readonly data?: readonly (number | string | boolean)[];
  readonly base64?: string;
}

export function graphqlClient(port: number, form: "lists" | "base64", ownKey: string): BehaviourClient {
  const agent = new Agent({ keepAlive: true });

  async function ask<T>(query: string, variables: object, options: CallOptions = {}): Promise<T> {
    const { key = ownKey, timeoutMs, signal } = options;
    const body = JSON.stringify({ query, variables });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = {
      "content-type": "application/json",
      accept: "application/graphql-response+json",
      "content-length": String(Buffer.byteLength(body)),
      ...(key === null ? {} : { "x-api-key": key }),
      ...(timeoutMs === undefined ? {} : { "cupel-timeout-ms": String(timeoutMs) }),
    };
    const sent = httpRequest(
      {
        port,
        host: "127.0.0.1",
        agent,
        method: "POST",
        path: "/graphql",
        headers,
        ...(signal ? { signal } : {}),
      },
      resolve,
    );
    sent.on("error", reject);
    sent.end(body);
    const response = await promise;
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    const { data, errors }: Answer = JSON.parse(Buffer.concat(chunks).toString());
    if (errors === undefined) return data as T;
    const seconds = response.headers["retry-after"];
    throw new Refusal({
      code: errors[0]!.extensions.code,
      status: response.statusCode ?? 0,
      message: errors[0]!.message,
      retryAfterMs: seconds === undefined ? null : Number(seconds) * 1000,
    });
  }

  return {
    async infer({ inputs, ...request }, options) {
      const { infer } = await ask<{ infer: Readonly<Record<string, unknown>> & { outputs: ToldTensor[] } }>(
        `query ($model: String!, $version: String, $id: String, $inputs: [TensorInput!]!, $outputs: [String!]) {
          infer(model: $model, version: $version, id: $id, inputs: $inputs, outputs: $outputs) {
            model version id outputs { name datatype shape ${form === "lists" ? "data" : "base64"} }
          }
        }`,
        { ...request, inputs: inputs.map((tensor) => written(tensor, form)) },
        options,
      );
      const { model, version, id, outputs } = infer;
      return {
        model: String(model),
        version: String(version),
        ...(id === null ? {} : { id: String(id) }),
        outputs: outputs.map(
          (told): NumberTensor => ({
            name: told.name,
            datatype: told.datatype,
            shape: told.shape,
            data: read(told),
          }),
        ),
      };
    },
    async predict({ images, ...request }, options) {
      const sent = images.map(({ kind, bytes, ...size }) => ({
        base64: Buffer.from(bytes).toString("base64"),
        ...(kind === "encoded" ? {} : { format: kind.toUpperCase() }),
        ...size,
      }));
      const { predict } = await ask<{ predict: PredictResponse }>(
        `query ($model: String!, $version: String, $id: String, $images: [ImageInput!]!, $top: Int) {
          predict(model: $model, version: $version, id: $id, images: $images, top: $top) {
            model version id task answers { width height classes { index name score } }
          }
        }`,
        { ...request, images: sent },
        options,
      );
      return predict;
    },
    isReady: async () =>
      (await ask<{ server: { isReady: boolean } }>("{ server { isReady } }", {})).server.isReady,
    isModelReady: async (name, version) =>
      (
        await ask<{ model: { isReady: boolean } }>(
          "query ($name: String!, $version: String) { model(name: $name, version: $version) { isReady } }",
          { name, version },
        )
      ).model.isReady,
    async modelMetadata(name, version, options) {
      const { model } = await ask<{ model: { metadata: ModelMetadata } }>(
        `query ($name: String!, $version: String) { model(name: $name, version: $version) { metadata {
          name versions platform inputs { name datatype shape } outputs { name datatype shape }
        } } }`,
        { name, version },
        options,
      );
      return model.metadata;
    },
    async index(options) {
      const { models } = await ask<{ models: readonly IndexEntry[] }>(
        "{ models { name version state reason } }",
        {},
        options,
      );
      return models;
    },
    async load(model, options) {
      await ask("mutation ($model: String!) { load(model: $model) { name } }", { model }, options);
    },
    async unload(model, options) {
      await ask("mutation ($model: String!) { unload(model: $model) { name } }", { model }, options);
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
    },
  };
}

/** Whole numbers of 64 bits go out as text. */
function written(tensor: Tensor, form: "lists" | "base64") {
  const { name, datatype, shape } = tensor;
  if (tensor.datatype === "BYTES") {
    return { name, datatype, shape, data: tensor.data.map((bytes) => Buffer.from(bytes).toString("base64")) };
  }
  const { buffer, byteOffset, byteLength } = tensor.data;
  if (form === "base64") {
    const bytes = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    return { name, datatype, shape, base64: bytes.toString("base64") };
  }
  const data = Array.from(tensor.data as Iterable<number | bigint>, (value) =>
    typeof value === "bigint" ? String(value) : value,
  );
  return { name, datatype, shape, data };
}

function read({ datatype, data = [], base64 }: ToldTensor): NumberTensor["data"] {
  if (base64 !== undefined)
    return new arrays[datatype](Uint8Array.from(Buffer.from(base64, "base64")).buffer);
  if (datatype === "INT64") return BigInt64Array.from(data.map((each) => BigInt(String(each))));
  if (datatype === "UINT64") return BigUint64Array.from(data.map((each) => BigInt(String(each))));
  return arrays[datatype].from(data.map(Number));
}
