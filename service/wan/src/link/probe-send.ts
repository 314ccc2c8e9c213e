/** Sends probes at equal steps, from several ports in turn, and gathers the delay of each way. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Gathered } from "./probe-link.ts";
import { serveJob } from "./serve-job.ts";

export interface ProbeSendJob {
  readonly address: string;
  readonly port: number;
  readonly count: number;
  readonly stepMs: number;
  /** Each is a flow of its own: what one sends is `flows * stepMs` apart. */
  readonly flows: number;
  /** How long is waited for the last answers. */
  readonly waitMs: number;
}

await serveJob(async ({ address, port, count, stepMs, flows, waitMs }: ProbeSendJob, { signal }) => {
  const toFar: number[] = [];
  const toNear: number[] = [];
  const milliseconds = (from: bigint, to: bigint) => Number(to - from) / 1e6;
  const sockets = await Promise.all(
    Array.from({ length: flows }, async () => {
      const socket = createSocket("udp4");
      socket.on("message", (answer) => {
        const now = process.hrtime.bigint();
        const cameAt = answer.readBigUInt64LE(16);
        toFar.push(milliseconds(answer.readBigUInt64LE(8), cameAt));
        toNear.push(milliseconds(cameAt, now));
      });
      socket.connect(port, address);
      await once(socket, "connect");
      return socket;
    }),
  );
  const start = performance.now();
  for (let sent = 0; sent < count && !signal.aborted; ) {
    const due = Math.min(count, Math.floor((performance.now() - start) / stepMs) + 1);
    for (; sent < due; sent++) {
      const probe = Buffer.alloc(16);
      probe.writeBigUInt64LE(BigInt(sent), 0);
      probe.writeBigUInt64LE(process.hrtime.bigint(), 8);
      sockets[sent % flows]?.send(probe);
    }
    await delay(1);
  }
  await delay(waitMs, undefined, { signal }).catch(() => {});
  return { toFar, toNear, answered: toNear.length } satisfies Gathered;
});
