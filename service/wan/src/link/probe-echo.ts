/** Answers probes: says of each when it came, by the clock that all processes of a machine share. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { serveJob } from "./serve-job.ts";

export interface ProbeEchoJob {
  readonly address: string;
}

await serveJob(async ({ address }: ProbeEchoJob, { signal, ready }) => {
  const socket = createSocket("udp4");
  let received = 0;
  let overtaken = 0;
  /** The number of the last probe of each flow. */
  const last = new Map<number, bigint>();
  socket.on("message", (probe, { port, address: from }) => {
    received++;
    const number = probe.readBigUInt64LE(0);
    if (number < (last.get(port) ?? -1n)) overtaken++;
    else last.set(port, number);
    // Number and time of sending, 8 bytes each, then that of coming.
    const answer = Buffer.alloc(24);
    probe.copy(answer, 0, 0, 16);
    answer.writeBigUInt64LE(process.hrtime.bigint(), 16);
    socket.send(answer, port, from);
  });
  socket.bind(0, address);
  await once(socket, "listening");
  ready({ port: socket.address().port });
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  return { received, overtaken };
});
