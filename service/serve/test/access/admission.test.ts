/** The door: who comes in, how many, how often, how long, and what happens when the server stops. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { createApiKeys } from "../../src/access/api-key.ts";
import { createAuthentication } from "../../src/access/authenticate.ts";
import { createAdmission, noLimits } from "../../src/access/create-admission.ts";
import { createPolicy } from "../../src/access/policy.ts";
import { createRateLimits } from "../../src/access/token-bucket.ts";
import type { Instruments } from "../../src/operations/instruments.ts";
import { silentInstruments } from "../../src/operations/instruments.ts";
import { arrival, manualClock } from "../support/arrival.ts";

const key = (name: string) => ({ name, sha256: hash("sha256", `secret of ${name}`), roles: [name] });
const authentication = createAuthentication({ keys: createApiKeys([key("caller"), key("operator")]) });
const policy = createPolicy([
  { role: "caller", models: ["public-*"], actions: ["infer", "metadata"] },
  { role: "operator", actions: ["*"] },
]);
const as = (name: string) => ({ "x-api-key": `secret of ${name}` });

function counted(): { readonly instruments: Instruments; readonly lines: string[] } {
  const lines: string[] = [];
  const count: Instruments["count"] = (name, labels) =>
    void lines.push(`${name} ${Object.values(labels).join(" ")}`);
  return { instruments: { ...silentInstruments, count }, lines };
}

test("an open door lets everybody in, but not to what shows the memory of the process", async () => {
  const admission = createAdmission();
  using call = await admission.admit(arrival());
  assert.deepEqual(call.principal, { id: "anonymous", roles: [] });
  assert.equal(call.address, "192.0.2.1");
  await assert.rejects(admission.admit(arrival({}, { action: "debug" })), { code: "AUTH_REQUIRED" });
});

test("the door refuses an action that no role of the caller has on any model", async () => {
  const { instruments, lines } = counted();
  const admission = createAdmission({ authentication, policy, instruments });
  using call = await admission.admit(arrival(as("caller")));
  assert.deepEqual(call.principal, { id: "key:caller", roles: ["caller"] });
  await assert.rejects(admission.admit(arrival(as("caller"), { action: "load" })), { code: "FORBIDDEN" });
  await assert.rejects(admission.admit(arrival()), {
    code: "AUTH_REQUIRED",
    details: { wwwAuthenticate: 'Bearer realm="cupel"' },
  });
  using _operator = await admission.admit(arrival(as("operator"), { action: "debug" }));
  assert.deepEqual(lines, ["refused rest FORBIDDEN ", "refused rest AUTH_REQUIRED "]);
});

test("whether the server lives and is ready is told to everybody, whatever they show, also while it stops", async () => {
  const limits = { ...noLimits, inFlight: 0 };
  const admission = createAdmission({ authentication, policy, limits });
  void admission.drain();
  for (const action of ["live", "ready", "console"]) {
    using call = await admission.admit(arrival({ "x-api-key": "wrong" }, { action }));
    assert.equal(call.principal.id, "anonymous");
  }
  using asked = await admission.admit(arrival(as("caller"), { action: "ready" }));
  assert.equal(asked.principal.id, "key:caller");
});

test("requests in flight are limited for the server and for each caller, and a disposed call makes room", async () => {
  const { instruments, lines } = counted();
  const limits = { ...noLimits, inFlight: 3, perKey: { inFlight: 2, rate: null } };
  const admission = createAdmission({ authentication, policy, limits, instruments });
  const first = await admission.admit(arrival(as("caller")));
  using _second = await admission.admit(arrival(as("caller")));
  await assert.rejects(admission.admit(arrival(as("caller"))), {
    code: "IN_FLIGHT_LIMIT",
    details: { limit: "limits.inFlightPerKey", most: 2, retryAfterMs: 1000 },
  });
  assert.equal(admission.inFlight, 2);
  using _operator = await admission.admit(arrival(as("operator")));
  await assert.rejects(admission.admit(arrival(as("operator"))), {
    code: "IN_FLIGHT_LIMIT",
    details: { limit: "limits.inFlight", most: 3, retryAfterMs: 1000 },
  });
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.equal(admission.inFlight, 2);
  using _third = await admission.admit(arrival(as("caller")));
  assert.deepEqual(lines, [
    "refused rest IN_FLIGHT_LIMIT limits.inFlightPerKey",
    "refused rest IN_FLIGHT_LIMIT limits.inFlight",
  ]);
});

test("who runs a server that is full or stops still sees its figures, if they may", async () => {
  const limits = { ...noLimits, inFlight: 1, perKey: { inFlight: 1, rate: { perSecond: 1, burst: 1 } } };
  const admission = createAdmission({ authentication, policy, limits });
  using _busy = await admission.admit(arrival(as("operator")));
  void admission.drain();
  for (const action of ["metrics", "debug"]) {
    using _call = await admission.admit(arrival(as("operator"), { action }));
    await assert.rejects(admission.admit(arrival(as("caller"), { action })), { code: "FORBIDDEN" });
  }
  await assert.rejects(admission.admit(arrival(as("operator"))), { code: "SERVER_STOPPING" });
});

test("a caller that asks too often is told the limit and when to come again; anonymous ones go by address", async () => {
  const clock = manualClock();
  const limits = { ...noLimits, perKey: { inFlight: null, rate: { perSecond: 2, burst: 2 } } };
  const admission = createAdmission({ clock, limits });
  const ask = async (address: string) => {
    using _call = await admission.admit(arrival({}, { peer: { address } }));
  };
  await ask("192.0.2.1");
  await ask("192.0.2.1");
  await assert.rejects(ask("192.0.2.1"), {
    code: "RATE_LIMIT",
    details: { limit: "limits.rate", perSecond: 2, retryAfterMs: 500 },
  });
  await ask("192.0.2.2");
  clock.advance(499);
  await assert.rejects(ask("192.0.2.1"), { code: "RATE_LIMIT" });
  clock.advance(1);
  await ask("192.0.2.1");
});

test("a caller with limits of its own has those", async () => {
  const callers = new Map([["key:operator", { inFlight: null, rate: null }]]);
  const limits = { ...noLimits, perKey: { inFlight: 0, rate: null }, callers };
  const admission = createAdmission({ authentication, policy, limits });
  await assert.rejects(admission.admit(arrival(as("caller"))), { code: "IN_FLIGHT_LIMIT" });
  using _call = await admission.admit(arrival(as("operator")));
});

test("a bucket holds what its caller may send at once, and callers that are full again are forgotten", () => {
  const clock = manualClock();
  const limits = createRateLimits(clock, 2);
  const rate = { perSecond: 1, burst: 3 };
  assert.deepEqual(
    [1, 2, 3, 4].map(() => limits.take("a", rate)),
    [0, 0, 0, 1000],
  );
  clock.advance(1_000_000);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => limits.take("a", rate)),
    [0, 0, 0, 1000],
  );
  for (let i = 0; i < 100; i++) limits.take(`b${i}`, rate);
  assert.ok(limits.size <= 2);
});

test("a call ends at its deadline with a TimeoutError, or when the client leaves with any other reason", async () => {
  const admission = createAdmission();
  const client = new AbortController();
  using left = await admission.admit(arrival({}, { left: client.signal, timeoutMs: 60_000 }));
  assert.equal(left.signal.aborted, false);
  client.abort(new Error("gone"));
  assert.equal(left.signal.reason.message, "gone");
  using late = await admission.admit(arrival({}, { timeoutMs: 5 }));
  await new Promise((resolve) => late.signal.addEventListener("abort", resolve));
  assert.equal(late.signal.reason.name, "TimeoutError");
  await assert.rejects(admission.admit(arrival({}, { timeoutMs: 0 })), { code: "DEADLINE_EXCEEDED" });
  await assert.rejects(admission.admit(arrival({}, { left: AbortSignal.abort() })), { code: "CANCELLED" });
});

test("a call that says nothing waits the default, and none waits longer than the most", async () => {
  const limits = { ...noLimits, defaultTimeoutMs: 1, maxTimeoutMs: 2 };
  const admission = createAdmission({ limits });
  using silent = await admission.admit(arrival());
  using patient = await admission.admit(arrival({}, { timeoutMs: 1e12 }));
  await Promise.all([silent, patient].map(({ signal }) => aborted(signal)));
  const unlimited = createAdmission();
  // A timer of Node that is longer than 2^31 ms would fire at once.
  using forever = await unlimited.admit(arrival({}, { timeoutMs: 1e12 }));
  await wait(5);
  assert.equal(forever.signal.aborted, false);
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}

test("a disposed call leaves neither a timer nor a listener, and its signal does not fire", async () => {
  const admission = createAdmission();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const client = new AbortController();
  const call = await admission.admit(arrival({}, { left: client.signal, timeoutMs: 3 }));
  call[Symbol.dispose]();
  client.abort();
  await wait(10);
  assert.equal(call.signal.aborted, false);
  assert.equal(timers(), before);
});

test("a server that drains refuses what is new and waits for the last call", async () => {
  const admission = createAdmission();
  const call = await admission.admit(arrival());
  let isDrained = false;
  const drained = admission.drain().then(() => {
    isDrained = true;
  });
  await assert.rejects(admission.admit(arrival()), { code: "SERVER_STOPPING" });
  assert.equal(admission.isStopping, true);
  assert.equal(isDrained, false);
  call[Symbol.dispose]();
  await drained;
  await createAdmission().drain();
});

test("an observer is told of every call once, answered or refused", async () => {
  const clock = manualClock();
  const told: string[] = [];
  const admission = createAdmission({
    clock,
    limits: { ...noLimits, inFlight: 1 },
    observer: {
      answered: ({ action }, { principal }, ms) => void told.push(`${action} ${principal.id} ${ms}`),
      refused: ({ action }, { code }) => void told.push(`${action} ${code}`),
    },
  });
  const call = await admission.admit(arrival());
  await assert.rejects(admission.admit(arrival()));
  clock.advance(7);
  call[Symbol.dispose]();
  assert.deepEqual(told, ["infer IN_FLIGHT_LIMIT", "infer anonymous 7"]);
});

test("parts of a call are told each by itself, and count against the rate after the first", async () => {
  const told: string[] = [];
  const limits = { ...noLimits, perKey: { inFlight: 1, rate: { perSecond: 0.001, burst: 2 } } };
  const admission = createAdmission({
    limits,
    observer: {
      answered: ({ action }, _call, _elapsedMs, failure) =>
        void told.push(`${action} ${failure?.code ?? "OK"}`),
      refused: () => {},
    },
  });
  const call = await admission.admit(arrival({}, { action: "graphql" }));
  const [first, second] = [call.part("infer"), call.part("predict")];
  assert.equal(first.signal, call.signal);
  assert.notEqual(first.times, call.times);
  assert.throws(() => call.part("infer"), { code: "RATE_LIMIT" });
  second.failed?.(new Error("so it is"));
  second[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.equal(admission.inFlight, 1, "parts take no room of their own");
  call[Symbol.dispose]();
  assert.deepEqual(told, ["predict INTERNAL", "infer OK", "graphql OK"]);
  assert.equal(admission.inFlight, 0);
});

test("an operation of GraphQL is let in for whoever may do anything at all", async () => {
  const admission = createAdmission({ authentication, policy });
  using _caller = await admission.admit(arrival(as("caller"), { action: "graphql" }));
  await assert.rejects(admission.admit(arrival({}, { action: "graphql" })), { code: "AUTH_REQUIRED" });
});
