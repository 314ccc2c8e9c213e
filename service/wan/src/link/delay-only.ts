/**
 * Where no link can be emulated (no rights, no Linux): a pass-through of its own process before each server that only adds
 * delay. It says how long protocols wait for round trips, and nothing about loss, rates and congestion control.
 */
import { moduleBeside } from "@cupel/base";
import type { EmulatedLinkOptions, LinkSpec } from "./emulated-link.ts";
import { startJob } from "./job-process.ts";
import type { MeasuredLink } from "./measured-link.ts";
import { thisMachine } from "./place.ts";
import { realTimeWords } from "./real-time.ts";
import type { TcpDelayOptions } from "./tcp-delay.ts";
import { type PassThrough, verifyDelay } from "./verify-delay.ts";

export function openDelayOnly(spec: LinkSpec, { seed, signal }: EmulatedLinkOptions): MeasuredLink {
  const opened = new AsyncDisposableStack();
  const passThrough = async (host: string, port: number): Promise<PassThrough> => {
    const job: TcpDelayOptions = { spec, host, port, seed };
    const process = startJob(moduleBeside(import.meta.url, "tcp-delay-process"), job, {
      place: thisMachine,
      name: "The pass-through that adds delay",
      code: "LINK_FAILED",
      before: await realTimeWords(),
      signal,
    });
    // It tells nothing else when it is ready.
    const ready = (await process.ready) as number;
    return { port: ready, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
  };
  return {
    near: thisMachine,
    far: thisMachine,
    device: null,
    async reach(url) {
      const reached = new URL(url);
      const port = Number(reached.port || (reached.protocol === "https:" ? 443 : 80));
      reached.port = String(opened.use(await passThrough(reached.hostname, port)).port);
      return reached.href.replace(/\/$/, "");
    },
    async setTcp() {},
    counters: async () => null,
    verify: () => verifyDelay(spec, { passThrough, signal }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
