/** The policies against others' implementations, formulas and models of a few lines, without a network. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Breaker, type BreakerOptions, type Clock, createRandom, type Outcome } from "@cupel/base";
import fc from "fast-check";
import CircuitBreaker from "opossum";
import { breakerDefaults } from "../src/client.ts";
import { clientError } from "../src/errors.ts";
import { chooseEndpoint } from "../src/policies/choose-endpoint.ts";
import { chooseConnection } from "../src/policies/pool.ts";
import { backoffMs } from "../src/policies/retry.ts";
import { RetryBudget } from "../src/policies/retry-budget.ts";
import { RoundTrip } from "../src/policies/round-trip.ts";
import { emptyRequest, fakeClient } from "./support/fake-face.ts";
import { fakeTiming } from "./support/fake-timing.ts";

const isLong = process.env.CUPEL_LONG_TESTS === "1";
const streams = isLong ? 10_000 : 400;

test(`from closed to open the breaker does as opossum does, over ${streams} random streams of errors`, async () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout", "Date"] });
  let opened = 0;
  try {
    for (let seed = 0; seed < streams; seed++) if (await opensLikeOpossum(seed)) opened++;
  } finally {
    mock.timers.reset();
  }
  assert.ok(opened > streams / 4 && opened < streams, `${opened} of ${streams} opened`);
});

/** @returns whether it opened. */
async function opensLikeOpossum(seed: number): Promise<boolean> {
  const random = createRandom(seed);
  let now = 0;
  const breaker = new Breaker(breakerDefaults, { now: () => now, monotonic: () => now });
  const oracle = new CircuitBreaker(
    (fails: boolean) => (fails ? Promise.reject(new Error("failed")) : Promise.resolve()),
    {
      timeout: false,
      errorThresholdPercentage: 15,
      rollingCountTimeout: 300_000,
      rollingCountBuckets: 30,
      volumeThreshold: 20,
      resetTimeout: 60_000,
      enableSnapshots: false,
      rollingPercentilesEnabled: false,
    },
  );
  try {
    // About the threshold: some streams open soon, some late, some never.
    const failing = 0.05 + 0.2 * random.uniform();
    const longest = 1 + random.integer(30_000);
    for (let call = 0; call < 80; call++) {
      const ms = random.integer(longest);
      now += ms;
      mock.timers.tick(ms);
      const fails = random.uniform() < failing;
      await oracle.fire(fails).catch(() => {});
      breaker.enter()?.(fails ? "failure" : "success");
      const state = `stream ${seed}, call ${call}, at ${now} ms`;
      assert.equal(breaker.state === "open", oracle.opened, state);
      if (oracle.opened) return true;
    }
    return false;
  } finally {
    oracle.shutdown();
  }
}

/** Half open as it is defined: so many pass; all must succeed, one failure opens it again, who says nothing gives its place back. */
function halfOpenModel({ openMs, probes }: BreakerOptions, openedAt: number) {
  let state: "open" | "half-open" | "closed" = "open";
  let since = openedAt;
  let out = 0;
  let succeeded = 0;
  let era = 0;
  return {
    get state() {
      return state;
    },
    enter(now: number): ((outcome: Outcome, later: number) => void) | null {
      if (state === "open" && now >= since + openMs) [state, out, succeeded] = ["half-open", 0, 0];
      if (state === "open" || (state === "half-open" && out + succeeded >= probes)) return null;
      out++;
      const mine = era;
      return (outcome, later) => {
        if (mine !== era || state !== "half-open") return;
        out--;
        if (outcome === "failure") [state, since, era] = ["open", later, era + 1];
        if (outcome === "success" && ++succeeded === probes) [state, era] = ["closed", era + 1];
      };
    },
  };
}

test("half open, the breaker lets through what its model of 30 lines lets through", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: "enter" as const }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("settle" as const),
        which: fc.nat(5),
        outcome: fc.constantFrom<Outcome[]>("success", "success", "failure", "none"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(70_000) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 0;
      const clock: Clock = { now: () => now, monotonic: () => now };
      const breaker = new Breaker(breakerDefaults, clock);
      for (let i = 0; i < 20; i++) breaker.enter()?.("failure");
      assert.equal(breaker.state, "open");
      const model = halfOpenModel(breakerDefaults, now);
      const out: { mine: (outcome: Outcome) => void; its: (outcome: Outcome, later: number) => void }[] = [];
      for (const each of steps) {
        if (each.kind === "wait") now += each.ms;
        if (each.kind === "settle") {
          const [call] = out.splice(each.which % Math.max(1, out.length), 1);
          call?.mine(each.outcome);
          call?.its(each.outcome, now);
        }
        if (each.kind === "enter") {
          const mine = breaker.enter();
          const its = model.enter(now);
          assert.equal(mine !== null, its !== null);
          if (mine && its) out.push({ mine, its });
        }
        // Closed again, other rules hold.
        if (model.state === "closed") return assert.equal(breaker.state, "closed");
      }
    }),
    { numRuns: isLong ? 2_000 : 200 },
  );
});

test("the retry budget grants burst + ratio * (calls - 1) retries to calls that all fail: the first call's share is over the brim", () => {
  for (const [ratio, burst, calls] of [
    [0.2, 10, 1000],
    [0.1, 3, 77],
    [0, 5, 100],
    [1, 1, 50],
  ] as const) {
    const budget = new RetryBudget({ ratio, burst });
    let granted = 0;
    for (let call = 0; call < calls; call++) {
      budget.deposit();
      for (let retry = 0; retry < 3; retry++) if (budget.withdraw()) granted++;
    }
    assert.equal(granted, Math.floor(burst + ratio * (calls - 1) + 1e-9), `${ratio}, ${burst}, ${calls}`);
  }
});

