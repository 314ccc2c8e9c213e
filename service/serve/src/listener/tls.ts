/**
 * TLS on sockets that others accepted, with ALPN (RFC 7301) of h2 and http/1.1. Not offered: data before the handshake
 * is done (0-RTT), which an eavesdropper can send again, and `grpc-exp`, the name of a draft.
 */
import type { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { Instruments } from "../operations/instruments.ts";
import { type CertificateFiles, readCertificate } from "./certificate-files.ts";
import { causeOf } from "./connection-error.ts";
import type { HttpServerOptions } from "./http1.ts";

export interface TlsOptions extends CertificateFiles {
  /** Also take TLS 1.2, for clients that have no 1.3. Default false. */
  readonly tls12?: boolean | undefined;
  /**
   * With `clientAuthority`: "required" ends the handshake of a client without a certificate that it signed; "optional"
   * lets it in without one, to be known by other means. Default "required".
   */
  readonly clientCertificate?: "required" | "optional" | undefined;
  /** How often the files are looked at, in ms. Default 60,000. */
  readonly renewalMs?: number | undefined;
}

export interface TlsServer {
  take(socket: Socket): void;
  /** Reads the files again. @returns whether they had changed. @throws CERTIFICATE_INVALID; the old ones stay then */
  renew(): Promise<boolean>;
  /** Breaks off handshakes in hand, and looks at the files no more. */
  stop(): void;
}

export interface TlsServerOptions extends Pick<HttpServerOptions, "limits" | "failed"> {
  readonly tls: TlsOptions;
  readonly instruments: Instruments;
  secured(socket: TLSSocket): void;
  /** The files changed to what cannot be used; the certificate from before is shown on. */
  renewalFailed(error: unknown): void;
}

/** @throws CERTIFICATE_INVALID */
export async function createTls(options: TlsServerOptions): Promise<TlsServer> {
  const { tls, limits, instruments, secured, failed, renewalFailed } = options;
  let certificate = await readCertificate(tls);
  /** Handshakes in hand, by what tells sockets apart on both sides of TLS. */
  const handshakes = new Map<string, { readonly socket: Socket; readonly started: number }>();
  const ends = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;

  const server = createServer({
    ...certificate.options,
    minVersion: tls.tls12 ? "TLSv1.2" : "TLSv1.3",
    ALPNProtocols: ["h2", "http/1.1"],
    allowHalfOpen: true,
    handshakeTimeout: limits.handshakeMs,
    requestCert: tls.clientAuthority !== undefined,
    rejectUnauthorized: tls.clientAuthority !== undefined && tls.clientCertificate !== "optional",
  });
  server.on("secureConnection", (socket) => {
    const labels = { tls: socket.getProtocol() ?? "", resumed: socket.isSessionReused() ? "yes" : "no" };
    const handshake = handshakes.get(ends(socket));
    if (handshake) {
      instruments.observe("handshakeSeconds", labels, (performance.now() - handshake.started) / 1000);
    }
    handshakes.delete(ends(socket));
    secured(socket);
  });
  server.on("tlsClientError", (error, socket) => {
    // A certificate that nobody signed is refused without a word of Node: the socket alone says so.
    const cause = socket.authorizationError ? "client_certificate" : causeOf(error, "handshake_failed");
    failed(cause, socket.remoteAddress, error);
    socket.destroy();
  });

  const renew = async () => {
    const read = await readCertificate(tls);
    if (read.digest === certificate.digest) return false;
    certificate = read;
    server.setSecureContext(read.options);
    return true;
  };
  const timer = setInterval(() => renew().catch(renewalFailed), tls.renewalMs ?? 60_000).unref();

  return {
    take(socket) {
      const key = ends(socket);
      handshakes.set(key, { socket, started: performance.now() });
      socket.once("close", () => handshakes.delete(key));
      server.emit("connection", socket);
    },
    renew,
    stop() {
      clearInterval(timer);
      for (const { socket } of handshakes.values()) socket.destroy();
    },
  };
}
