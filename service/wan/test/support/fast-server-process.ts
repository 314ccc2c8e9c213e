/** The fast server as a process of its own, for the far end of a link. */
import { once } from "node:events";
import type { ServerTls } from "../../src/face/tls-files.ts";
import { serveJob } from "../../src/link/serve-job.ts";
import { openFastServer } from "./fast-server.ts";

interface FastServerJob {
  readonly address: string;
  readonly tls: ServerTls | null;
}

await serveJob(async ({ address, tls }: FastServerJob, { signal, ready }) => {
  await using server = await openFastServer(address, tls);
  ready({ port: server.port });
  if (!signal.aborted) await once(signal, "abort");
});
