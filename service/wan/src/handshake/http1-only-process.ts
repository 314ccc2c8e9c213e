/** A server with TLS that has HTTP/1.1 alone, as many a proxy before a service: it ends the handshake of who names HTTP/2 alone. */
import { once } from "node:events";
import { createServer } from "node:https";
import type { ServerTls } from "../face/tls-files.ts";
import { serveJob } from "../link/serve-job.ts";

export interface Http1OnlyJob {
  readonly address: string;
  readonly tls: ServerTls;
}

await serveJob(async ({ address, tls }: Http1OnlyJob, { signal, ready }) => {
  const server = createServer(
    { cert: tls.certificate, key: tls.key, ALPNProtocols: ["http/1.1"], minVersion: "TLSv1.3" },
    (_, answer) => void answer.end(),
  );
  server.listen(0, address);
  await once(server, "listening");
  const bound = server.address();
  ready({ port: typeof bound === "object" ? bound?.port : 0 });
  if (!signal.aborted) await once(signal, "abort");
});
