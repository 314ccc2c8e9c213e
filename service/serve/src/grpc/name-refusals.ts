/**
 * What the library refuses before a method is called - a message that does not parse, one that is too large - gets our
 * code too, so that every error on this face has one. It is found in the trailers: the library has no other place.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { bytesText, CupelError, cancellation, errorFrom } from "@cupel/base";
import { serveErrors } from "../errors.ts";
import { connectErrorOf } from "./connect-error.ts";

const statusHeader = "grpc-status";
const messageHeader = "grpc-message";
const detailsHeader = "grpc-status-details-bin";

export function nameRefusals(response: UniversalServerResponse, bodyLimit: number): UniversalServerResponse {
  const { body, trailer } = response;
  return body === undefined || trailer === undefined
    ? response
    : { ...response, body: thenName(body, trailer, bodyLimit) };
}

async function* thenName(
  body: AsyncIterable<Uint8Array>,
  trailer: Headers,
  bodyLimit: number,
): AsyncIterable<Uint8Array> {
  yield* body;
  const text = trailer.get(messageHeader);
  if (text === null) return;
  const message = decodeURIComponent(text);
  // Our own errors have details.
  if (!trailer.has(detailsHeader)) {
    const code = refusalCode(Number(trailer.get(statusHeader)), message);
    if (code !== null) setTrailerStatus(trailer, connectErrorOf(refusal(code, message, bodyLimit)));
  }
  trailer.set(messageHeader, percentEncoded(decodeURIComponent(trailer.get(messageHeader) ?? "")));
}

type RefusalCode = "REQUEST_INVALID" | "BODY_TOO_LARGE";

const rows: readonly { readonly status: Code; readonly message: RegExp; readonly code: RefusalCode }[] = [
  { status: Code.InvalidArgument, message: /./, code: "REQUEST_INVALID" },
  { status: Code.Internal, message: /^parse (binary|json)/i, code: "REQUEST_INVALID" },
  { status: Code.ResourceExhausted, message: /./, code: "BODY_TOO_LARGE" },
];

/** Ours for what the library says; null where it says nothing of a message. */
function refusalCode(status: Code, message: string): RefusalCode | null {
  return rows.find((row) => row.status === status && row.message.test(message))?.code ?? null;
}

function refusal(code: RefusalCode, message: string, bodyLimit: number): CupelError {
  if (code === "REQUEST_INVALID") return serveErrors.error(code, `The message does not parse: ${message}.`);
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
    const named = refusalCode(thrown.code, thrown.rawMessage);
    if (named !== null) return serveErrors.error(named, thrown.rawMessage, { cause: thrown });
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
