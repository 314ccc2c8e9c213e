/**
 * What the library refuses before a method is called - a message that does not parse, one that is too large - gets our
 * code too, so that every error has one. It is found in what is written: the library has no other place.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { bytesText, CupelError, cancellation, errorFrom } from "@cupel/base";
import type { ErrorNaming } from "../connect/protocol-form.ts";
import { serveErrors } from "../errors.ts";
import { connectErrorOf } from "./connect-error.ts";

const statusHeader = "grpc-status";
const messageHeader = "grpc-message";
const detailsHeader = "grpc-status-details-bin";

/** Of an error; others are left alone. Its message comes to be written as gRPC has it. */
export function nameTrailers(trailer: Headers, naming: ErrorNaming): void {
  const text = trailer.get(messageHeader);
  if (text === null) return;
  // Our own errors have details.
  if (!trailer.has(detailsHeader)) {
    const error = new ConnectError(decodeURIComponent(text), Number(trailer.get(statusHeader)));
    const named = naming(error);
    if (named !== null) setTrailerStatus(trailer, named);
  }
  trailer.set(messageHeader, percentEncoded(decodeURIComponent(trailer.get(messageHeader) ?? "")));
}

/** An error of the library's as one of ours; null where it says nothing of a message. */
export function namedRefusal({ code, rawMessage }: ConnectError, bodyLimit: number): ConnectError | null {
  const row = rowOf(code, rawMessage);
  if (row === undefined) return null;
  const named = connectErrorOf(refusal(row.code, rawMessage, bodyLimit));
  if (!row.keepsStatus) return named;
  const kept = new ConnectError(named.rawMessage, code);
  kept.details = named.details;
  return kept;
}

type RefusalCode = "REQUEST_INVALID" | "MEDIA_TYPE_UNSUPPORTED" | "BODY_TOO_LARGE" | "ROUTE_UNKNOWN";

interface RefusalRow {
  readonly status: Code;
  readonly message: RegExp;
  readonly code: RefusalCode;
  /** The protocols want the library's status, not that of our code. */
  readonly keepsStatus?: true;
}

const rows: readonly RefusalRow[] = [
  { status: Code.InvalidArgument, message: /./, code: "REQUEST_INVALID" },
  { status: Code.Internal, message: /^(parse (binary|json)|decompression failed)/i, code: "REQUEST_INVALID" },
  { status: Code.Unimplemented, message: /^protocol error/, code: "REQUEST_INVALID", keepsStatus: true },
  { status: Code.Unimplemented, message: /^The server has no method/, code: "ROUTE_UNKNOWN" },
  {
    status: Code.Unimplemented,
    message: /^unknown compression/,
    code: "MEDIA_TYPE_UNSUPPORTED",
    keepsStatus: true,
  },
  { status: Code.ResourceExhausted, message: /./, code: "BODY_TOO_LARGE" },
];

function rowOf(status: Code, message: string): RefusalRow | undefined {
  return rows.find((row) => row.status === status && row.message.test(message));
}

function refusal(code: RefusalCode, message: string, bodyLimit: number): CupelError {
  if (code === "REQUEST_INVALID") return serveErrors.error(code, `The message does not parse: ${message}.`);
  if (code === "ROUTE_UNKNOWN") return serveErrors.error(code, message);
  if (code === "MEDIA_TYPE_UNSUPPORTED")
    return serveErrors.error(code, `The message is compressed otherwise than the server takes: ${message}.`);
  return serveErrors.error(
    code,
    `The message is larger, after decompression, than limits.bodyLimit, which is ${bytesText(bodyLimit)}. Send less, or have the limit raised.`,
    { details: { setting: "limits.bodyLimit", limit: bodyLimit } },
  );
}

/** An error for the record: what the library threw becomes what its client is told, or that the client is gone. */
export function namedError(thrown: unknown, signal: AbortSignal): CupelError {
  const ours = thrown instanceof ConnectError ? thrown.cause : thrown;
  if (ours instanceof CupelError) return ours;
  if (thrown instanceof ConnectError) {
    const row = rowOf(thrown.code, thrown.rawMessage);
    if (row !== undefined) return serveErrors.error(row.code, thrown.rawMessage, { cause: thrown });
    if (thrown.code === Code.Canceled || thrown.code === Code.Aborted)
      return cancellation("The call", signal);
  }
  // Where nobody is left to be told, writing fails in ways that say nothing.
  return signal.aborted ? cancellation("The call", signal) : errorFrom(thrown);
}

/** As gRPC has it: what is printable stays. The library encodes more, which not every client takes back. */
function percentEncoded(message: string): string {
  return message.replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);
}
