/**
 * Connect (https://connectrpc.com/docs/protocol): a call of one message is plain HTTP, with a status and an error in
 * JSON; a stream ends with a frame that has its error.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { encodeEnvelope, type UniversalServerResponse } from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  contentTypeUnaryJson,
  endStreamFlag,
  endStreamFromJson,
  endStreamToJson,
  errorFromJsonBytes,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import { pushback } from "../grpc/connect-error.ts";
import { ErrorInfoSchema } from "../grpc/gen/google/rpc/error_details_pb.ts";
import { bodyBytes } from "./body-bytes.ts";
import { headBytes } from "./grpc-web-form.ts";
import type { ErrorNaming, ProtocolForm } from "./protocol-form.ts";

const streamType = /^application\/connect\+/;

export const connectForm: ProtocolForm = {
  async answer(handler, asked, naming) {
    const told = await handler(asked);
    const { header = new Headers(), body } = told;
    // Readiness and metadata change, whatever a cache between here and the client believes.
    if (asked.method === "GET") header.set("cache-control", "no-store");
    if (body === undefined) return { ...told, header };
    if (streamType.test(header.get("content-type") ?? ""))
      return { ...told, body: namedFrames(body, naming) };
    // An error that is large enough to be compressed is ours.
    return told.status === 200 || header.has("content-encoding")
      ? { ...told, header }
      : unaryError(named(errorFromJsonBytes(await bodyBytes(body), undefined, unreadable), naming), header);
  },
  refuse(error, type) {
    if (!streamType.test(type)) return { ...unaryError(error, new Headers()), status: 404 };
    const header = new Headers({ "content-type": type });
    return { status: 200, header, body: only(endFrame(new Headers(), error)) };
  },
};

const unreadable = new ConnectError("The library's error is not JSON", Code.Internal);

/** With what HTTP has for a client that knows nothing of Connect. */
function unaryError(error: ConnectError, header: Headers): UniversalServerResponse {
  const status = codeToHttpStatus(error.code);
  const bytes = errorToJsonBytes(error, undefined);
  header.set("content-type", contentTypeUnaryJson);
  header.set("content-length", String(bytes.length));
  const retryMs = header.get(pushback) ?? error.metadata.get(pushback);
  header.delete(pushback);
  if (retryMs !== null) header.set("retry-after", String(Math.max(1, Math.ceil(Number(retryMs) / 1000))));
  if (status === 401) {
    const [info] = error.findDetails(ErrorInfoSchema);
    header.set("www-authenticate", info?.metadata.wwwAuthenticate ?? "Bearer");
  }
  return { status, header, body: only(bytes) };
}

function named(error: ConnectError, naming: ErrorNaming): ConnectError {
  return (error.details.length === 0 && naming(error)) || error;
}

/** Each chunk of the library's is a frame. */
async function* namedFrames(
  frames: AsyncIterable<Uint8Array>,
  naming: ErrorNaming,
): AsyncIterable<Uint8Array> {
  for await (const frame of frames) yield frame[0] === endStreamFlag ? namedEnd(frame, naming) : frame;
}

function namedEnd(frame: Uint8Array, naming: ErrorNaming): Uint8Array {
  const { metadata, error } = endStreamFromJson(frame.subarray(headBytes));
  return error === undefined ? frame : endFrame(metadata, named(error, naming));
}

function endFrame(metadata: Headers, error: ConnectError): Uint8Array {
  const text = JSON.stringify(endStreamToJson(metadata, error, undefined));
  return encodeEnvelope(endStreamFlag, new TextEncoder().encode(text));
}

async function* only(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
