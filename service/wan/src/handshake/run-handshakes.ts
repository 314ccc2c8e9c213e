/** Runs the comparison of handshakes: a link, a server of each mode of TLS at its far end, and connections from the near one. */
import { createRandom, moduleBeside, quantile, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { FarServers, type StartServer } from "../compare/far-servers.ts";
import { makeTls } from "../face/tls-files.ts";
import { openEmulatedLink } from "../link/emulated-link.ts";
import { startJob } from "../link/job-process.ts";
import type { Link } from "../link/measured-link.ts";
import { type LinkVerification, verifyLink } from "../link/verify-link.ts";
import { assertScenario, type Scenario } from "../scenario/scenario.ts";
import type { HandshakeTarget } from "./first-call.ts";
import { type HandshakeKind, handshakeKinds } from "./handshake-kinds.ts";
import type { HandshakeJob, HandshakeResult } from "./handshake-process.ts";
import type { Http1OnlyJob } from "./http1-only-process.ts";
import { type HandshakeSummary, summariseHandshakes } from "./summarise-handshakes.ts";

export interface HandshakePlan {
  /** Of each kind. */
  readonly connections: number;
  /** Between the begins of two, ms, whatever became of those before: a slow one makes no other wait. */
  readonly stepMs: number;
  readonly seed: number;
}

/** What is punctual, ms: timers of Node.js are of whole milliseconds. */
export const handshakeLagLimitMs = 5;

export const handshakePlanDefaults: HandshakePlan = { connections: 40, stepMs: 75, seed: 1 };

export interface HandshakeOptions extends HandshakePlan, WorkOptions {
  readonly startServer: StartServer;
}

export interface ComparedHandshakes {
  readonly name: string;
  readonly verification: LinkVerification;
  readonly kinds: readonly HandshakeSummary[];
  /** How late connections were begun, at the 99th percentile, ms. */
  readonly lagP99Ms: number;
  /** Of each kind, every connection in the order of their begins. */
  readonly calls: HandshakeResult["calls"];
}

/** Probes, servers that start, and the last answers, of a link, s. */
const perLink = 15;

/** How long a comparison takes, about, s. */
export function handshakeSecondsOf({ links }: Scenario, { connections, stepMs }: HandshakePlan): number {
  return links.length * (perLink + (handshakeKinds.length * connections * stepMs) / 1000);
}

/**
 * Over each link of the scenario, with the first call of its load; its cells are not asked. TCP is as the kernel has it.
 * @throws SCENARIO_INVALID, LINK_UNAVAILABLE, LINK_FAILED, LINK_OFF, LOAD_FAILED
 */
export async function runHandshakes(
  scenario: Scenario,
  options: HandshakeOptions,
): Promise<readonly ComparedHandshakes[]> {
  assertScenario(scenario);
  const { progress, signal } = options;
  using task = progress?.start(`Handshakes over ${scenario.name}`, scenario.links.length, "links");
  const compared: ComparedHandshakes[] = [];
  for (const { name, spec } of scenario.links) {
    throwIfCancelled(signal, "The comparison");
    await using link = await openEmulatedLink(spec, options);
    const verification = await verifyLink(link, spec, options);
    const { calls, lags } = await handshakesOver(link, scenario.load.bytes, options);
    const kinds = summariseHandshakes(handshakeKinds, calls, verification.roundTripMs.p50);
    const lagP99Ms = quantile(Float64Array.from(lags).sort(), 0.99);
    compared.push({ name, verification, kinds, lagP99Ms, calls });
    task?.advance();
  }
  return compared;
}

/** Over a link that is there. @throws LOAD_FAILED */
export async function handshakesOver(
  link: Pick<Link, "near" | "far" | "reach">,
  bytes: number,
  { connections, stepMs, seed, startServer, signal }: HandshakeOptions,
): Promise<HandshakeResult> {
  const { near, far } = link;
  await using servers = new FarServers(link, startServer);
  const foreign = makeTls("on", far.address);
  await using http1Only = startJob(
    moduleBeside(import.meta.url, "http1-only-process"),
    { address: far.address, tls: foreign.server } satisfies Http1OnlyJob,
    { place: far, name: "The server of HTTP/1.1 alone", signal },
  );
  const { port } = (await http1Only.ready) as { port: number };
  const { call } = (await servers.of("off")).server;
  const target = async (kind: HandshakeKind): Promise<HandshakeTarget> => {
    const facts = { kind, host: far.address, call: { ...call, bytes } };
    if (kind.server === "http1-only") return { ...facts, port, tls: foreign.caller };
    const { server, tls } = await servers.of(kind.server);
    // Whoever asks a cleartext port for TLS gets no certificate to look at.
    return { ...facts, port: Number(new URL(server.url).port), tls: tls ?? foreign.caller };
  };
  const random = createRandom(seed);
  const job: HandshakeJob = {
    targets: await Promise.all(handshakeKinds.map(target)),
    order: Array.from({ length: connections }, () => random.permutation(handshakeKinds.length)).flat(),
    stepMs,
  };
  await using process = startJob(moduleBeside(import.meta.url, "handshake-process"), job, {
    place: near,
    name: "The client of handshakes",
    signal,
  });
  // The process writes nothing else.
  return (await process.result) as HandshakeResult;
}
