/** Measures a link by packets of its own, one way and the other: both ends are on one machine and share its clock. */
import { moduleBeside } from "@cupel/base";
import { jitterReach } from "./delay-law.ts";
import type { EmulatedLink, LinkSpec } from "./emulated-link.ts";
import { startJob } from "./job-process.ts";
import type { ProbeEchoJob } from "./probe-echo.ts";
import type { ProbeSendJob } from "./probe-send.ts";
import { realTimeWords } from "./real-time.ts";

export interface Probes {
  readonly sent: number;
  /** By the far end. */
  readonly received: number;
  readonly answered: number;
  /** Probes that came after a later one of the same flow. */
  readonly overtaken: number;
  /** Delays of the probes whose answers came, ms. */
  readonly toFar: readonly number[];
  readonly toNear: readonly number[];
}

/** What the sender knows. */
export type Gathered = Omit<Probes, "sent" | "received" | "overtaken">;

export interface ProbeOptions {
  readonly count: number;
  /** Between two probes. */
  readonly stepMs: number;
  /** Connections that take turns. Default: so many that probes of one are further apart than the jitter, and none waits for another. */
  readonly flows?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws LOAD_FAILED, LINK_FAILED */
export async function probeLink(
  { near, far }: Pick<EmulatedLink, "near" | "far">,
  spec: LinkSpec,
  { count, stepMs, flows: given, signal }: ProbeOptions,
): Promise<Probes> {
  const before = await realTimeWords();
  await using echo = startJob(
    moduleBeside(import.meta.url, "probe-echo"),
    { address: far.address } satisfies ProbeEchoJob,
    { place: far, name: "The echo of probes", before, signal },
  );
  const { port } = (await echo.ready) as { port: number };
  const reach = jitterReach(spec.toFar.delay) + jitterReach(spec.toNear.delay);
  const flows = given ?? Math.max(1, Math.ceil((2 * reach) / stepMs));
  const waitMs = spec.toFar.delay.delayMs + spec.toNear.delay.delayMs + reach + 300;
  const job: ProbeSendJob = { address: far.address, port, count, stepMs, flows, waitMs };
  await using sender = startJob(moduleBeside(import.meta.url, "probe-send"), job, {
    place: near,
    name: "The sender of probes",
    before,
    signal,
  });
  const gathered = (await sender.result) as Gathered;
  const echoed = (await echo.stop()) as Pick<Probes, "received" | "overtaken">;
  return { ...gathered, ...echoed, sent: count };
}
