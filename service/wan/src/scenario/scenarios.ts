/** The scenarios that come with the package. Adding one is adding a row. */
import { clientPool, stockPolicy } from "../face/connection-policy.ts";
import type { DelayLaw } from "../link/delay-law.ts";
import type { DirectionSpec } from "../link/direction.ts";
import type { LinkSpec } from "../link/emulated-link.ts";
import type { LossLaw } from "../link/loss.ts";
import type { Cell, Scenario, ScenarioLink } from "./scenario.ts";

const h2 = (connections: number) => ({ http: 2, connections }) as const;

const h1 = clientPool;

const cell = (protocol: Cell["protocol"], policy: Cell["policy"], more: Partial<Cell> = {}): Cell => ({
  by: "bytes",
  protocol,
  policy,
  congestion: "bbr",
  hedgeMs: null,
  connections: "cold",
  tls: "off",
  bytes: null,
  ...more,
});

/** Twelve at most: protocols over the same connections, then connections with the same protocol, then what else matters. */
const usual: readonly Cell[] = [
  cell("grpc", stockPolicy),
  cell("grpc", h2(8)),
  cell("grpc", h2(64)),
  cell("grpc-web", h2(64)),
  cell("connect", h2(64)),
  cell("rest-json", h2(64)),
  cell("rest-json", h1),
  cell("rest-cbor", h1),
  cell("rest-binary", h1),
  cell("graphql", h1),
  cell("grpc", h2(64), { congestion: "cubic" }),
  cell("grpc", h2(64), { congestion: "reno" }),
];

/**
 * Every protocol over every policy it is called over, with every congestion control, cold and warm; and of hedges, TLS and
 * payloads a few rows each: they multiply what is compared by nothing else.
 */
export const everyCell: readonly Cell[] = [
  ...(["bbr", "cubic", "reno"] as const).flatMap((congestion) =>
    (["cold", "warm"] as const).flatMap((connections) => [
      ...(["grpc", "grpc-web", "connect", "rest-json", "rest-cbor", "rest-binary"] as const).flatMap(
        (protocol) => [1, 8, 64].map((count) => cell(protocol, h2(count), { congestion, connections })),
      ),
      ...(["rest-json", "rest-cbor", "rest-binary", "graphql"] as const).map((protocol) =>
        cell(protocol, h1, { congestion, connections }),
      ),
    ]),
  ),
  ...[null, 0, 60, 120, 200].map((hedgeMs) => cell("grpc", h2(64), { by: "client", hedgeMs })),
  ...(["on", "mutual"] as const).flatMap((tls) => [
    cell("grpc", h2(1), { tls }),
    cell("grpc", h2(64), { tls }),
    cell("rest-json", h1, { tls }),
  ]),
  // A part of a packet, and three packets each way: more at the load's rate is more than the relay carries.
  ...[120, 3_600].flatMap((bytes) => [
    cell("grpc", h2(64), { bytes }),
    cell("rest-json", h1, { bytes }),
    cell("rest-binary", h1, { bytes }),
  ]),
];

const uniform = (delayMs: number, jitterMs: number): DelayLaw => ({ delayMs, law: "uniform", jitterMs });
const independent = (share: number): LossLaw => ({ kind: "independent", share });

function link(name: string, delay: DelayLaw, loss: LossLaw, more: Partial<DirectionSpec> = {}): ScenarioLink {
  const way: DirectionSpec = { delay, loss, rate: null, queueBytes: null, reorders: false, ...more };
  return { name, spec: { toFar: way, toNear: way } satisfies LinkSpec };
}

const load = { law: "poisson", perSecond: 2000, bytes: 1200, deadlineMs: 5_000 } as const;

export const scenarios: readonly Scenario[] = [
  {
    name: "atlantic-pacific",
    summary: "150 ms round trip, give or take 20, and 1.2 % of packets lost each way",
    // Ten each way: a round trip of 130 to 170.
    links: [link("near - far", uniform(75, 10), independent(0.012))],
    load,
    cells: usual,
  },
  {
    name: "three-cities",
    summary: "Frankfurt, San Jose and Singapore, each with each",
    // Round trips as the great circles and public tables of providers have them, rounded; 0.2 % lost, a usual bad hour.
    links: [
      link("Frankfurt - San Jose", uniform(75, 4), independent(0.002)),
      link("Frankfurt - Singapore", uniform(80, 4), independent(0.002)),
      link("San Jose - Singapore", uniform(88, 4), independent(0.002)),
    ],
    load,
    cells: [cell("grpc", stockPolicy), cell("grpc", h2(64)), cell("rest-json", h1)],
  },
  {
    name: "lan",
    summary: "A clean local network: 0.5 ms round trip, nothing lost",
    links: [link("near - far", { delayMs: 0.25, law: "none", jitterMs: 0 }, { kind: "none" })],
    load,
    cells: usual
      .filter(({ congestion }) => congestion === "bbr")
      .map((each) => ({ ...each, congestion: "cubic" })),
  },
  {
    name: "mobile",
    summary: "A lossy mobile link: 60 ms round trip, jitter, 2 % lost in bursts of four, 20 Mbit/s",
    links: [
      link(
        "near - far",
        { delayMs: 30, law: "normal", jitterMs: 5 },
        { kind: "bursts", goodToBad: 0.0051, badToGood: 0.25, lossInGood: 0, lossInBad: 1 },
        { rate: 20_000_000, queueBytes: 150_000 },
      ),
    ],
    load: { ...load, perSecond: 200 },
    cells: usual,
  },
  {
    name: "bufferbloat",
    summary: "5 Mbit/s behind a queue of one second: what waits delays, and is not lost",
    links: [
      link(
        "near - far",
        { delayMs: 20, law: "none", jitterMs: 0 },
        { kind: "none" },
        { rate: 5_000_000, queueBytes: 625_000 },
      ),
    ],
    load: { ...load, perSecond: 200 },
    cells: usual,
  },
];
