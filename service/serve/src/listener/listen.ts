/**
 * One port for every face. A connection is accepted here, its first bytes say what it speaks, and it is handed on:
 *
 *     accept (limits of connections) -> first bytes -> TLS -> ALPN -> http2 | http1 -> the face that takes the request
 *                                                  -> (cleartext) -> http2 | http1
 *
 * Servers of Node that never listen themselves do the protocols: a socket is given to them as if they had accepted it.
 */
import { createServer, isIP, type Server, type Socket } from "node:net";
import { baseErrors } from "@cupel/base";
import type { Face, FaceRequest } from "../core/face.ts";
import { serveErrors } from "../errors.ts";
import { type Instruments, silentInstruments } from "../operations/instruments.ts";
import { AddressCount } from "./address-count.ts";
import { type ConnectionError, codeOf } from "./connection-error.ts";
import { createDispatch, createUpgrades } from "./dispatch.ts";
import { type FirstBytes, readFirstBytes } from "./first-bytes.ts";
import { createHttp1, type HttpServer, type HttpServerOptions } from "./http1.ts";
import { createHttp2 } from "./http2.ts";
import { type ConnectionLimits, defaultLimits } from "./limits.ts";
import { createTls, type TlsOptions } from "./tls.ts";

export interface ListenOptions {
  /** The first that takes a request answers it. */
  readonly faces: readonly Face[];
  /** Address or name to listen on. Default "127.0.0.1". */
  readonly host?: string | undefined;
  /** 0 takes one that is free. */
  readonly port: number;
  /** Default: cleartext, which only this machine can reach. */
  readonly tls?: TlsOptions | undefined;
  /** Cleartext on any address: only behind a proxy that ends TLS. Default false. */
  readonly cleartextAnywhere?: boolean | undefined;
  readonly limits?: Partial<ConnectionLimits> | undefined;
  readonly instruments?: Instruments | undefined;
  /** Told of every connection or request that ended before its time. Default: they are only counted. */
  readonly onConnectionError?: ((error: ConnectionError) => void) | undefined;
  /** Told of a defect in a face, and of certificates that cannot be renewed. */
  onError(error: unknown): void;
}

