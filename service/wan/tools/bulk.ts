/** One TCP connection that sends all it can for a while, and what comes of it at the other end: for `accept-link.ts`. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { serveJob } from "../src/link/serve-job.ts";

export type BulkJob =
  | { readonly role: "receive"; readonly address: string; readonly warmUpMs: number }
  | { readonly role: "send"; readonly address: string; readonly port: number; readonly durationMs: number };

export interface Received {
  /** After the warm-up. */
  readonly bytes: number;
  readonly seconds: number;
}

await serveJob(async (job: BulkJob, { signal, ready }) => {
  if (job.role === "send") {
    const socket = connect(job.port, job.address);
    await once(socket, "connect");
    const block = Buffer.alloc(65_536);
    const fill = () => {
      while (socket.write(block)) {}
    };
    socket.on("drain", fill);
    fill();
    await delay(job.durationMs, undefined, { signal }).catch(() => {});
    socket.destroy();
    return null;
  }
  let bytes = 0;
  let from = 0;
  let until = 0;
  const server = createServer((socket) => {
    const begun = performance.now();
    socket.on("error", () => {});
    socket.on("data", (data) => {
      const now = performance.now();
      if (now - begun < job.warmUpMs) return;
      if (from === 0) from = now;
      else bytes += data.length;
      until = now;
    });
  });
  server.listen(0, job.address);
  await once(server, "listening");
  const address = server.address();
  ready({ port: typeof address === "object" ? address?.port : 0 });
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  return { bytes, seconds: (until - from) / 1000 } satisfies Received;
});
