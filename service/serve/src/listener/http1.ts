/** HTTP/1.1 on sockets that others accepted. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { refuse } from "../core/send-answer.ts";
import { serveErrors } from "../errors.ts";
import { continueWhenRead } from "./await-continue.ts";
import { type ConnectionErrorCause, causeOf } from "./connection-error.ts";
import type { Dispatch, Upgrades } from "./dispatch.ts";
import type { ConnectionLimits } from "./limits.ts";
import { hasOneHost, originForm } from "./request-target.ts";

/** What speaks one version of HTTP on sockets that are handed to it. */
export interface HttpServer {
  take(socket: Socket): void;
  /** Closes what is idle, and the rest when its requests are done. */
  stop(): void;
}

export interface HttpServerOptions {
  readonly dispatch: Dispatch;
  readonly upgrades: Upgrades;
  readonly limits: ConnectionLimits;
  /** Whether a request may go on for as long as something moves on it. */
  streams(request: Parameters<Dispatch>[0]): boolean;
  failed(cause: ConnectionErrorCause, address: string | undefined, error?: unknown): void;
}

const statusLines: Partial<Record<ConnectionErrorCause, string>> = {
  header_timeout: "408 Request Timeout",
  request_timeout: "408 Request Timeout",
  header_too_large: "431 Request Header Fields Too Large",
  protocol_error: "400 Bad Request",
};

const noUpgrade = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

export function createHttp1({ dispatch, upgrades, limits, failed }: HttpServerOptions): HttpServer {
  const sockets = new Set<Socket>();
  /** The response in hand of each socket. */
  const busy = new Map<Socket, ServerResponse>();
  let isStopping = false;

  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    busy.set(socket, response);
    if (isStopping) response.shouldKeepAlive = false;
    response.once("close", () => {
      busy.delete(socket);
      if (isStopping) socket.destroySoon();
    });
    if (!hasOneHost(request)) {
      failed("protocol_error", socket.remoteAddress);
      response.shouldKeepAlive = false;
      refuse(
        serveErrors.error("REQUEST_INVALID", "The request has no header Host, or several. Send one."),
        request,
        response,
      );
      return;
    }
    request.url = originForm(request.url ?? "/");
    dispatch(request, response);
  };

  const isUpgraded = (request: IncomingMessage): boolean => {
    if (isStopping || !hasOneHost(request)) return false;
    request.url = originForm(request.url ?? "/");
    return upgrades.wants(request);
  };

  const server = createServer(
    {
      shouldUpgradeCallback: isUpgraded,
      maxHeaderSize: limits.headerBytes,
      // Node takes none that is longer than that of the whole request.
      headersTimeout: Math.min(limits.headersMs, limits.requestMs),
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      // How late a limit of time may be noticed.
      connectionsCheckingInterval: Math.max(20, Math.min(1000, limits.headersMs / 5)),
      // Those without are refused above, in the form of the faces.
      requireHostHeader: false,
    },
    take,
  );
  server.on("checkContinue", (request, response) => {
    // A client that is refused does not send its body, or does: only a closed connection tells it from the next request.
    const isKept = response.shouldKeepAlive;
    response.shouldKeepAlive = false;
    continueWhenRead(request, response, () => {
      response.shouldKeepAlive = isKept && !isStopping;
    });
    take(request, response);
  });
  server.on("upgrade", (request, duplex, head) => {
    const socket = duplex as Socket;
    // Node has taken its own listener off: without one, a client that breaks the connection would end the process.
    socket.on("error", (error) => failed(causeOf(error), socket.remoteAddress, error));
    // Node before 24.9 asks nobody.
    if (!isUpgraded(request)) {
      socket.end(noUpgrade, () => socket.destroy());
      return;
    }
    sockets.delete(socket);
    upgrades.take(request, socket, head);
  });
  server.maxHeadersCount = limits.headers;
  server.timeout = limits.stalledMs;
  // Also when a connection that is kept alive has waited long enough for a next request, which is no failure.
  server.on("timeout", (socket) => {
    if (busy.has(socket)) failed("stalled", socket.remoteAddress);
    socket.destroy();
  });
  server.on("clientError", (error, duplex) => {
    // The types say a stream of any kind; only sockets are handed in.
    const socket = duplex as Socket;
    let cause = causeOf(error, "protocol_error");
    if (cause === "header_timeout" && busy.has(socket)) cause = "request_timeout";
    failed(cause, socket.remoteAddress, error);
    const status = statusLines[cause];
    const isAnswered = busy.get(socket)?.headersSent === true;
    if (status === undefined || isAnswered || !socket.writable) socket.destroy();
    else
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () =>
        socket.destroy(),
      );
  });
  // The limits of time are looked after from this event on, which only a listening server has by itself.
  server.emit("listening");

  return {
    take(socket) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      server.emit("connection", socket);
      // Read by Node's parser itself, what TLS has deciphered already still comes when the parser pauses for answers that
      // wait to be sent, and is refused as malformed. A listener has the socket read as a stream, which holds it back.
      if (socket instanceof TLSSocket) socket.on("data", () => {});
    },
    stop() {
      isStopping = true;
      for (const socket of sockets) {
        const response = busy.get(socket);
        if (!response) socket.destroySoon();
        else if (!response.headersSent) response.shouldKeepAlive = false;
      }
      server.close();
    },
  };
}
