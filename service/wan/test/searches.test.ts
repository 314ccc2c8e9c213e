/** Which rates are tried, which loads count as carried, what pairs and hedges come to: in simulated time, without a link. */
import assert from "node:assert/strict";
import test from "node:test";
import { judgeLoad } from "../src/compare/carried-load.ts";
import { highestCarried, mostTrials, searchRates, twoOfThree } from "../src/compare/highest-rate.ts";
import type { MeasuredRun } from "../src/compare/measure-run.ts";
import { pairedRatios } from "../src/compare/paired-ratio.ts";
import { simulateHedging } from "../src/compare/simulate-hedging.ts";
import type { LinkSpec } from "../src/link/emulated-link.ts";
import { makeSchedule } from "../src/load/schedule.ts";
import { UnderWay } from "../src/load/under-way.ts";
import { hedgingCells, policyCells } from "../src/scenario/questions.ts";

test("a search ends within its bounds at the highest rate that is carried, whatever that is", async () => {
  const range = { least: 250, most: 2_000, within: 1.1 };
  let longest = 0;
  for (let carries = 200; carries <= 2_100; carries += 9) {
    const tried = await searchRates(range, async (perSecond) => ({
      perSecond,
      isCarried: perSecond <= carries,
    }));
    const found = highestCarried(tried);
    if (carries < range.least) assert.equal(found, null, String(carries));
    else if (carries >= range.most) assert.deepEqual(tried, [{ perSecond: range.most, isCarried: true }]);
    else
      assert.ok(
        found !== null && found <= carries && found * range.within > carries - 1,
        `${found} of ${carries}`,
      );
    longest = Math.max(longest, tried.length);
  }
  assert.ok(longest <= mostTrials(range) && longest >= mostTrials(range) - 1, `${longest} trials`);
});

test("of repeated probes two decide, and one hiccup does not", async () => {
  const probed = async (lags: readonly number[]) => {
    let turn = 0;
    const { figures, isCarried } = await twoOfThree(
      async () => lags[turn++] ?? Number.NaN,
      (lag) => lag <= 1,
    );
    return [figures.length, isCarried];
  };
  assert.deepEqual(await probed([0.3, 0.4]), [2, true]);
  assert.deepEqual(await probed([3, 4]), [2, false]);
  assert.deepEqual(await probed([30, 0.4, 0.3]), [3, true]);
  assert.deepEqual(await probed([0.4, 30, 0.3]), [3, true]);
  assert.deepEqual(await probed([0.4, 3, 3]), [3, false]);
});

/** What a run of 12 s tells of a way that answers so many a second, one after another, and 150 ms later. */
function queued(perSecond: number, servesPerSecond: number, deadlineMs = 5_000) {
  const durationMs = 12_000;
  const warmUpMs = 3_000;
  const times = makeSchedule({ law: "poisson", perSecond, durationMs: warmUpMs + durationMs, seed: 3 });
  const underWay = new UnderWay(durationMs);
  const ends: number[] = [];
  let freeAt = 0;
  let [requests, ok] = [0, 0];
  for (const at of times) {
    // Who would be answered too late leaves at the deadline, and is not served.
    const served = Math.max(freeAt, at) + 1000 / servesPerSecond;
    const isLate = served + 150 - at > deadlineMs;
    if (!isLate) freeAt = served;
    if (at >= warmUpMs) {
      underWay.add(at - warmUpMs, ends.filter((end) => end > at).length);
      requests++;
      if (!isLate) ok++;
    }
    ends.push(isLate ? at + deadlineMs : served + 150);
  }
  const outcomes = { ok, deadline: requests - ok, reset: 0, status: 0, breaker: 0, other: 0 };
  return judgeLoad({ requests, outcomes, underWay: underWay.thirds() });
}

test("a load is carried that is answered in time and does not pile up", () => {
  for (const servesPerSecond of [60, 150]) {
    for (const share of [0.2, 0.7, 0.9])
      assert.ok(queued(share * servesPerSecond, servesPerSecond).isCarried, `${share} of ${servesPerSecond}`);
    for (const share of [1.15, 1.3]) {
      const { isCarried, growth } = queued(share * servesPerSecond, servesPerSecond);
      assert.ok(!isCarried, `${share} of ${servesPerSecond}`);
      // Before the first deadline, what is not served piles up.
      if (share < 1.2) assert.ok(Math.abs(growth - (1 - 1 / share)) < 0.07, `${growth}`);
    }
  }
  // Far above it most meet their deadline.
  const far = queued(300, 100);
  assert.ok(!far.isCarried && far.answered < 0.5, JSON.stringify(far));
  const { isCarried } = judgeLoad({
    requests: 1000,
    outcomes: { ok: 989, deadline: 0, reset: 11, status: 0, breaker: 0, other: 0 },
    underWay: [150, 150, 150],
  });
  assert.ok(!isCarried, "99 % are to be answered well");
});

