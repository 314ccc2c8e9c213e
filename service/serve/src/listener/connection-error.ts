/**
 * Why a connection, or a request on it, ended before its time: a closed set, counted by cause. A cause is what an
 * operator acts on, not the name that Node gives an error.
 */
import { own } from "@cupel/base";

export const connectionErrorCauses = {
  too_many_connections: "As many connections are open as the limit allows; this one was closed at once.",
  too_many_of_address:
    "As many connections of this address are open as one may have; this one was closed at once.",
  first_bytes_timeout: "The client did not say in time which protocol it speaks.",
  tls_on_cleartext: "TLS came to a port without it.",
  cleartext_on_tls: "Something that is not TLS came to a port with it.",
  handshake_timeout: "The handshake of TLS was not done in time.",
  handshake_failed:
    "Client and server agreed on no version, cipher or protocol, or the bytes were no handshake.",
  client_certificate: "The client showed no certificate, or one that the authority did not sign.",
  header_timeout: "The headers of a request did not arrive in time.",
  header_too_large: "The headers of a request were larger than the limit.",
  request_timeout: "The body of a request did not arrive in time.",
  stalled: "Nothing moved on a request for too long: the client neither read nor wrote, nor answered a ping.",
  protocol_error: "The bytes broke the rules of HTTP, or those of a WebSocket.",
  origin_refused: "A page of an origin that cors.origins does not name wanted to open a WebSocket.",
  rapid_reset: "The client reset one HTTP/2 request after another faster than it may.",
  reset_by_peer: "The client broke the connection.",
  stopped: "The server stopped and the request was not done within the grace time.",
  other: "None of the others.",
} as const;

export type ConnectionErrorCause = keyof typeof connectionErrorCauses;

export interface ConnectionError {
  readonly cause: ConnectionErrorCause;
  /** Of the client; "" where the socket no longer knows. */
  readonly address: string;
  /** What Node says of it; "" where a limit ended it. */
  readonly reason: string;
}

/** By the code of Node's error; what begins with `HPE_` is the HTTP/1.1 parser's. */
const causes: Readonly<Record<string, ConnectionErrorCause>> = {
  ECONNRESET: "reset_by_peer",
  EPIPE: "reset_by_peer",
  ERR_STREAM_PREMATURE_CLOSE: "reset_by_peer",
  ERR_TLS_HANDSHAKE_TIMEOUT: "handshake_timeout",
  ERR_SSL_HTTP_REQUEST: "cleartext_on_tls",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "client_certificate",
  ERR_SSL_CERTIFICATE_VERIFY_FAILED: "client_certificate",
  ERR_HTTP_REQUEST_TIMEOUT: "header_timeout",
  HPE_HEADER_OVERFLOW: "header_too_large",
  ERR_HTTP2_ERROR: "protocol_error",
  ERR_HTTP2_SESSION_ERROR: "protocol_error",
  ERR_HTTP2_TOO_MANY_INVALID_FRAMES: "protocol_error",
};

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** @param otherwise what an error is that the table does not name */
export function causeOf(error: unknown, otherwise: ConnectionErrorCause = "other"): ConnectionErrorCause {
  const code = codeOf(error);
  return own(causes, code) ?? (code.startsWith("HPE_") ? "protocol_error" : otherwise);
}
