/** A server of a test, on loopback, at a port that the system gives. */
import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { Server } from "node:net";

export async function listening(server: Server | HttpServer): Promise<{ port: number } & AsyncDisposable> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      if ("closeAllConnections" in server) server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
