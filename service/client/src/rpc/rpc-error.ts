/**
 * What a call over a Connect transport ended with, as ClientError: the server's code is the `reason` of an ErrorInfo, the time
 * to come again a RetryInfo or gRPC's pushback. What broke below, the sockets of Node.js or a browser's fetch, is told by
 * its cause.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import {
  ClientError,
  clientError,
  faceUnspoken,
  grpcStatusName,
  optionInvalid,
  specOfGrpc,
} from "../errors.ts";
import { connectionError } from "../faces/connection-error.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.ts";

/** Statuses that tell a caller to come again. */
const waiting = new Set([Code.Unavailable, Code.ResourceExhausted, Code.Aborted]);

/** As the transports tell a status of HTTP's under which there is no answer of their protocol. */
const unspoken = /^HTTP (404|405|415|505)$/;

export function rpcError(thrown: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (thrown instanceof ClientError) return thrown;
  const error = ConnectError.from(thrown);
  // A transport of our own knows what broke.
  if (error.cause instanceof ClientError) return error.cause;
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info === undefined && unspoken.test(error.rawMessage)) return faceUnspoken(error.rawMessage, error);
  const broken = info === undefined ? brokenBelow(error) : null;
  if (broken) return broken;
  const { code, rawMessage: message } = error;
  // The transport keeps the deadline too, and may be first.
  if (info === undefined && code === Code.DeadlineExceeded) return new DOMException(message, "TimeoutError");
  const retryAfterMs = pushbackOf(error);
  const name = info?.reason ?? grpcStatusName(code);
  const retryable = isRetryable(error, retryAfterMs, info !== undefined);
  return new ClientError({
    code: name,
    spec: specOfGrpc(code, message, retryable),
    message,
    status: code,
    retryAfterMs: retryAfterMs === "never" ? null : retryAfterMs,
    details: { ...info?.metadata },
    cause: error,
  });
}

/** Of a server with our codes, what may be retried says so by the time to come again. */
function isRetryable({ code }: ConnectError, pushback: number | "never" | null, isOurs: boolean): boolean {
  if (pushback === "never" || !waiting.has(code)) return false;
  return pushback !== null || (!isOurs && code !== Code.ResourceExhausted);
}

/** In ms; "never" where the server forbids a retry, which gRPC tells by a number below 0. */
function pushbackOf(error: ConnectError): number | "never" | null {
  const text = error.metadata.get("grpc-retry-pushback-ms");
  if (text !== null) return /^\d{1,9}$/.test(text) ? Number(text) : "never";
  const [retry] = error.findDetails(RetryInfoSchema);
  if (retry?.retryDelay === undefined) return null;
  const { seconds, nanos } = retry.retryDelay;
  return Number(seconds) * 1000 + Math.ceil(nanos / 1e6);
}

/** The transport's own failures: no status of the server's stands behind them. */
function brokenBelow(error: ConnectError): ClientError | null {
  const known = connectionError(error);
  if (known) return known;
  const { rawMessage: message } = error;
  // What a server told came with headers.
  if ([...error.metadata.keys()].length > 0) return null;
  // The caller's number that no message holds: nothing was sent, and the server is not to blame.
  if (error.code === Code.Internal && message.startsWith("serialize "))
    return optionInvalid(`The request has no form as a message: ${message}.`, error);
  if (error.code === Code.ResourceExhausted && /readMaxBytes|larger than/.test(message))
    return clientError("ANSWER_TOO_LARGE", message, { cause: error });
  if (/^(http\/2|protocol error|unsupported content type|missing trailer|HTTP 5\d\d)/i.test(message)) {
    const isLost = /^http\/2|missing (trailer|EndStream)|premature|cut/i.test(message);
    return clientError(isLost ? "CONNECTION_LOST" : "ANSWER_INVALID", `The answer is not whole: ${message}`, {
      cause: error,
    });
  }
  return null;
}
