/** gRPC itself: status, message and details in trailers; in the headers where there is no body. */
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { ErrorNaming, ProtocolForm } from "../connect/protocol-form.ts";
import { nameTrailers } from "./name-refusals.ts";

export const grpcForm: ProtocolForm = {
  async answer(handler, asked, naming) {
    const told = await handler(asked);
    const { body, trailer } = told;
    return body === undefined || trailer === undefined
      ? told
      : { ...told, body: thenNamed(body, trailer, naming) };
  },
  refuse: (error, type) => trailersOnly(error, type),
};

/** A response that is its headers: the same in gRPC-Web. */
export function trailersOnly(...[error, type]: Parameters<ProtocolForm["refuse"]>): UniversalServerResponse {
  const header = setTrailerStatus(new Headers({ "content-type": type }), error);
  nameTrailers(header, () => null);
  return { status: 200, header };
}

/** The library has the trailers of an error when its body is read. */
async function* thenNamed(
  body: AsyncIterable<Uint8Array>,
  trailer: Headers,
  naming: ErrorNaming,
): AsyncIterable<Uint8Array> {
  yield* body;
  nameTrailers(trailer, naming);
}
