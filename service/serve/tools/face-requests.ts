/**
 * The same inference as every face takes it, for the benchmark of faces: who measures faces need not know their formats.
 *
 *   node service/serve/tools/face-requests.ts MODEL INPUT ELEMENTS     one line of JSON: an array
 *
 * A row says what is sent again and again, bytes in base64.
 */
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { createRandom } from "@cupel/base";
import {
  type ModelInferRequest,
  ModelInferRequestSchema,
} from "../src/grpc/gen/inference/inference_service_pb.ts";

import { blockFlag, frame } from "../src/websocket/frame.ts";
import { subprotocol } from "../src/websocket/handshake.ts";

const [model = "", name = "", count = "1"] = process.argv.slice(2);
const random = createRandom(1);
const values = Float32Array.from({ length: Number(count) }, () => random.uniform() * 2 - 1);
const shape = [1, values.length];
const bytes = Buffer.from(values.buffer);

const message: ModelInferRequest = create(ModelInferRequestSchema, {
  modelName: model,
  inputs: [{ name, datatype: "FP32", shape: shape.map(BigInt) }],
  rawInputContents: [bytes],
});
const protobuf = toBinary(ModelInferRequestSchema, message);
const method = "/inference.GRPCInferenceService/ModelInfer";
const binaryHead = Buffer.from(
  JSON.stringify({
    inputs: [{ name, datatype: "FP32", shape, parameters: { binary_data_size: bytes.byteLength } }],
    parameters: { binary_data_output: true },
  }),
);
const jsonValues = [...values];

/** A message behind its flags and its length, as gRPC frames it. */
function framed(content: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(content.byteLength, 1);
  return Buffer.concat([head, content]);
}

function http1(path: string, headers: readonly string[], body: Uint8Array | string): object {
  const content = Buffer.from(body);
  const lines = [`POST ${path} HTTP/1.1`, "host: 127.0.0.1", ...headers, `content-length: ${content.length}`];
  const request = Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), content]);
  return { transport: "http1", request: request.toString("base64") };
}

function graphql(field: "base64" | "data", tensor: object): object {
  const query = `query ($model: String!, $inputs: [TensorInput!]!) {
    infer(model: $model, inputs: $inputs) { model version outputs { name datatype shape ${field} } }
  }`;
  const variables = { model, inputs: [{ name, datatype: "FP32", shape, ...tensor }] };
  return http1(
    "/graphql",
    ["content-type: application/json", "accept: application/graphql-response+json"],
    JSON.stringify({ query, variables }),
  );
}

const rest = `/v2/models/${model}/infer`;
const rows = [
  {
    face: "REST, binary",
    ...http1(
      rest,
      ["content-type: application/octet-stream", `inference-header-content-length: ${binaryHead.length}`],
      Buffer.concat([binaryHead, bytes]),
    ),
  },
  {
    face: "REST, JSON",
    ...http1(
      rest,
      ["content-type: application/json"],
      JSON.stringify({ inputs: [{ name, datatype: "FP32", shape, data: jsonValues }] }),
    ),
  },
  {
    face: "gRPC",
    transport: "http2",
    headers: { ":path": method, "content-type": "application/grpc", te: "trailers" },
    body: framed(protobuf).toString("base64"),
  },
  {
    face: "Connect",
    ...http1(method, ["content-type: application/proto", "connect-protocol-version: 1"], protobuf),
  },
  {
    face: "Connect, JSON",
    ...http1(
      method,
      ["content-type: application/json", "connect-protocol-version: 1"],
      toJsonString(ModelInferRequestSchema, message),
    ),
  },
  {
    face: "gRPC-Web",
    ...http1(method, ["content-type: application/grpc-web+proto", "x-grpc-web: 1"], framed(protobuf)),
  },
  {
    face: "gRPC-Web, text",
    ...http1(
      method,
      ["content-type: application/grpc-web-text", "accept: application/grpc-web-text", "x-grpc-web: 1"],
      framed(protobuf).toString("base64"),
    ),
  },
  {
    face: "WebSocket",
    transport: "websocket",
    path: "/inference.GRPCInferenceService/ModelStreamInfer",
    protocol: subprotocol,
    first: Buffer.from(frame(blockFlag, new Uint8Array())).toString("base64"),
    message: framed(protobuf).toString("base64"),
  },
  { face: "GraphQL, base64", ...graphql("base64", { base64: bytes.toString("base64") }) },
  { face: "GraphQL, lists", ...graphql("data", { data: jsonValues }) },
];
console.log(JSON.stringify(rows));