export interface Listener extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** "https://127.0.0.1:8443" */
  readonly url: string;
  /** Reads the certificate's files now. @returns whether they had changed. @throws CERTIFICATE_INVALID */
  renewCertificate(): Promise<boolean>;
  /**
   * Takes nothing new, tells every client so, waits for the requests in hand, then ends the connections. Called again,
   * it waits for the same end. Disposing closes with the default.
   * @param graceMs after which requests in hand are broken off. Default 30,000.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * @throws OPTION_INVALID for cleartext that other machines could reach, CERTIFICATE_INVALID, LISTEN_FAILED
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { faces, host = "127.0.0.1", port, tls, instruments = silentInstruments } = options;
  const { onConnectionError, onError } = options;
  if (!tls && !options.cleartextAnywhere) assertLoopback(host);
  const limits = { ...defaultLimits, ...options.limits };

  const failed: HttpServerOptions["failed"] = (cause, address = "", error) => {
    instruments.count("connectionErrors", { cause });
    const reason = error instanceof Error ? error.message : "";
    onConnectionError?.({ cause, address, reason });
  };
  const http: HttpServerOptions = {
    dispatch: createDispatch(faces, onError),
    upgrades: createUpgrades(faces, onError),
    limits,
    streams: (request: FaceRequest) => faces.find((face) => face.takes(request))?.streams?.(request) ?? false,
    failed,
  };
  const servers = { http1: createHttp1(http), http2: createHttp2(http) } satisfies Record<string, HttpServer>;
  /** Connections that speak no protocol yet. */
  const undecided = new Set<Socket>();
  const sockets = new Set<Socket>();
  const addresses = new AddressCount();
  const mostOfAddress = limits.connectionsPerAddress ?? Number.POSITIVE_INFINITY;
  const opened = (socket: Socket, protocol: keyof typeof servers, version: string, alpn: string) => {
    instruments.count("connections", { protocol, tls: version, alpn });
    servers[protocol].take(socket);
  };

  const secure = tls
    ? await createTls({
        tls,
        limits,
        instruments,
        failed,
        renewalFailed: onError,
        secured(socket) {
          const alpn = socket.alpnProtocol || "none";
          opened(socket, alpn === "h2" ? "http2" : "http1", socket.getProtocol() ?? "", alpn);
        },
      })
    : null;

  const refuse = (socket: Socket, protocol: FirstBytes) => {
    failed(secure ? "cleartext_on_tls" : "tls_on_cleartext", socket.remoteAddress);
    if (protocol === "http1") socket.write(speakTls);
    socket.destroySoon();
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) => {
    // A socket that broke before it came here has none any more.
    const { remoteAddress = "" } = socket;
    socket.on("error", noticed);
    if (!addresses.enter(remoteAddress, mostOfAddress)) {
      failed("too_many_of_address", remoteAddress);
      socket.destroy();
      return;
    }
    sockets.add(socket);
    undecided.add(socket);
    instruments.set("openConnections", {}, sockets.size);
    socket.once("close", () => {
      sockets.delete(socket);
      undecided.delete(socket);
      addresses.leave(remoteAddress);
      instruments.set("openConnections", {}, sockets.size);
    });
    readFirstBytes(socket, limits.firstBytesMs, {
      decided(protocol) {
        undecided.delete(socket);
        if (protocol === "tls" && secure) secure.take(socket);
        else if (protocol !== "tls" && !secure) opened(socket, protocol, "none", "none");
        else refuse(socket, protocol);
      },
      late() {
        failed("first_bytes_timeout", socket.remoteAddress);
        socket.destroy();
      },
    });
  });
  server.maxConnections = limits.connections;
  server.on("drop", (dropped) => failed("too_many_connections", dropped?.remoteAddress));

  await bound(server, { host, port, backlog: limits.connections });
  const address = server.address();
  const actual = typeof address === "object" && address ? address.port : port;

  const close = async (graceMs: number) => {
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const face of faces) face.stop?.();
    secure?.stop();
    for (const socket of undecided) socket.destroy();
    for (const each of Object.values(servers)) each.stop();
    const timer = setTimeout(() => {
      for (const socket of sockets) {
        failed("stopped", socket.remoteAddress);
        socket.destroy();
      }
    }, graceMs);
    await ended;
    clearTimeout(timer);
  };
  let closing: Promise<void> | null = null;
  const closeOnce = (graceMs = 30_000) => (closing ??= close(graceMs));
  return {
    host,
    port: actual,
    url: `${secure ? "https" : "http"}://${isIP(host) === 6 ? `[${host}]` : host}:${actual}`,
    renewCertificate: async () => (await secure?.renew()) ?? false,
    close: closeOnce,
    [Symbol.asyncDispose]: () => closeOnce(),
  };
}

interface ListenAt {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
}

const speakTls =
  "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 32\r\n\r\nThis port is for HTTPS requests.\n";

function assertLoopback(host: string): void {
  if (host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))) return;
  throw baseErrors.error(
    "OPTION_INVALID",
    `Without TLS the server listens on this machine alone, and ${host} can be reached from others. Give a certificate and its key (listen.tls), or allow cleartext behind a proxy that ends TLS (listen.cleartextAnywhere).`,
    { details: { host } },
  );
}

/**
 * @param at its backlog are connections that wait to be accepted. Beyond it the kernel drops them, and their clients try
 * again after a second, then after two, four ...: in a burst Node's own 511 are not enough.
 */
async function bound(server: Server, at: ListenAt): Promise<void> {
  const { host, port } = at;
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(at, listening.resolve);
  try {
    await listening.promise;
  } catch (thrown) {
    const reason = codeOf(thrown) === "EADDRINUSE" ? "another process listens there" : codeOf(thrown);
    throw serveErrors.error(
      "LISTEN_FAILED",
      `The server cannot listen on ${host}, port ${port}: ${reason}.`,
      {
        cause: thrown,
        details: { host, port },
      },
    );
  }
  server.off("error", listening.reject);
}

/** The protocol's server hears of it too and counts it; a socket without a listener would end the process. */
function noticed(): void {}
