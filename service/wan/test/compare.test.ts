/** Plans, scenarios and summaries: what needs no link. */
import assert from "node:assert/strict";
import test from "node:test";
import { rateSearchSeconds, secondsOf } from "../src/compare/duration.ts";
import type { MeasuredRun } from "../src/compare/measure-run.ts";
import { planDefaults, planRuns } from "../src/compare/plan.ts";
import { summarise } from "../src/compare/summarise.ts";
import { delayOnlyScenario, noCongestion } from "../src/scenario/delay-only-scenario.ts";
import { assertScenario, type Scenario } from "../src/scenario/scenario.ts";
import { everyCell, scenarios } from "../src/scenario/scenarios.ts";

const ocean = scenarios.find(({ name }) => name === "atlantic-pacific");
assert.ok(ocean);

test("the scenarios that come with the package have the form of one, and the usual table fits a quarter of an hour", () => {
  for (const each of scenarios) assertScenario({ ...each, cells: [...each.cells, ...everyCell] });
  assert.ok(ocean.cells.length <= 12);
  const seconds = secondsOf(ocean, planDefaults) + rateSearchSeconds(ocean);
  assert.ok(seconds <= 900, `${seconds} s`);
});

const [link] = ocean.links;
assert.ok(link);
const way = link.spec.toFar;
const broken: readonly { readonly changes: Partial<Scenario>; readonly says: RegExp }[] = [
  { changes: { links: [] }, says: /needs a link/ },
  { changes: { load: { ...ocean.load, perSecond: 0 } }, says: /needs a rate/ },
  {
    changes: { cells: [{ ...everyCell[0]!, protocol: "grpc", policy: { http: 1, connections: 1 } }] },
    says: /grpc over HTTP\/1/,
  },
  {
    changes: { cells: [{ ...everyCell[0]!, bytes: 3 }] },
    says: /less than four bytes/,
  },
  {
    changes: {
      links: [
        {
          name: "l",
          spec: { toFar: way, toNear: { ...way, delay: { delayMs: 5, law: "normal", jitterMs: 2 } } },
        },
      ],
    },
    says: /below 0/,
  },
  {
    changes: {
      links: [
        { name: "l", spec: { toFar: way, toNear: { ...way, loss: { kind: "independent", share: 1.2 } } } },
      ],
    },
    says: /not from 0 to 1/,
  },
  {
    changes: { links: [{ name: "l", spec: { toFar: way, toNear: { ...way, rate: 1e6, queueBytes: 100 } } }] },
    says: /1,500 bytes/,
  },
];

for (const { changes, says } of broken) {
  test(`a scenario is refused that ${says.source}`, () => {
    assert.throws(
      () => assertScenario({ ...ocean, ...changes }),
      (error: Error) => {
        assert.match(error.message, says);
        return "code" in error && error.code === "SCENARIO_INVALID";
      },
    );
  });
}

test("every cell runs once in each round, in another order each time, with one load a round", () => {
  const runs = planRuns(ocean.cells, planDefaults);
  const rounds = Map.groupBy(runs, ({ round }) => round);
  assert.equal(rounds.size, 6);
  const orders = new Set<string>();
  for (const of of rounds.values()) {
    orders.add(of.map(({ cell }) => cell).join());
    assert.deepEqual(
      of.map(({ cell }) => cell).sort((a, b) => a - b),
      ocean.cells.map((_, i) => i),
    );
    assert.equal(new Set(of.map(({ seed }) => seed)).size, 1);
  }
  assert.ok(orders.size > 1);
});

test("a cell's summary is the median of its runs, with the interval from the least to the greatest of six", () => {
  const latency = (p99: number) => ({
    count: 100,
    mean: 160,
    p50: 150,
    p90: 200,
    p99,
    p999: 500,
    max: 600,
    curve: [],
  });
  const run = (p99: number): MeasuredRun => ({
    round: 0,
    cell: 0,
    seed: 1,
    load: {
      requests: 100,
      sent: 200,
      seconds: 2,
      outcomes: { ok: 98, deadline: 2, reset: 0, status: 0, breaker: 0, other: 0 },
      latency: latency(p99),
      firstByte: latency(p99),
      lag: latency(0.4),
      missed: [],
      underWay: [10, 10, 10],
      extraSends: 3,
      failures: {},
      cpuSeconds: 0.05,
      network: {
        sentBytes: 200_000,
        sentPackets: 200,
        receivedBytes: 200_000,
        receivedPackets: 220,
        connections: 2,
        retransmitted: 2,
      },
      connections: 8,
    },
    link: { toFar: counters, toNear: counters },
    serverCpuSeconds: 0.1,
  });
  const [cell] = summarise(ocean.cells, {
    name: "l",
    verifications: [],
    runs: [430, 410, 450, 420, 440, 900].map(run),
  });
  assert.deepEqual(cell?.p99, { value: 435, low: 410, high: 900 });
  assert.equal(cell?.isPunctual, true);
  assert.ok(
    Math.abs((cell?.failed ?? 0) - 0.02) < 1e-12 && Math.abs((cell?.causes.deadline ?? 0) - 0.02) < 1e-12,
  );
  assert.equal(cell?.bytes, 4000);
  assert.equal(cell?.packets, 4.2);
  assert.equal(cell?.connections, 8);
  assert.equal(cell?.connectionsLater, 2);
  // Two of the hundred and the three that were sent again.
  assert.ok(Math.abs((cell?.reuse ?? 0) - (1 - 2 / 103)) < 1e-12);
  assert.equal(cell?.carriedPerSecond.value, 49);
  assert.equal(cell?.serverCpuMs, 0.5);
});

test("of delay alone, cells that differ by congestion control or by slow start are one, and links keep their delay", () => {
  const { scenario, leftOut } = delayOnlyScenario({ ...ocean, cells: everyCell });
  const kinds = new Set(
    everyCell.map(({ by, protocol, policy, hedgeMs, tls, bytes }) =>
      JSON.stringify([by, protocol, policy, hedgeMs, tls, bytes]),
    ),
  );
  assert.equal(scenario.cells.length, kinds.size);
  assert.equal(leftOut, everyCell.length - kinds.size);
  assert.ok(scenario.cells.every(({ congestion }) => congestion === noCongestion));
  for (const [i, { spec }] of scenario.links.entries()) {
    assert.deepEqual(spec.toFar, {
      delay: ocean.links[i]?.spec.toFar.delay,
      loss: { kind: "none" },
      rate: null,
      queueBytes: null,
      reorders: false,
    });
  }
  assert.match(scenario.summary, /^Of this the delay alone: 150 ms/);
  assertScenario(scenario);
});

const counters = { packets: 0, bytes: 0, lost: 0, overflowed: 0, refused: 0, left: 0, late: 0 };
