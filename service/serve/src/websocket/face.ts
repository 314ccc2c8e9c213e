/**
 * The WebSocket face: every method of the gRPC services for browsers, which have no other way to send a stream while they
 * receive one. The path names the method, a socket is one call, and the bytes are those of gRPC: docs/websocket.md.
 *
 * One call a socket, because a socket is one sequence of bytes. Many calls on one need numbers, windows of each and a way
 * to cancel one: that is HTTP/2, and without its windows one slow call would hold up the others.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { createConnectRouter } from "@connectrpc/connect";
import { WebSocketServer } from "ws";
import type { Face, FaceOptions, FaceRequest } from "../core/face.ts";
import { pathOf } from "../core/path-of.ts";
import { refuse } from "../core/send-answer.ts";
import { createGate, peerValues } from "../grpc/admitted-call.ts";
import { messageCompressions } from "../grpc/message-compressions.ts";
import { actionOf, serviceRoutes } from "../grpc/services.ts";
import { type ConnectionLimits, defaultLimits } from "../listener/limits.ts";
import type { CorsPolicy } from "../operations/cors.ts";
import { isHandshake, refusalOf, subprotocol, webSocketVersion } from "./handshake.ts";
import { type OpenStream, readAhead, serveStream } from "./serve-stream.ts";

export interface WebSocketFaceOptions extends FaceOptions {
  /** Whose pages may open a socket, beside the server's own. */
  readonly cors: CorsPolicy;
  /** Default: those of the listener. */
  readonly limits?: Partial<ConnectionLimits> | undefined;
  /** Requests of one stream that are answered at once. Default 8. */
  readonly streamConcurrency?: number | undefined;
  /** Between two pings, in ms. Default 30,000: proxies close what is quiet for a minute. */
  readonly pingMs?: number | undefined;
  /** Told of an answer that could not be made though its client is there: a defect. */
  onError(error: unknown): void;
}

/**
 * What ws itself keeps of a message that is not whole yet: `readAhead` bytes in so many pieces at most. Both are far above
 * what browsers and slow lines make of it, and below what many tiny pieces would take of memory.
 */
const mostPieces = { maxFragments: 1024, maxBufferedChunks: 4096 };

export function createWebSocketFace(options: WebSocketFaceOptions): Face {
  const {
    service,
    admission,
    instruments,
    bodyLimit,
    cors,
    streamConcurrency = 8,
    pingMs = 30_000,
  } = options;
  const limits = { ...defaultLimits, ...options.limits, bodyLimit, pingMs };
  const stopping = new AbortController();
  const router = createConnectRouter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    acceptCompression: [...messageCompressions],
    readMaxBytes: bodyLimit,
    requestGate: createGate(admission, actionOf, "websocket"),
  });
  serviceRoutes({ service, streamConcurrency, stopping: stopping.signal })(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const streams = new Set<OpenStream>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // A compressed message can be a thousand times as large as what was sent, and each socket needs memory for it.
    perMessageDeflate: false,
    maxPayload: readAhead,
    ...mostPieces,
    handleProtocols: () => subprotocol,
  });
  const refusal = (request: FaceRequest) =>
    refusalOf(request, { cors, hasMethod: (path) => handlers.has(path) });
  const failed: Parameters<typeof serveStream>[1]["failed"] = (cause) =>
    instruments.count("connectionErrors", { cause });
  const stop = () => {
    stopping.abort();
    for (const stream of streams) stream.stop();
  };

  return {
    takes: isHandshake,
    upgrades: (request) => refusal(request) === null,
    upgrade(request: IncomingMessage, socket: Socket, head: Buffer) {
      server.handleUpgrade(request, socket, head, (opened) => {
        const path = pathOf(request);
        const stream = serveStream(opened, {
          handler: handlers.get(path)!,
          url: `http://localhost${path}`,
          contextValues: peerValues(request),
          limits,
          isStopping: () => stopping.signal.aborted,
          failed,
          onError: options.onError,
        });
        streams.add(stream);
        opened.once("close", () => streams.delete(stream));
      });
    },
    handle(request, response) {
      const error = refusal(request);
      if (error?.code === "ORIGIN_FORBIDDEN") failed("origin_refused");
      response.setHeader("sec-websocket-version", webSocketVersion);
      refuse(error, request, response);
    },
    stop,
    async [Symbol.asyncDispose]() {
      stop();
    },
  };
}
