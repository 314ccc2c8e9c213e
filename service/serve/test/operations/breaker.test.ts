/** The breaker against its definition, and what a suspended version means for callers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Breaker, type BreakerOptions, baseErrors, type Outcome, type Settle } from "@cupel/base";
import { runtimeErrors } from "@cupel/runtime";
import fc from "fast-check";
import { anonymous, type Call } from "../../src/core/call.ts";
import { serveErrors } from "../../src/errors.ts";

import { createVersionBreakers, withBreakers } from "../../src/operations/version-breakers.ts";
import type { ModelRepository } from "../../src/repository/model-repository.ts";
import type { ModelVersion } from "../../src/repository/model-version.ts";
import { manualClock } from "../support/arrival.ts";

const options: BreakerOptions = { windowMs: 300, minimumCalls: 4, errorShare: 0.5, openMs: 50, probes: 2 };

/** The definition, without a ring: every call is remembered. */
function reference({ windowMs, minimumCalls, errorShare, openMs, probes }: BreakerOptions) {
  const bucket = (at: number) => Math.floor(at / (windowMs / 30));
  let history: { readonly at: number; readonly failed: boolean }[] = [];
  let state = { name: "closed", since: 0, passed: 0, succeeded: 0 };
  const to = (name: string, since: number) => {
    if (name === "closed") history = [];
    state = { name, since, passed: 0, succeeded: 0 };
  };
  return {
    enter(now: number): ((outcome: Outcome, now: number) => void) | null {
      if (state.name === "open" && now >= state.since + openMs) to("half-open", now);
      if (state.name === "open" || (state.name === "half-open" && state.passed >= probes)) return null;
      state.passed++;
      const mine = state;
      return (outcome, later) => {
        if (mine !== state) return;
        if (state.name === "half-open") {
          if (outcome === "none") state.passed--;
          if (outcome === "success" && ++state.succeeded === probes) to("closed", later);
          if (outcome === "failure") to("open", later);
        } else if (outcome !== "none") {
          history.push({ at: later, failed: outcome === "failure" });
          const recent = history.filter(({ at }) => bucket(at) > bucket(later) - 30);
          const share = recent.filter(({ failed }) => failed).length / recent.length;
          if (outcome === "failure" && recent.length >= minimumCalls && share > errorShare) to("open", later);
        }
      };
    },
  };
}

