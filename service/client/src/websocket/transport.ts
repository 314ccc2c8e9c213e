/**
 * Calls by WebSocket (docs/websocket.md): all of gRPC, streams both ways at once included, from a browser, where HTTP
 * has none of them. Everything but the way of the bytes is the library's gRPC.
 *
 * An entry of its own, `@cupel/client/websocket`: it is for whoever has @connectrpc/connect, whose types need those of a
 * browser. What the other entries reach is without them.
 */
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createTransport } from "@connectrpc/connect/protocol-grpc";
import { callBySocket } from "./socket-call.ts";

export interface WebSocketTransportOptions {
  /** "https://host:8443" or "wss://host:8443", with a path where a proxy has one; a key in it would be logged on the way. */
  readonly baseUrl: string;
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** false: messages as JSON. Default true. */
  readonly useBinaryFormat?: boolean | undefined;
  /** Of a call that does not say it, in ms. Default: none. */
  readonly defaultTimeoutMs?: number | undefined;
  /** Bytes of an answer. Default 64 MiB. */
  readonly readMaxBytes?: number | undefined;
}

/** The longest that four bytes can say of a message. */
const longestMessage = 0xffffffff;

/** For `createClient` of @connectrpc/connect. Each call opens a socket of its own, which closes with it. */
export function createWebSocketTransport(options: WebSocketTransportOptions): Transport {
  const { baseUrl, interceptors = [], useBinaryFormat = true, defaultTimeoutMs } = options;
  return createTransport({
    httpClient: callBySocket,
    baseUrl,
    interceptors: [...interceptors],
    useBinaryFormat,
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: 0,
    readMaxBytes: options.readMaxBytes ?? 64 * 2 ** 20,
    writeMaxBytes: longestMessage,
    ...(defaultTimeoutMs === undefined ? {} : { defaultTimeoutMs }),
  });
}
