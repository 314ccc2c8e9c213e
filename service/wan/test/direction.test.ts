/** One direction of a link in simulated time, against formulas. */
import assert from "node:assert/strict";
import test from "node:test";
import { createRandom } from "@cupel/base";
import { type DelayLaw, jitterDeviation } from "../src/link/delay-law.ts";
import { Direction, type DirectionSpec, type Fate } from "../src/link/direction.ts";
import { flowOf } from "../src/link/flow-of-packet.ts";
import { type LossLaw, lossShare, lossVarianceFactor } from "../src/link/loss.ts";
import { PacketsUnderWay } from "../src/link/packets-under-way.ts";
import { cutNormalCdf, ksDistance, ksLimit, uniformCdf } from "./kolmogorov-smirnov.ts";

const still: DirectionSpec = {
  delay: { delayMs: 75, law: "none", jitterMs: 0 },
  loss: { kind: "none" },
  rate: null,
  queueBytes: null,
  reorders: false,
};

interface Sent {
  readonly fate: Fate;
  readonly at: number;
}

/** Packets at equal steps. */
function sent(
  spec: DirectionSpec,
  count: number,
  stepMs: number,
  { bytes = 100, flows = 1, seed = 7 } = {},
): Sent[] {
  const direction = new Direction(spec, seed);
  return Array.from({ length: count }, (_, i) => {
    const at = i * stepMs;
    return { fate: direction.admit(at, bytes, i % flows), at };
  });
}

function delaysOf(all: readonly Sent[]): number[] {
  return all.flatMap(({ fate, at }) => (fate.kind === "leaves" ? [fate.at - at] : []));
}

const laws: readonly (DelayLaw & { readonly cdf: (value: number) => number })[] = [
  { law: "uniform", delayMs: 75, jitterMs: 10, cdf: uniformCdf(65, 85) },
  { law: "normal", delayMs: 75, jitterMs: 7, cdf: cutNormalCdf(75, 7, 3) },
];

for (const { cdf, ...delay } of laws) {
  test(`the jitter of probes further apart than it has the ${delay.law} law`, () => {
    const delays = delaysOf(sent({ ...still, delay }, 20_000, 50));
    assert.ok(ksDistance(delays, cdf) < ksLimit(20_000));
    // The test tells a law that is off by a twentieth of the jitter.
    assert.ok(
      ksDistance(
        delays.map((each) => each + delay.jitterMs / 20),
        cdf,
      ) > ksLimit(20_000),
    );
    const mean = delays.reduce((sum, each) => sum + each, 0) / delays.length;
    const deviation = Math.sqrt(delays.reduce((sum, each) => sum + (each - mean) ** 2, 0) / delays.length);
    assert.ok(Math.abs(deviation / jitterDeviation(delay) - 1) < 0.02);
  });
}

test("the law holds for every flow of a busy link, since flows do not hold each other", () => {
  const delay: DelayLaw = { law: "uniform", delayMs: 75, jitterMs: 10 };
  const delays = delaysOf(sent({ ...still, delay }, 20_000, 0.5, { flows: 64 }));
  assert.ok(ksDistance(delays, uniformCdf(65, 85)) < ksLimit(20_000));
});

test("packets of a flow keep their order, unless the direction reorders", () => {
  const delay: DelayLaw = { law: "uniform", delayMs: 75, jitterMs: 10 };
  const leaving = (reorders: boolean) =>
    sent({ ...still, delay, reorders }, 5_000, 0.5).flatMap(({ fate }) =>
      fate.kind === "leaves" ? [fate.at] : [],
    );
  const overtakes = (times: readonly number[]) => times.filter((at, i) => i > 0 && at < times[i - 1]!).length;
  assert.equal(overtakes(leaving(false)), 0);
  assert.ok(overtakes(leaving(true)) > 1_000);
});

const losses: readonly LossLaw[] = [
  { kind: "none" },
  { kind: "independent", share: 0.012 },
  { kind: "bursts", goodToBad: 0.005, badToGood: 0.25, lossInGood: 0, lossInBad: 1 },
  { kind: "bursts", goodToBad: 0.01, badToGood: 0.1, lossInGood: 0.001, lossInBad: 0.5 },
];

for (const loss of losses) {
  test(`the share that is lost: ${JSON.stringify(loss)}`, () => {
    const count = 200_000;
    const lost = sent({ ...still, loss }, count, 1).filter(({ fate }) => fate.kind === "lost").length;
    const share = lossShare(loss);
    const deviation = Math.sqrt((share * (1 - share) * lossVarianceFactor(loss)) / count);
    assert.ok(Math.abs(lost / count - share) <= 4 * deviation, `${lost / count} of ${share}`);
  });
}

