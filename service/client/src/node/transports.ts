/** The transports of connect-node: gRPC, gRPC-Web and Connect over pooled HTTP/2 connections. */
import type { Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  type Http2SessionManager,
} from "@connectrpc/connect-node";
import type { FaceOptions } from "../faces/platform.ts";
import { poolDefaults } from "../policies/pool.ts";
import type { OwnedTransport } from "../rpc/rpc-face.ts";
import { createTransportPool } from "../rpc/transport-pool.ts";
import { tlsSettings } from "./tls-settings.ts";
import { WideSessionManager } from "./wide-sessions.ts";

interface TransportSettings {
  readonly baseUrl: string;
  readonly sessionManager: Http2SessionManager;
  readonly readMaxBytes: number;
}

const protocols = {
  grpc: (settings: TransportSettings): Transport => createGrpcTransport(settings),
  "grpc-web": (settings: TransportSettings): Transport =>
    createGrpcWebTransport({ ...settings, httpVersion: "2" }),
  connect: (settings: TransportSettings): Transport =>
    createConnectTransport({ ...settings, httpVersion: "2" }),
} as const;

/**
 * Node.js refuses further calls on a connection with 10 MB in flight, with ENHANCE_YOUR_CALM. What a caller sends is its own
 * affair, so this is a number that nothing reaches, in MB.
 */
const maxSessionMemory = 2 ** 20;
/** A connection that lost its other end is found by a PING that nobody answers, in ms. */
const pingIntervalMs = 20_000;
const pingTimeoutMs = 10_000;

export function openTransport(
  protocol: keyof typeof protocols,
  endpoint: URL,
  { pool, tls, windows, connectTimeoutMs, maxAnswerBytes }: FaceOptions,
): OwnedTransport {
  const open = () => {
    const sessionManager = new WideSessionManager(
      windows.connection,
      endpoint,
      { pingIntervalMs, pingTimeoutMs, connectTimeoutMs },
      { ...tlsSettings(tls), maxSessionMemory, settings: { initialWindowSize: windows.stream } },
    );
    const transport = protocols[protocol]({
      baseUrl: endpoint.href,
      sessionManager,
      readMaxBytes: maxAnswerBytes,
    });
    return { transport, [Symbol.dispose]: () => sessionManager.abort() };
  };
  const { connections = poolDefaults.http2, callsEach = poolDefaults.callsEach } = pool;
  return { ...createTransportPool({ connections, callsEach, open }), isBidirectional: true };
}
