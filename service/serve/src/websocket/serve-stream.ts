/**
 * One call on one socket: its headers are the first frame, its messages go through the same handler as those of gRPC, and
 * trailers end it. The socket closes with the call, as a stream of HTTP/2 does, so that a slow call holds up no other.
 */
import { Code, ConnectError, type ContextValues } from "@connectrpc/connect";
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { type CupelError, errorFrom } from "@cupel/base";
import type { RawData, WebSocket } from "ws";
import { serveErrors } from "../errors.ts";
import { boundTimeout } from "../grpc/bounded-timeout.ts";
import { connectErrorOf } from "../grpc/connect-error.ts";
import { grpcForm } from "../grpc/grpc-form.ts";
import { namedRefusal } from "../grpc/name-refusals.ts";
import type { ConnectionErrorCause } from "../listener/connection-error.ts";
import { type CloseCode, closeCodes } from "./close-code.ts";
import { blockFlag, FrameReader, frame } from "./frame.ts";
import { readHeaderBlock, writeHeaderBlock } from "./header-block.ts";
import { Inbox } from "./inbox.ts";
import { keepAlive } from "./keep-alive.ts";

export interface StreamLimits {
  /** Of the first frame, in bytes and in lines. */
  readonly headerBytes: number;
  readonly headers: number;
  /** For the first frame to arrive, in ms. */
  readonly headersMs: number;
  /** For the whole request of a method that takes one message, in ms. */
  readonly requestMs: number;
  readonly stalledMs: number;
  /** Of a message of gRPC, in bytes after decompression. */
  readonly bodyLimit: number;
  /** Between two pings, in ms. */
  readonly pingMs: number;
}

export interface StreamOptions {
  readonly handler: UniversalHandler;
  /** Of the request that opened the socket. */
  readonly url: string;
  readonly contextValues: ContextValues;
  readonly limits: StreamLimits;
  isStopping(): boolean;
  /** Told why a socket ended before its time. */
  failed(cause: ConnectionErrorCause): void;
  /** Told of a defect. */
  onError(error: unknown): void;
}

export interface OpenStream {
  /** Ends a socket whose call did not begin; a call is finished, or ended by its method. */
  stop(): void;
}

/** Bytes that are read ahead of the method; also the largest WebSocket message, for it is put together before it is read. */
export const readAhead = 1 << 20;

const protoType = "application/grpc+proto";

/** Methods that take one message: it must come in time, as a body does. */
const oneMessage: ReadonlySet<string> = new Set(["unary", "server_streaming"]);

