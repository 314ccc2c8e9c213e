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
  // Our own errors have details.
  if (trailer.has(detailsHeader)) return;
  const error = refusals[trailer.get(statusHeader) ?? ""]?.(
    decodeURIComponent(trailer.get(messageHeader) ?? ""),
    bodyLimit,
  );
  if (error) setTrailerStatus(trailer, connectErrorOf(error));
}

/** By the status that the library gave. */
const refusals: Readonly<Record<string, (message: string, bodyLimit: number) => Error>> = {
  3: (message) => serveErrors.error("REQUEST_INVALID", `The message is malformed: ${message}.`),
  8: (_message, bodyLimit) =>
    serveErrors.error(
      "BODY_TOO_LARGE",
      `The message is larger, after decompression, than bodyLimit, which is ${bytesText(bodyLimit)}. Send less, or have the limit raised.`,
      { details: { setting: "bodyLimit", limit: bodyLimit } },
    ),
};
