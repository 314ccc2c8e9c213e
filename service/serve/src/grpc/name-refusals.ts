/**
 * What the library refuses before a method is called - a message that does not parse, one that is too large - gets our
 * code too, so that every error on this face has one. It is found in the trailers: the library has no other place.
 */
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { bytesText } from "@cupel/base";
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
    const status = trailer.get(statusHeader);
    const refusal = refusals.find((each) => each.status === status && each.message.test(message));
    if (refusal) setTrailerStatus(trailer, connectErrorOf(refusal.error(message, bodyLimit)));
  }
  trailer.set(messageHeader, percentEncoded(decodeURIComponent(trailer.get(messageHeader) ?? "")));
}

interface Refusal {
  /** That the library gave. */
  readonly status: string;
  readonly message: RegExp;
  error(message: string, bodyLimit: number): Error;
}

const malformed = (message: string) =>
  serveErrors.error("REQUEST_INVALID", `The message does not parse: ${message}.`);

const refusals: readonly Refusal[] = [
  { status: "3", message: /./, error: malformed },
  { status: "13", message: /^parse (binary|json)/i, error: malformed },
  {
    status: "8",
    message: /./,
    error: (_message, bodyLimit) =>
      serveErrors.error(
        "BODY_TOO_LARGE",
        `The message is larger, after decompression, than bodyLimit, which is ${bytesText(bodyLimit)}. Send less, or have the limit raised.`,
        { details: { setting: "bodyLimit", limit: bodyLimit } },
      ),
  },
];

/** As gRPC has it: what is printable stays. The library encodes more, which not every client takes back. */
function percentEncoded(message: string): string {
  return message.replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);
}
