/** A server that answers every request at once, over HTTP/1.1 and HTTP/2 on one port, with TLS or without. */
import { once } from "node:events";
import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from "node:http";
import {
  createServer as createHttp2,
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import { createServer as createTcp, type Socket } from "node:net";
import type { ServerTls } from "../../src/face/tls-files.ts";

function answer(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): void {
  request.resume();
  request.on("end", () => response.end());
}

/** What is not HTTP/2 is left to HTTP/1.1. */
function cleartext() {
  const http1 = createHttp1(answer);
  const http2 = createHttp2(answer);
  return createTcp((socket) => {
    socket.on("error", () => {});
    socket.once("data", (first) => {
      socket.pause();
      socket.unshift(first);
      (first.toString("latin1", 0, 3) === "PRI" ? http2 : http1).emit("connection", socket);
      process.nextTick(() => socket.resume());
    });
  });
}

function secure({ certificate, key, clientAuthority }: ServerTls) {
  return createSecureServer(
    {
      cert: certificate,
      key,
      minVersion: "TLSv1.3",
      allowHTTP1: true,
      ...(clientAuthority === null ? {} : { ca: clientAuthority, requestCert: true }),
    },
    answer,
  );
}

export interface FastServer extends AsyncDisposable {
  readonly port: number;
}

/** @param tls null: cleartext */
export async function openFastServer(address: string, tls: ServerTls | null): Promise<FastServer> {
  const server = tls === null ? cleartext() : secure(tls);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, address);
  await once(server, "listening");
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