export function serveStream(socket: WebSocket, options: StreamOptions): OpenStream {
  const { handler, limits, isStopping, failed, onError } = options;
  const left = new AbortController();
  const reader = new FrameReader(limits.headerBytes);
  const inbox = new Inbox(readAhead, socket);
  const moved = keepAlive(socket, {
    ...limits,
    dead() {
      failed("stalled");
      socket.terminate();
    },
  });
  let phase: "opening" | "called" | "over" = "opening";
  let areHeadersSent = false;

  /** @returns false where the socket is gone */
  const send = (bytes: Uint8Array): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    socket.send(bytes, (error) => {
      if (!error) moved();
      resolve(!error);
    });
    return promise;
  };
  const sendBlock = (headers: Headers) => void send(frame(blockFlag, writeHeaderBlock(headers)));
  const sendHeaders = (headers: Headers) => {
    if (areHeadersSent) return;
    areHeadersSent = true;
    sendBlock(headers);
  };
  const leave = (reason: Error) => {
    phase = "over";
    stopTimer();
    inbox.fail(reason);
    left.abort(reason);
  };
  const end = (trailers: Headers, code: CloseCode) => {
    if (phase === "over") return;
    phase = "over";
    stopTimer();
    sendHeaders(new Headers({ "content-type": protoType }));
    sendBlock(trailers);
    // What a client still sends is read and dropped, so that it finds the trailers and not a broken connection.
    inbox.end();
    socket.close(code);
  };
  const refuse = (error: CupelError, code: CloseCode) => {
    if (phase === "over") return;
    const named = connectErrorOf(error);
    end(setTrailerStatus(new Headers(), named), code);
    leave(named);
  };
  const misused = (cause: ConnectionErrorCause, error: CupelError, code: CloseCode) => {
    failed(cause);
    refuse(error, code);
  };
  const late = (cause: "header_timeout" | "request_timeout", what: string) => () =>
    misused(
      cause,
      serveErrors.error("REQUEST_INVALID", `${what} did not arrive in time.`, { withoutStack: true }),
      closeCodes.late,
    );
  let timer = setTimeout(late("header_timeout", "The headers of the call"), limits.headersMs).unref();
  const stopTimer = () => clearTimeout(timer);

  const begin = (header: Headers) => {
    phase = "called";
    stopTimer();
    if (oneMessage.has(handler.method.methodKind))
      timer = setTimeout(late("request_timeout", "The request"), limits.requestMs).unref();
    void answer(header);
  };
  const answer = async (header: Headers) => {
    try {
      const told = await ask(header);
      if (told.body === undefined || told.trailer === undefined) {
        refuse(wrongType(header), closeCodes.over);
        return;
      }
      for await (const chunk of told.body) {
        if (phase === "over") return;
        sendHeaders(told.header ?? new Headers());
        if (!(await send(chunk))) return;
      }
      if (phase === "over") return;
      sendHeaders(told.header ?? new Headers());
      end(told.trailer, isStopping() ? closeCodes.stopping : closeCodes.over);
    } catch (thrown) {
      if (phase === "over") return;
      onError(thrown);
      refuse(errorFrom(thrown), closeCodes.defect);
    }
  };
  const ask = async (header: Headers): Promise<UniversalServerResponse> => {
    if (!header.has("content-type")) header.set("content-type", protoType);
    boundTimeout(header);
    // As on the gRPC face: who compresses is answered compressed.
    if (!header.has("grpc-encoding")) header.delete("grpc-accept-encoding");
    const asked: UniversalServerRequest = {
      // A WebSocket carries both directions at once, which the library knows of HTTP/2 alone.
      httpVersion: "2.0",
      method: "POST",
      url: options.url,
      header,
      body: inbox,
      signal: left.signal,
      contextValues: options.contextValues,
    };
    return await grpcForm.answer(handler, asked, (error) => namedRefusal(error, limits.bodyLimit));
  };

  socket.on("message", (data: RawData, isBinary) => {
    if (phase === "over") return;
    if (!isBinary) {
      misused("protocol_error", textMessage(), closeCodes.text);
      return;
    }
    try {
      // Its type says what `binaryType` could be set to; by default it is a Buffer.
      for (const part of reader.read(data as Buffer)) {
        if (part.kind === "headers") begin(readHeaderBlock(part.block, limits.headers));
        else if (part.kind === "bytes") inbox.push(part.bytes);
        else {
          stopTimer();
          inbox.end();
        }
      }
    } catch (thrown) {
      const error = errorFrom(thrown);
      const isLarge = error.code === "BODY_TOO_LARGE";
      if (isLarge) misused("header_too_large", error, closeCodes.tooLarge);
      else misused("protocol_error", error, closeCodes.protocol);
    }
  });
  // It has closed the socket with a code of its own by then.
  socket.on("error", () => failed("protocol_error"));
  socket.once("close", () => leave(new ConnectError("The client has left.", Code.Canceled)));

  return {
    stop() {
      if (phase === "opening") refuse(stopping(), closeCodes.stopping);
    },
  };
}

function textMessage(): CupelError {
  return serveErrors.error(
    "REQUEST_INVALID",
    "A text message came. Frames are sent in binary messages, JSON too.",
    { withoutStack: true },
  );
}

function wrongType(header: Headers): CupelError {
  return serveErrors.error(
    "MEDIA_TYPE_UNSUPPORTED",
    `The content type is ${header.get("content-type")}, and may be application/grpc+proto or application/grpc+json.`,
  );
}

function stopping(): CupelError {
  return serveErrors.error("SERVER_STOPPING", "The server is shutting down. Call another one.");
}
