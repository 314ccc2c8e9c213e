/** Servers that fail in a chosen way: bare TCP, HTTP/1.1 and gRPC, on a free port of this machine. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttp2Server, type Http2Session, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { GRPCInferenceService } from "../../src/rpc/gen/inference/inference_service_pb.ts";

export interface FaultyServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Connections that were made so far. */
  readonly connections: number;
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
}

async function listening(server: Server, port = 0): Promise<FaultyServer> {
  let connections = 0;
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    get connections() {
      return connections;
    },
    async idle() {
      while (sockets.size > 0)
        await Promise.all([...sockets].map((socket) => new Promise((end) => socket.once("close", end))));
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export const tcpServer = (onConnection: (socket: Socket) => void): Promise<FaultyServer> =>
  listening(createTcpServer(onConnection));

export const httpServer = (onRequest: RequestListener): Promise<FaultyServer> =>
  listening(createHttpServer(onRequest));

/**
 * A gRPC server whose models answer their request's id, and a tensor where they are to. @param onCall told of each call with
 * its connection
 */
export function grpcServer(
  onCall: (call: {
    readonly stream: ServerHttp2Stream;
    readonly session: Http2Session;
    readonly number: number;
  }) => void,
  { port, answerBytes = 0 }: { readonly port?: number; readonly answerBytes?: number } = {},
) {
  const tensor = {
    outputs: [{ name: "y", datatype: "UINT8", shape: [BigInt(answerBytes)] }],
    // What compression makes no smaller.
    rawOutputContents: [randomBytes(answerBytes)],
  };
  let number = 0;
  const adapter = connectNodeAdapter({
    routes: (router) =>
      router.service(GRPCInferenceService, {
        modelInfer: ({ id }) => ({ modelName: "m", modelVersion: "1", id, ...(answerBytes > 0 && tensor) }),
        serverLive: () => ({ live: true }),
        async *modelStreamInfer(requests) {
          for await (const { id } of requests) {
            const inferResponse = { modelName: "m", modelVersion: "1", id };
            yield id === "bad"
              ? { errorMessage: "MODEL_UNKNOWN: There is none.", inferResponse }
              : { inferResponse };
          }
        },
      }),
  });
  const server = createHttp2Server((request, response) => {
    const { stream } = request;
    onCall({ stream, session: stream.session!, number: number++ });
    if (!response.stream.closed) adapter(request, response);
  });
  server.on("sessionError", () => {});
  return listening(server, port);
}

/** A port of this machine that nobody listens on. */
export async function closedPort(): Promise<string> {
  await using server = await tcpServer(() => {});
  return server.url;
}