test("over any stream of calls it lets through what its definition lets through", () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("enter" as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("settle" as const),
        which: fc.nat(5),
        outcome: fc.constantFrom<Outcome[]>("success", "failure", "failure", "none"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(120) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const clock = manualClock();
      const breaker = new Breaker(options, clock);
      const model = reference(options);
      const passed: { readonly mine: Settle; readonly its: (outcome: Outcome, now: number) => void }[] = [];
      for (const each of steps) {
        if (each.kind === "wait") clock.advance(each.ms);
        if (each.kind === "enter") {
          const promised = breaker.admits;
          const mine = breaker.enter();
          const its = model.enter(clock.monotonic());
          assert.equal(mine !== null, its !== null);
          assert.equal(promised, mine !== null);
          if (mine && its) passed.push({ mine, its });
        }
        if (each.kind === "settle") {
          const [call] = passed.splice(each.which % Math.max(1, passed.length), 1);
          call?.mine(each.outcome);
          call?.its(each.outcome, clock.monotonic());
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("it opens at the share of failures, waits, tries a few, and closes or opens again", () => {
  const clock = manualClock();
  const states: string[] = [];
  const breaker = new Breaker(options, clock, (state) => void states.push(state));
  const call = (outcome: Outcome) => breaker.enter()?.(outcome);
  for (const outcome of ["failure", "failure", "failure"] as const) call(outcome);
  assert.equal(breaker.state, "closed");
  call("failure");
  assert.equal(breaker.state, "open");
  assert.equal(breaker.retryAfterMs, 50);
  clock.advance(49);
  assert.equal(breaker.enter(), null);
  clock.advance(1);
  const probes = [breaker.enter(), breaker.enter()];
  assert.equal(breaker.enter(), null);
  probes[0]?.("success");
  assert.equal(breaker.enter(), null);
  probes[1]?.("failure");
  assert.equal(breaker.state, "open");
  clock.advance(50);
  call("success");
  call("success");
  assert.equal(breaker.state, "closed");
  assert.deepEqual(states, ["open", "half-open", "open", "half-open", "closed"]);
});

test("failures that are older than the window do not count", () => {
  const clock = manualClock();
  const breaker = new Breaker(options, clock);
  for (let i = 0; i < 20; i++) {
    breaker.enter()?.("failure");
    clock.advance(110);
  }
  assert.equal(breaker.state, "closed");
});

const call: Call = {
  face: "rest",
  principal: anonymous,
  signal: new AbortController().signal,
  address: "",
  times: {},
};

function fakeVersion(version: string, run: () => void): ModelVersion {
  const unused = () => Promise.reject(new Error("unused"));
  return {
    noRoom: () => null,
    model: "m",
    version,
    digest: "",
    sessionId: `session of ${version}`,
    inputs: [],
    outputs: [],
    properties: {},
    imageInput: null,
    async run() {
      run();
      return { outputs: {}, engineMs: 0 };
    },
    prepare: unused,
    predict: unused,
    async [Symbol.asyncDispose]() {},
  };
}

function fakeRepository(versions: readonly ModelVersion[]): ModelRepository {
  return {
    lease: (_model, version) => ({
      version: versions.find((each) => each.version === (version ?? "2"))!,
      origin: "",
      [Symbol.dispose]() {},
    }),
    versions: () => versions,
    index: () => [],
    async load() {},
    async unload() {},
    isReady: true,
    async [Symbol.asyncDispose]() {},
  };
}

test("the last good version takes over where none was named; the bad one is refused by name until a probe succeeds", async () => {
  const clock = manualClock();
  let isBad = true;
  const bad = fakeVersion("2", () => {
    if (isBad) throw baseErrors.error("THREAD_CRASHED", "the engine crashed");
  });
  const breakers = createVersionBreakers({ ...options, probes: 1, clock });
  const repository = withBreakers(fakeRepository([fakeVersion("1", () => {}), bad]), breakers);
  const run = async (version?: string) => {
    using lease = repository.lease("m", version);
    await lease.version.run({}, { call });
    return lease.version.version;
  };
  for (let i = 0; i < options.minimumCalls; i++) await assert.rejects(run(), { code: "THREAD_CRASHED" });
  assert.equal(await run(), "1");
  await assert.rejects(run("2"), {
    code: "MODEL_SUSPENDED",
    details: { model: "m", version: "2", retryAfterMs: options.openMs },
  });
  clock.advance(options.openMs);
  await assert.rejects(run(), { code: "THREAD_CRASHED" }, "the probe");
  assert.equal(await run(), "1");
  isBad = false;
  clock.advance(options.openMs);
  assert.equal(await run(), "2");
  assert.equal(await run(), "2");
});

test("what callers do wrong, their deadlines and full queues suspend nothing", async () => {
  for (const error of [
    serveErrors.error("REQUEST_INVALID", ""),
    serveErrors.error("QUEUE_LIMIT", ""),
    baseErrors.error("DEADLINE_EXCEEDED", ""),
    baseErrors.error("CANCELLED", ""),
  ]) {
    const breakers = createVersionBreakers({ ...options, clock: manualClock() });
    const version = breakers.guard(
      fakeVersion("1", () => {
        throw error;
      }),
    );
    for (let i = 0; i < 20; i++) await assert.rejects(version.run({}, { call }), { code: error.code });
  }
});

/** The calls of a key, or of nobody at an address. */
const callBy = (id: string, address = ""): Call => ({ ...call, principal: { id, roles: [] }, address });

/** Fails the runs of those whom `fails` names, as the engine does on an index out of range. */
function failingFor(fails: (caller: Call) => boolean) {
  const clock = manualClock();
  const states: string[] = [];
  const onChange = (_version: ModelVersion, state: string) => void states.push(state);
  const breakers = createVersionBreakers({ ...options, clock, onChange });
  const version = fakeVersion("1", () => {});
  const guarded = breakers.guard({
    ...version,
    async run(feeds, run) {
      if (fails(run.call)) throw runtimeErrors.error("RUN_FAILED", "The indices are out of range.");
      return await version.run(feeds, run);
    },
  });
  const ask = (caller: Call) =>
    guarded.run({}, { call: caller }).then(
      () => "answered",
      (thrown) => thrown.code,
    );
  return { ask, clock, states };
}

test("one caller whose every run fails suspends nothing for others, however much it sends", async () => {
  for (const [hostile, other] of [
    [callBy("key:hostile"), callBy("key:other")],
    [callBy("anonymous", "192.0.2.1"), callBy("anonymous", "192.0.2.2")],
    [callBy("key:hostile", "192.0.2.1"), callBy("anonymous", "192.0.2.1")],
  ] as const) {
    const { ask, clock, states } = failingFor((caller) => caller === hostile);
    assert.equal(await ask(other), "answered");
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 50; i++) assert.equal(await ask(hostile), "RUN_FAILED");
      assert.equal(await ask(other), "answered");
      // Longer than the window: nobody else was answered in it.
      for (let i = 0; i < 50; i++) {
        clock.advance(20);
        assert.equal(await ask(hostile), "RUN_FAILED");
      }
      assert.equal(await ask(other), "answered");
    }
    assert.deepEqual(states, []);
  }
});

test("a version whose runs fail from its first on is suspended once a second caller fails too, and not by one", async () => {
  const [first, ...others] = [callBy("a"), callBy("b"), callBy("anonymous", "192.0.2.1")] as const;
  const { ask, states } = failingFor(() => true);
  for (let i = 0; i < 10 * options.minimumCalls; i++) assert.equal(await ask(first), "RUN_FAILED");
  assert.deepEqual(
    states,
    [],
    "a fresh version has run when it was loaded: one caller may be who makes them fail",
  );
  for (let i = 0; i < options.minimumCalls; i++) {
    assert.equal(await ask(others[i % others.length]!), "RUN_FAILED");
  }
  for (const caller of [first, ...others]) assert.equal(await ask(caller), "MODEL_SUSPENDED");
});

test("a version that answered and then fails for everybody is suspended, and comes back when it answers", async () => {
  let isBroken = false;
  const { ask, clock, states } = failingFor(() => isBroken);
  assert.equal(await ask(callBy("a")), "answered");
  isBroken = true;
  const outcomes = [];
  for (let i = 0; i < 2 * options.minimumCalls + 1; i++) outcomes.push(await ask(callBy(i % 2 ? "a" : "b")));
  // The first failure alone is one caller's; with the answer before, the window has enough calls after three more.
  assert.deepEqual(outcomes.slice(0, 4), Array(4).fill("RUN_FAILED"));
  assert.deepEqual(new Set(outcomes.slice(4)), new Set(["MODEL_SUSPENDED"]));
  isBroken = false;
  clock.advance(options.openMs);
  for (let i = 0; i < options.probes; i++) assert.equal(await ask(callBy("a")), "answered");
  assert.deepEqual(states, ["open", "half-open", "closed"]);
});

test("a crash counts whoever met it: it takes the runs of all with it", async () => {
  const breakers = createVersionBreakers({ ...options, clock: manualClock() });
  let crashes = false;
  const version = breakers.guard(
    fakeVersion("1", () => {
      if (crashes) throw baseErrors.error("THREAD_CRASHED", "the engine crashed");
    }),
  );
  await version.run({}, { call: callBy("other") });
  crashes = true;
  for (let i = 1; i < options.minimumCalls; i++) {
    await assert.rejects(version.run({}, { call: callBy("one") }), { code: "THREAD_CRASHED" });
  }
  await assert.rejects(version.run({}, { call: callBy("other") }), { code: "MODEL_SUSPENDED" });
});

test("a version that is loaded anew begins with a closed breaker", async () => {
  const breakers = createVersionBreakers({ ...options, clock: manualClock() });
  const failing = fakeVersion("1", () => {
    throw new Error("no CupelError either");
  });
  for (let i = 0; i < options.minimumCalls; i++) {
    await assert.rejects(breakers.guard(failing).run({}, { call }), { message: /no CupelError/ });
  }
  await assert.rejects(breakers.guard(failing).run({}, { call }), { code: "MODEL_SUSPENDED" });
  const loadedAnew = { ...fakeVersion("1", () => {}), sessionId: "another" };
  await breakers.guard(loadedAnew).run({}, { call });
});