function run(round: number, cell: number, p99: number, late = 0): MeasuredRun {
  const latency = { count: 1000, mean: 160, p50: 150, p90: 200, p99, p999: 500, max: 600, curve: [] };
  return {
    round,
    cell,
    seed: round,
    load: {
      requests: 1000,
      sent: 1500,
      seconds: 1,
      outcomes: { ok: 1000 - late, deadline: late, reset: 0, status: 0, breaker: 0, other: 0 },
      latency,
      firstByte: latency,
      lag: latency,
      missed: [],
      underWay: [160, 160, 160],
      extraSends: 0,
      failures: {},
      cpuSeconds: 0.5,
      network: null,
      connections: null,
    },
    link: { toFar: counters, toNear: counters },
    serverCpuSeconds: 0.5,
  };
}
const counters = { packets: 0, bytes: 0, lost: 0, overflowed: 0, refused: 0, left: 0, late: 0 };

test("ratios are of the two policies in the same round, with the interval of their median", () => {
  // In a round that was slow for both the ratio is as in the others: the ratio of medians would be another.
  const stock = [1000, 900, 800, 2000, 1100, 950];
  const ratios = [0.45, 0.4, 0.5, 0.42, 0.46, 0.44];
  const runs = stock.flatMap((p99, round) => [
    run(round, 1, p99 * (ratios[round] ?? 0)),
    run(round, 0, p99),
    run(round, 2, 700, 10),
    run(round, 3, 350),
  ]);
  const [grpc, web, ...more] = pairedRatios(policyCells, runs.toReversed());
  assert.equal(more.length, 0);
  assert.equal(grpc?.client.protocol, "grpc");
  assert.ok(Math.abs((grpc?.ratio.value ?? 0) - 0.445) < 1e-9);
  assert.ok(Math.abs((grpc?.ratio.low ?? 0) - 0.4) < 1e-9 && Math.abs((grpc?.ratio.high ?? 0) - 0.5) < 1e-9);
  assert.equal(grpc?.isAtMost, false);
  assert.deepEqual([web?.stock.protocol, web?.ratio.value, web?.isAtMost], ["grpc-web", 0.5, true]);
  assert.deepEqual(pairedRatios(hedgingCells, runs), []);
});

const wide: LinkSpec["toFar"] = {
  delay: { delayMs: 75, law: "normal", jitterMs: 10 },
  loss: { kind: "independent", share: 0.012 },
  rate: null,
  queueBytes: null,
  reorders: false,
};
/** A simulation of others, with 20 ms jitter as 10 ms of deviation each way; their repair takes a little more than a round trip. */
const published = [
  { hedgeMs: null, p99: 314, extraSends: 0 },
  { hedgeMs: 120, p99: 272, extraSends: 0.985 },
  { hedgeMs: 200, p99: 315, extraSends: 0.024 },
];

for (const { hedgeMs, p99, extraSends } of published) {
  test(`a hedge after ${hedgeMs} ms comes to ${p99} ms with ${100 * extraSends} % sent besides, within 4 % and 0.2 points`, () => {
    const found = simulateHedging({ toFar: wide, toNear: wide }, hedgeMs);
    assert.ok(Math.abs(found.p99 / p99 - 1) < 0.04, JSON.stringify(found));
    assert.ok(Math.abs(found.extraSends - extraSends) < 0.002, JSON.stringify(found));
  });
}

test("over a link that loses nothing a hedge buys what the jitter costs, and no more", () => {
  const way: LinkSpec["toFar"] = { ...wide, loss: { kind: "none" } };
  const link = { toFar: way, toNear: way };
  // The sum of two normal laws: 150 + 2.326 * sqrt(200); the cuts at three deviations are beyond that.
  assert.ok(Math.abs(simulateHedging(link, null).p99 - 182.9) < 1);
  // The lesser of two of them: beyond x with the square of its probability.
  const twice = simulateHedging(link, 0);
  assert.ok(Math.abs(twice.p99 - (150 + 1.282 * Math.sqrt(200))) < 1, JSON.stringify(twice));
  assert.equal(twice.extraSends, 1);
});
