/** gRPC-Web: trailers are the last frame of the body, and all of it may be base64. */
import { encodeEnvelope, type UniversalServerResponse } from "@connectrpc/connect/protocol";
import { trailerFlag, trailerParse, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import { trailersOnly } from "../grpc/grpc-form.ts";
import { nameTrailers } from "../grpc/name-refusals.ts";
import { fromText, isTextType, toText, wantsText } from "./base64-text.ts";
import type { ErrorNaming, ProtocolForm } from "./protocol-form.ts";

export const grpcWebForm: ProtocolForm = {
  async answer(handler, asked, naming) {
    const type = asked.header.get("content-type") ?? "";
    const isText = isTextType(type);
    const answersText = wantsText(asked.header.get("accept"), isText);
    const told = named(await handler(isText ? fromText(asked) : asked), naming);
    return answersText ? toText(told) : told;
  },
  refuse: trailersOnly,
};

/** Each chunk of the library's is a frame. */
function named(told: UniversalServerResponse, naming: ErrorNaming): UniversalServerResponse {
  return told.body === undefined ? told : { ...told, body: namedFrames(told.body, naming) };
}

async function* namedFrames(
  frames: AsyncIterable<Uint8Array>,
  naming: ErrorNaming,
): AsyncIterable<Uint8Array> {
  for await (const frame of frames) yield frame[0] === trailerFlag ? namedTrailers(frame, naming) : frame;
}

function namedTrailers(frame: Uint8Array, naming: ErrorNaming): Uint8Array {
  const trailer = trailerParse(frame.subarray(headBytes));
  nameTrailers(trailer, naming);
  return encodeEnvelope(trailerFlag, trailerSerialize(trailer));
}

/** Flags and length, before each message. */
export const headBytes = 5;
