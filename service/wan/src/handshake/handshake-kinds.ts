/**
 * What is compared: fresh connections with a first call each, and those that come to nothing. Adding one is adding a row.
 *
 * Round trips as the protocols have them. TCP takes one (RFC 9293), TLS 1.3 one more, with a ticket or without (RFC 8446;
 * data before the handshake's end, 0-RTT, is not offered), and the call one. A server that has none of the protocols that a
 * client names ends the handshake (RFC 7301), so the client knows after two. A server that misses a certificate finds out
 * after the client took the handshake for done, so the client knows after three.
 */
import type { TlsMode } from "../face/tls-files.ts";

export interface HandshakeKind {
  readonly name: string;
  /** A Cupel server, by its TLS; or one with TLS that has HTTP/1.1 alone. */
  readonly server: TlsMode | "http1-only";
  /**
   * `sockets`: bare ones, so that each part of the way is seen. `client`: @cupel/client by its face "grpc", seen as a whole.
   */
  readonly by: "sockets" | "client";
  /** Null: none, though the server may have it. */
  readonly tls: {
    /** With the ticket of a connection before; that is made once, and not counted. */
    readonly isResumed: boolean;
    /** What the client names, in its order; of @cupel/client "h2". */
    readonly alpn: readonly string[];
    /** Whether it shows a certificate to servers that ask for one. */
    readonly hasCertificate: boolean;
  } | null;
  readonly http: 1 | 2;
  readonly ends: "answer" | "error";
  /** Until that end. */
  readonly roundTrips: number;
}

const full = { isResumed: false, alpn: ["h2"], hasCertificate: true };
const resumed = { ...full, isResumed: true };
const answered = { by: "sockets", http: 2, ends: "answer", roundTrips: 3 } as const;
const ended = { by: "sockets", http: 2, ends: "error", roundTrips: 2 } as const;

export const handshakeKinds: readonly HandshakeKind[] = [
  { ...answered, name: "HTTP/1.1", server: "off", tls: null, http: 1, roundTrips: 2 },
  { ...answered, name: "HTTP/2 (h2c)", server: "off", tls: null, roundTrips: 2 },
  { ...answered, name: "TLS, HTTP/1.1", server: "on", tls: { ...full, alpn: ["http/1.1"] }, http: 1 },
  { ...answered, name: "TLS, HTTP/2", server: "on", tls: full },
  { ...answered, name: "TLS resumed, HTTP/2", server: "on", tls: resumed },
  { ...answered, name: "TLS mutual, HTTP/2", server: "mutual", tls: full },
  { ...answered, name: "TLS mutual resumed, HTTP/2", server: "mutual", tls: resumed },
  { ...answered, name: "TLS, @cupel/client", server: "on", tls: full, by: "client" },
  { ...ended, name: "h2 asked of an HTTP/1.1 server", server: "http1-only", tls: full },
  { ...ended, name: "the same, @cupel/client", server: "http1-only", tls: full, by: "client" },
  { ...ended, name: "h3 asked of Cupel", server: "on", tls: { ...full, alpn: ["h3"] } },
  {
    ...ended,
    name: "no certificate, mutual",
    server: "mutual",
    tls: { ...full, hasCertificate: false },
    roundTrips: 3,
  },
  { ...ended, name: "TLS asked of cleartext", server: "off", tls: full },
  { ...ended, name: "HTTP/1.1 without TLS, of TLS", server: "on", tls: null, http: 1 },
];
