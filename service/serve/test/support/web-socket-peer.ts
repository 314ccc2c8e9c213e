/**
 * The calls of `GrpcPeer` over the client's WebSocket transport. Messages are written and read by protobufjs here too, from
 * the .proto files; between the two stand the bytes.
 */
import { type DescMethod, type DescMethodUnary, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { Metadata } from "@grpc/grpc-js";
import { createWebSocketTransport } from "../../../client/src/websocket/transport.ts";
import { VisionService } from "../../src/grpc/gen/cupel/v1/vision_pb.ts";
import { Health } from "../../src/grpc/gen/grpc/health/v1/health_pb.ts";
import { GRPCInferenceService } from "../../src/grpc/gen/inference/inference_service_pb.ts";
import { type CallingPeer, type Message, methodOf, type PeerCallOptions, PeerError } from "./grpc-peer.ts";

const methods = new Map(
  [GRPCInferenceService, VisionService, Health].flatMap(({ typeName, methods }) =>
    methods.map((method): [string, DescMethod] => [`${typeName}/${method.name}`, method]),
  ),
);

function isUnary(method: DescMethod | undefined): method is DescMethodUnary {
  return method?.methodKind === "unary";
}

export class WebSocketPeer implements CallingPeer {
  readonly #transport: Transport;

  constructor(port: number) {
    this.#transport = createWebSocketTransport({ baseUrl: `http://127.0.0.1:${port}` });
  }

  async call(path: string, request: object = {}, options: PeerCallOptions = {}): Promise<Message> {
    const method = methods.get(path);
    if (!isUnary(method)) throw new Error(`${path} is no method of one message and one answer.`);
    const { requestSerialize, responseDeserialize } = methodOf(path);
    const { metadata = {}, timeoutMs, signal } = options;
    const header = new Headers(metadata);
    // Told to the server alone: it, not the transport, shall end the call.
    if (timeoutMs !== undefined) header.set("grpc-timeout", `${timeoutMs}m`);
    const sent = fromBinary(method.input, options.bytes ?? requestSerialize(request));
    try {
      const { message } = await this.#transport.unary(method, signal, undefined, header, sent);
      return { ...responseDeserialize(Buffer.from(toBinary(method.output, message))) };
    } catch (thrown) {
      const { code, rawMessage, metadata: told } = ConnectError.from(thrown);
      const trailers = new Metadata();
      const details = told.get("grpc-status-details-bin");
      if (details !== null) trailers.set("grpc-status-details-bin", Buffer.from(details, "base64"));
      throw new PeerError({ code, details: rawMessage, metadata: trailers });
    }
  }

  [Symbol.dispose](): void {}
}
