/** What sockets and TLS say when no answer comes, by the codes of Node.js (https://nodejs.org/api/errors.html) and of its resolver. */
import { type ClientError, type ClientErrorCode, clientError } from "../errors.ts";

const unreachable = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ENETDOWN",
  "EADDRNOTAVAIL",
]);
const lost = new Set([
  "ECONNRESET",
  "EPIPE",
  "ECONNABORTED",
  "ERR_HTTP2_SESSION_ERROR",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_STREAM_ERROR",
  "ERR_HTTP2_STREAM_CANCEL",
  "ERR_HTTP2_INVALID_SESSION",
  "ERR_HTTP2_INVALID_STREAM",
  "ERR_HTTP2_PING_CANCEL",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ERR_STREAM_DESTROYED",
]);
const tls =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO$)/;

const sentences: Readonly<Record<"SERVER_UNREACHABLE" | "CONNECTION_LOST" | "TLS_FAILED", string>> = {
  SERVER_UNREACHABLE: "The server cannot be reached",
  CONNECTION_LOST: "The connection broke before the answer was whole",
  TLS_FAILED: "No TLS connection can be made",
};

/** Null where nothing in the chain of causes is of a connection. */
export function connectionError(thrown: unknown): ClientError | null {
  for (const each of causes(thrown)) {
    const named = "code" in each && typeof each.code === "string" ? kindOf(each.code, each) : null;
    if (named === null) continue;
    return clientError(named, `${sentences[named]}: ${saidBy(each)}.`, {
      mayHaveRun: named === "CONNECTION_LOST",
      cause: thrown,
    });
  }
  return null;
}

/** Of OpenSSL the reason alone: its message has addresses and lines of its source around that, and an end of line. */
function saidBy(error: Error): string {
  if ("library" in error && "reason" in error && typeof error.reason === "string") return error.reason;
  return error.message || String("code" in error ? error.code : "");
}

function kindOf(code: string, error: Error): (keyof typeof sentences & ClientErrorCode) | null {
  if (unreachable.has(code)) return "SERVER_UNREACHABLE";
  // A time-out of the connection's making; one of the kernel's on an open connection has another call.
  if (code === "ETIMEDOUT")
    return "syscall" in error && error.syscall === "read" ? "CONNECTION_LOST" : "SERVER_UNREACHABLE";
  // A reset in the handshake: no byte of the call was sent.
  if (code === "ECONNRESET" && /before secure TLS connection was established/.test(error.message))
    return "SERVER_UNREACHABLE";
  if (lost.has(code)) return "CONNECTION_LOST";
  return tls.test(code) ? "TLS_FAILED" : null;
}

/** The error, what it says caused it, and of many addresses that were tried each. */
function* causes(thrown: unknown): Generator<Error> {
  const seen = new Set<unknown>();
  const left = [thrown];
  for (let each = left.shift(); each !== undefined; each = left.shift()) {
    if (!(each instanceof Error) || seen.has(each)) continue;
    seen.add(each);
    yield each;
    left.push(each.cause, ...(each instanceof AggregateError ? each.errors : []));
  }
}
