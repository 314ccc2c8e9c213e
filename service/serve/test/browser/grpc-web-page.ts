/** What the page of the gRPC-Web test does, with the clients that pages use. */
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { PixelFormat, VisionService } from "../../src/grpc/gen/cupel/v1/vision_pb.ts";
import { ErrorInfoSchema } from "../../src/grpc/gen/google/rpc/error_details_pb.ts";
import { GRPCInferenceService } from "../../src/grpc/gen/inference/inference_service_pb.ts";
import { OfficialClient } from "../support/official-grpc-web.ts";

const image = { data: new Uint8Array(3), format: PixelFormat.RGB, width: 1, height: 1 };
const predictions = { model: "m", images: [image, image, image] };
const headers = { "cupel-timing": "1", "x-api-key": "right" };
const x = { name: "x", datatype: "UINT8", shape: [1n], contents: { uintContents: [1] } };

/** Of a unary call, of one that is refused, and of a stream, what came. */
async function tryConnectWeb(baseUrl: string, protocol: "connect" | "grpc-web") {
  const transport =
    protocol === "connect"
      ? createConnectTransport({ baseUrl, useHttpGet: true })
      : createGrpcWebTransport({ baseUrl });
  const client = createClient(GRPCInferenceService, transport);
  // A deadline makes the browser ask whether it may send its header.
  const { name } = await client.serverMetadata({}, { headers, timeoutMs: 30_000 });
  const refused = await client
    .modelInfer({ modelName: "full", inputs: [x] }, { headers })
    .catch(ConnectError.from);
  const reason = refused instanceof ConnectError && refused.findDetails(ErrorInfoSchema)[0]?.reason;
  let timing = "";
  const told: number[] = [];
  const onTrailer = (trailers: Headers) => {
    timing = trailers.get("server-timing") ?? "";
  };
  const vision = createClient(VisionService, transport);
  for await (const { index } of vision.predictEach(predictions, { headers, onTrailer })) told.push(index);
  return { name, reason, told, isTimed: timing.startsWith("decode;dur=") };
}

async function tryOfficial(baseUrl: string, mode: "binary" | "text") {
  const client = new OfficialClient(baseUrl, mode);
  const { serverMetadata, modelInfer } = GRPCInferenceService.method;
  const { message } = await client.unary(serverMetadata, undefined, undefined, headers, {});
  const refused: unknown = await client
    .unary(modelInfer, undefined, undefined, headers, { modelName: "full", inputs: [x] })
    .catch((thrown: unknown) => thrown);
  const reason = refused instanceof ConnectError && refused.findDetails(ErrorInfoSchema)[0]?.reason;
  const told: number[] = [];
  const stream = client.stream(VisionService.method.predictEach, predictions, {
    ...headers,
    deadline: String(Date.now() + 30_000),
  });
  stream.onData(({ index }) => told.push(index));
  const trailers = await stream.ended;
  return {
    name: message.name,
    reason,
    told,
    isTimed: (trailers["server-timing"] ?? "").startsWith("decode;dur="),
  };
}

const functions = { tryConnectWeb, tryOfficial };
export type PageFunctions = typeof functions;
Object.assign(globalThis, functions);
