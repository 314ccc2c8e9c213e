/**
 * The methods of a router as a face: what the listener hands over goes through connect's handlers, which speak gRPC,
 * and gRPC-Web and Connect where these are switched on.
 */
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  type ContextValues,
  createConnectRouter,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Face, FaceRequest, FaceResponse } from "../core/face.ts";
import { nameRefusals } from "./name-refusals.ts";

export interface RouterFaceOptions extends Pick<ConnectRouterOptions, "grpcWeb" | "connect" | "requestGate"> {
  routes(router: ConnectRouter): void;
  /** Bytes of a message, after decompression. */
  readonly bodyLimit: number;
  contextValues?(request: FaceRequest): ContextValues;
  /** Told of an answer that could not be written though its client is there: a defect. */
  failed(error: unknown): void;
  stop?(): void;
}

const grpcType = /^application\/grpc(\+|;|$)/i;
/** The status of a method that the server does not have, in a response without a body. */
const unimplemented = { "content-type": "application/grpc", "grpc-status": String(Code.Unimplemented) };

export function createRouterFace(options: RouterFaceOptions): Face {
  const {
    routes,
    bodyLimit,
    grpcWeb = false,
    connect = false,
    requestGate,
    contextValues,
    failed,
    stop,
  } = options;
  const router = createConnectRouter({
    grpc: true,
    grpcWeb,
    connect,
    acceptCompression: [compressionGzip],
    readMaxBytes: bodyLimit,
    ...(requestGate === undefined ? {} : { requestGate }),
  });
  routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const handlerOf = ({ url = "" }: FaceRequest): UniversalHandler | undefined =>
    handlers.get(url.split("?", 1)[0]!);
  const typeOf = ({ headers }: FaceRequest) => headers["content-type"] ?? "";

  const answer = async (handler: UniversalHandler, request: FaceRequest, response: FaceResponse) => {
    // What was sent of a refused message is dropped: a stream with unread bytes never closes.
    if ("stream" in response) response.stream.once("finish", () => request.resume());
    try {
      const asked = universalRequestFromNodeRequest(request, response, undefined, contextValues?.(request));
      // Every client accepts gzip, few ask for it: who compresses is answered compressed.
      if (!asked.header.has("grpc-encoding")) asked.header.delete("grpc-accept-encoding");
      await universalResponseToNodeResponse(nameRefusals(await handler(asked), bodyLimit), response);
    } catch (thrown) {
      const { code } = ConnectError.from(thrown);
      const hasLeft = code === Code.Aborted || code === Code.Canceled || response.destroyed;
      if (!hasLeft) failed(thrown);
      response.destroy();
    }
  };
  return {
    takes(request) {
      const type = typeOf(request);
      return grpcType.test(type) || handlerOf(request)?.supportedContentType(type) === true;
    },
    streams: (request) => handlerOf(request)?.method.methodKind !== "unary",
    handle(request, response) {
      const handler = handlerOf(request);
      if (handler) void answer(handler, request, response);
      else {
        response.statusCode = 200;
        for (const [name, value] of Object.entries(unimplemented)) response.setHeader(name, value);
        response.setHeader("grpc-message", "The server has no such method. Reflection lists those it has.");
        response.end();
      }
    },
    ...(stop === undefined ? {} : { stop }),
    async [Symbol.asyncDispose]() {
      stop?.();
    },
  };
}
