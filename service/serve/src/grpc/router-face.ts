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
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Face, FaceRequest, FaceResponse } from "../core/face.ts";

export interface RouterFaceOptions {
  routes(router: ConnectRouter): void;
  /** gRPC alone is on by default. */
  readonly router: Pick<ConnectRouterOptions, "grpcWeb" | "connect" | "requestGate" | "jsonOptions">;
  /** Bytes of a message, after decompression. */
  readonly bodyLimit: number;
  contextValues?(request: FaceRequest): ContextValues;
  /** What is made of each response before it is written. Default: nothing. */
  finish?(response: UniversalServerResponse): UniversalServerResponse;
  /** Told of an answer that could not be written though its client is there: a defect. */
  failed(error: unknown): void;
  stop?(): void;
}

const grpcType = /^application\/grpc(\+|;|$)/i;
export function createRouterFace(options: RouterFaceOptions): Face {
  const { bodyLimit, contextValues, failed, stop, finish = (response) => response } = options;
  const router = createConnectRouter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    acceptCompression: [compressionGzip],
    readMaxBytes: bodyLimit,
    ...options.router,
  });
  options.routes(router);
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
      await universalResponseToNodeResponse(finish(await handler(asked)), response);
    } catch (thrown) {
      const { code } = ConnectError.from(thrown);
      const hasLeft = code === Code.Aborted || code === Code.Canceled || response.destroyed;
      if (!hasLeft) failed(thrown);
      response.destroy();
    }
  };
  return {
    // A method called with another content type is told so here.
    takes: (request) => grpcType.test(typeOf(request)) || handlerOf(request) !== undefined,
    streams: (request) => handlerOf(request)?.method.methodKind !== "unary",
    handle(request, response) {
      const handler = handlerOf(request);
      if (handler) void answer(handler, request, response);
      else unimplemented(typeOf(request), response);
    },
    ...(stop === undefined ? {} : { stop }),
    async [Symbol.asyncDispose]() {
      stop?.();
    },
  };
}

/** A method that the server does not have, in a response without a body. */
function unimplemented(type: string, response: FaceResponse): void {
  response.statusCode = 200;
  response.setHeader("content-type", type);
  response.setHeader("grpc-status", String(Code.Unimplemented));
  response.setHeader("grpc-message", "The server has no such method. Reflection lists those it has.");
  response.end();
}
