/** HTTP/2 on sockets that others accepted: over TLS where ALPN chose it, in cleartext after its preface. */
import {
  constants,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { continueWhenRead } from "./await-continue.ts";
import { causeOf } from "./connection-error.ts";
import type { HttpServer, HttpServerOptions } from "./http1.ts";

/** Resets that a client may make at once; and then as many a second. nghttp2 ends the connection past them. */
const resetBurst = 1000;
const resetRate = 33;
/** Of memory for one session beside its windows, in MB: answers that wait to be read. */
const sessionMemory = 64;

export function createHttp2({ dispatch, limits, streams, failed }: HttpServerOptions): HttpServer {
  const sessions = new Set<ServerHttp2Session>();
  /** Requests that a client reset, by session. */
  const resets = new WeakMap<ServerHttp2Session, number>();

  const server = createServer({
    settings: {
      initialWindowSize: limits.streamWindow,
      maxConcurrentStreams: limits.streams,
      maxHeaderListSize: limits.headerBytes,
    },
    maxHeaderListPairs: limits.headers,
    maxSessionMemory: sessionMemory,
    streamResetBurst: resetBurst,
    streamResetRate: resetRate,
  });

  const addressOf = (session: ServerHttp2Session) => session.socket?.remoteAddress;

  server.on("session", (session) => {
    sessions.add(session);
    const address = addressOf(session);
    let open = 0;
    session.setLocalWindowSize(limits.connectionWindow);
    session.setTimeout(limits.idleMs, () => {
      if (open === 0) session.close();
    });
    session.on("stream", (stream) => {
      open++;
      stream.once("close", () => {
        open--;
        if (stream.rstCode !== constants.NGHTTP2_NO_ERROR)
          resets.set(session, (resets.get(session) ?? 0) + 1);
      });
    });
    session.on("error", (error) => {
      // The last of the streams may not have told of their end yet.
      const isReset = (resets.get(session) ?? 0) >= resetBurst / 2;
      failed(isReset ? "rapid_reset" : causeOf(error, "protocol_error"), address, error);
    });
    session.once("close", () => sessions.delete(session));
  });

  /** Gives a request up, without a word to other requests of its connection. */
  const limitTime = (request: Http2ServerRequest, stream: ServerHttp2Stream) => {
    const address = request.socket.remoteAddress;
    const giveUp = (cause: "stalled" | "request_timeout") => {
      failed(cause, address);
      stream.close(constants.NGHTTP2_CANCEL);
    };
    stream.setTimeout(limits.stalledMs, () => giveUp("stalled"));
    if (stream.endAfterHeaders || streams(request)) return;
    const timer = setTimeout(giveUp, limits.requestMs, "request_timeout");
    const stop = () => clearTimeout(timer);
    request.once("end", stop);
    stream.once("close", stop);
  };

  const take = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    limitTime(request, response.stream);
    dispatch(request, response);
  };
  server.on("request", take);
  server.on("checkContinue", (request, response) => {
    continueWhenRead(request, response, () => {});
    take(request, response);
  });

  return {
    take(socket: Socket) {
      // Both directions of HTTP/2 end together.
      socket.allowHalfOpen = false;
      server.emit("connection", socket);
    },
    stop() {
      for (const session of sessions) session.close();
    },
  };
}