test("the mean burst after Gilbert and Elliott is 1 / badToGood, and the share p / (p + r)", () => {
  const loss: LossLaw = { kind: "bursts", goodToBad: 0.005, badToGood: 0.25, lossInGood: 0, lossInBad: 1 };
  const isLost = sent({ ...still, loss }, 400_000, 1).map(({ fate }) => fate.kind === "lost");
  const lost = isLost.filter(Boolean).length;
  const bursts = isLost.filter((each, i) => each && !isLost[i - 1]).length;
  // Geometric: a standard deviation of sqrt(1 - r) / r a burst.
  assert.ok(Math.abs(lost / bursts - 4) < (4 * Math.sqrt(0.75)) / 0.25 / Math.sqrt(bursts));
  assert.ok(Math.abs(lost / isLost.length - 0.005 / 0.255) < 0.002);
});

test("the rate is the one asked for, within 3 %", () => {
  // 12 Mbit/s offered to 10 Mbit/s, for two seconds.
  const all = sent({ ...still, rate: 10_000_000 }, 2_000, 1, { bytes: 1500 });
  const left = all.flatMap(({ fate }) => (fate.kind === "leaves" ? [fate.at] : []));
  const rate = ((left.length - 1) * 1500 * 8) / ((left.at(-1)! - left[0]!) / 1000);
  assert.ok(Math.abs(rate / 10_000_000 - 1) < 0.03, `${rate}`);
  assert.equal(left.length, 2_000);
});

test("what would wait beyond the queue is dropped, and no packet waits longer than the queue takes", () => {
  const all = sent({ ...still, rate: 10_000_000, queueBytes: 125_000 }, 4_000, 1, { bytes: 1500 });
  const dropped = all.filter(({ fate }) => fate.kind === "overflowed").length;
  // Of 12 Mbit/s a sixth, from when the queue is full: 125,000 bytes at 2 Mbit/s, 500 ms.
  assert.ok(Math.abs(dropped - 3_500 / 6) < 10, `${dropped}`);
  assert.ok(Math.max(...delaysOf(all)) <= 75 + 100 + 1e-6);
});

test("the same seed gives the same link, another one another", () => {
  const spec: DirectionSpec = {
    ...still,
    delay: { law: "normal", delayMs: 75, jitterMs: 7 },
    loss: { kind: "independent", share: 0.1 },
  };
  assert.deepEqual(sent(spec, 500, 1), sent(spec, 500, 1));
  assert.notDeepEqual(sent(spec, 500, 1), sent(spec, 500, 1, { seed: 8 }));
});

test("packets under way leave by their time, equal times in the order they came, and keep their bytes", () => {
  const random = createRandom(3);
  const under = new PacketsUnderWay(500);
  // A model: a list that is sorted by time and arrival.
  let model: { at: number; id: number }[] = [];
  const check = () => {
    assert.equal(under.count, model.length);
    assert.equal(under.nextAt, model[0]?.at ?? Number.POSITIVE_INFINITY);
  };
  for (let id = 0; id < 3_000; id++) {
    if (!under.isFull && random.uniform() < 0.6) {
      const at = random.integer(50);
      under.push(new Uint8Array(2 + random.integer(100)).fill(id & 255).fill(id >> 8, 0, 1), at);
      model = [...model, { at, id }].sort((a, b) => a.at - b.at || a.id - b.id);
    } else if (model.length > 0) {
      const packet = under.shift();
      assert.equal((packet[0]! << 8) | packet[1]!, model.shift()!.id);
    }
    check();
  }
});

test("a flow is a connection and a direction of it", () => {
  const packet = (source: number, port: number) =>
    Uint8Array.of(
      0x45,
      0,
      0,
      40,
      0,
      0,
      0x40,
      0,
      64,
      6,
      0,
      0,
      10,
      0,
      0,
      source,
      10,
      0,
      0,
      2,
      port >> 8,
      port & 255,
      1,
      2,
    );
  assert.equal(flowOf(packet(1, 5000)), flowOf(packet(1, 5000)));
  const flows = new Set(Array.from({ length: 256 }, (_, i) => flowOf(packet(1, 40_000 + i))));
  assert.ok(flows.size > 250, `${flows.size}`);
  assert.notEqual(flowOf(packet(1, 5000)), flowOf(packet(3, 5000)));
  assert.equal(flowOf(Uint8Array.of(0x60, 0, 0, 0)), null);
});