test("over any stretch of calls there are at most burst + ratio * calls retries", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), fc.nat(150), (deposits, from) => {
      const budget = new RetryBudget({ ratio: 0.2, burst: 4 });
      const granted = deposits.map((isCall) => {
        if (isCall) budget.deposit();
        return isCall ? 0 : Number(budget.withdraw());
      });
      const stretch = (values: readonly number[]) => values.slice(from).reduce((sum, each) => sum + each, 0);
      assert.ok(stretch(granted) <= 4 + 0.2 * stretch(deposits.map(Number)) + 1e-9);
    }),
  );
});

test("waits are drawn from 0 to base * 2^retry, and to the longest at most", () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((retry) => backoffMs(retry, 0.5)),
    [50, 100, 200, 400],
  );
  assert.equal(backoffMs(5, 0), 0);
  assert.ok(backoffMs(40, 0.999_999) < 10_000);
  assert.equal(backoffMs(2, 0.25, { baseMs: 8, maxMs: 16 }), 4);
});

test("an average moves to a new round trip as 1 - 0.7^n", () => {
  const trip = new RoundTrip();
  assert.equal(trip.ms, null);
  trip.add(100);
  for (let n = 1; n <= 5; n++) {
    trip.add(200);
    assert.ok(Math.abs(trip.ms! - (200 - 100 * 0.7 ** n)) < 1e-9);
  }
});

test("the nearest region is chosen and kept until another is nearer by a fifth and by 5 ms", () => {
  const of = (region: string, roundTripMs: number | null, more: object = {}) => ({
    region,
    roundTripMs,
    isReachable: true,
    inFlight: 0,
    ...more,
  });
  const chosen = (current: string | null, ...all: ReturnType<typeof of>[]) =>
    chooseEndpoint(all, current)?.region;
  assert.equal(chosen(null), undefined);
  assert.equal(chosen(null, of("a", null), of("b", null)), "a");
  assert.equal(chosen(null, of("a", null), of("b", 90)), "b");
  assert.equal(chosen(null, of("a", 80), of("b", 20)), "b");
  assert.equal(chosen("a", of("a", 100), of("b", 81)), "a");
  assert.equal(chosen("a", of("a", 100), of("b", 79)), "b");
  assert.equal(chosen("a", of("a", 6), of("b", 2)), "a");
  assert.equal(chosen("a", of("a", 6, { isReachable: false }), of("b", 300)), "b");
  assert.equal(chosen("a", of("a", 6, { isReachable: false })), "a");
  const [busy, idle] = [of("a", 5, { inFlight: 3 }), of("a", 9, { inFlight: 1 })];
  assert.equal(chooseEndpoint([busy, idle, of("b", 7)], "a"), idle);
});

test("a connection is filled to its share before another is opened, and shared when there are no more", () => {
  assert.equal(chooseConnection([], 8, 4), 0);
  assert.equal(chooseConnection([3, 1, 4], 8, 4), 0);
  assert.equal(chooseConnection([4, 4], 8, 4), 2);
  assert.equal(chooseConnection([9, 7, 8], 3, 4), 1);
  // 320 calls at once, as measured: 64 connections of 5 calls each.
  const loads: number[] = [];
  for (let call = 0; call < 320; call++) {
    const index = chooseConnection(loads, 64, 4);
    loads[index] = (loads[index] ?? 0) + 1;
  }
  assert.deepEqual(loads, Array(64).fill(5));
});

/** What the server does with one send: reached or not, how long it takes, how it ends. */
const fate = fc.record({
  ms: fc.nat(300),
  kind: fc.constantFrom("answer", "lost", "lost", "busy", "unreached", "refused"),
});

test("whatever fails, load and unload reach a server once at most, with hedging and retries on; infer reaches as often as allowed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fate, { minLength: 1, maxLength: 12 }),
      fc.constantFrom("load" as const, "unload" as const, "infer" as const),
      fc.integer({ min: 1, max: 3 }),
      async (fates, operation, most) => {
        const timing = fakeTiming(fates.length);
        let reached = 0;
        let sent = 0;
        let aborted = 0;
        using client = fakeClient(
          async ({ call }) => {
            const { ms, kind } = fates[sent++ % fates.length]!;
            if (kind === "unreached") throw clientError("SERVER_UNREACHABLE", "no", { mayHaveRun: false });
            reached++;
            await timing.wait(ms, call.signal).catch((reason) => {
              aborted++;
              throw reason;
            });
            if (kind === "lost") throw clientError("CONNECTION_LOST", "cut");
            if (kind === "busy")
              throw clientError("SERVER_UNREACHABLE", "503", { mayHaveRun: true, retryAfterMs: 5 });
            if (kind === "refused") throw clientError("ANSWER_INVALID", "no");
            return {};
          },
          {
            endpoints: "http://a",
            hedge: { delayMs: 20, most },
            budget: { burst: 100 },
            breaker: { minimumCalls: 1e6 },
          },
          timing,
        );
        const asked = operation === "infer" ? client.infer(emptyRequest) : client[operation]("m");
        const ended = asked.then(
          () => "answered",
          (error: unknown) => error,
        );
        await timing.advance(60_000);
        await ended;
        if (operation !== "infer") assert.ok(reached <= 1, `${operation} reached a server ${reached} times`);
        else assert.ok(sent <= 4 * (1 + most), `infer was sent ${sent} times`);
        assert.ok(aborted <= reached);
      },
    ),
    { numRuns: isLong ? 1_000 : 60 },
  );
});
