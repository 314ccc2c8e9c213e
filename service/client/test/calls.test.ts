/** A call over all policies, with time that the test moves and servers that are functions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { ClientError, clientError, specOfHttp } from "../src/errors.ts";
import type { ClientEvent } from "../src/events.ts";
import { emptyRequest, fakeClient } from "./support/fake-face.ts";
import { type FakeTiming, fakeTiming } from "./support/fake-timing.ts";

const busy = (retryAfterMs: number | null = null) =>
  new ClientError({
    code: "QUEUE_LIMIT",
    spec: specOfHttp(429, "full", true),
    message: "full",
    status: 429,
    retryAfterMs,
  });
const lost = () => clientError("CONNECTION_LOST", "cut");
const refused = () =>
  new ClientError({ code: "INPUT_MISSING", spec: specOfHttp(400, "no", false), message: "no", status: 400 });

/** How a call ended when so much time has passed. */
async function ended<T>(asked: Promise<T>, timing: FakeTiming, ms = 60_000): Promise<T | ClientError> {
  const end = asked.catch((error: unknown) => {
    assert.ok(error instanceof ClientError, String(error));
    return error;
  });
  await timing.advance(ms);
  return await end;
}

const codeOf = (end: unknown) => (end instanceof ClientError ? end.code : "answered");

/** A server that does these things in turn, the last for ever. */
function script(...steps: readonly (() => unknown)[]) {
  let at = 0;
  return async () => {
    const value = steps[Math.min(at++, steps.length - 1)]!();
    if (value instanceof Error) throw value;
    return value;
  };
}

test("what may pass is tried three times more, after waits that grow and are drawn", async () => {
  const timing = fakeTiming();
  let sent = 0;
  using client = fakeClient(
    async () => {
      sent++;
      throw lost();
    },
    { endpoints: "http://a", timeoutMs: null },
    timing,
  );
  assert.equal(codeOf(await ended(client.infer(emptyRequest), timing)), "CONNECTION_LOST");
  assert.equal(sent, 4);
  assert.equal(timing.asked.length, 3);
  for (const [retry, ms] of timing.asked.entries())
    assert.ok(ms >= 0 && ms < 100 * 2 ** retry, `${retry}: ${ms}`);
});

test("what the caller did wrong is not tried again, and does not open the breaker", async () => {
  const timing = fakeTiming();
  let sent = 0;
  using client = fakeClient(
    async () => {
      sent++;
      throw refused();
    },
    { endpoints: "http://a", timeoutMs: null },
    timing,
  );
  for (let i = 0; i < 50; i++)
    assert.equal(codeOf(await ended(client.infer(emptyRequest), timing, 1)), "INPUT_MISSING");
  assert.equal(sent, 50);
});

test("the time the server asks for is waited before the drawn one", async () => {
  const timing = fakeTiming();
  using client = fakeClient(
    script(
      () => busy(2_000),
      () => ({}),
    ),
    { endpoints: "http://a", timeoutMs: null },
    timing,
  );
  assert.equal(codeOf(await ended(client.infer(emptyRequest), timing)), "answered");
  const [waited = 0] = timing.asked;
  assert.ok(waited >= 2_000 && waited < 2_100);
});

test("a wait that would pass the deadline is not begun: the failure is told at once", async () => {
  const timing = fakeTiming();
  let sent = 0;
  using client = fakeClient(
    async () => {
      sent++;
      throw busy(5_000);
    },
    { endpoints: "http://a", timeoutMs: 3_000 },
    timing,
  );
  assert.equal(codeOf(await ended(client.infer(emptyRequest), timing, 1)), "QUEUE_LIMIT");
  assert.equal(sent, 1);
});

test("the deadline is one for all tries: each tells the server what is left, and it ends a try in the middle", async () => {
  const timing = fakeTiming();
  const left: (number | null)[] = [];
  using client = fakeClient(
    async ({ call }) => {
      left.push(call.timeoutMs);
      if (left.length === 1) {
        await timing.wait(400, call.signal);
        throw lost();
      }
      await timing.wait(10_000, call.signal);
    },
    { endpoints: "http://a", timeoutMs: 1_000, retry: { baseMs: 0 } },
    timing,
  );
  const asked = client.infer(emptyRequest);
  assert.equal(codeOf(await ended(asked, timing, 1_000)), "DEADLINE_EXCEEDED");
  assert.deepEqual(left, [1_000, 600]);
});

test("who leaves during a wait is told so at once, and nothing is sent any more", async () => {
  const timing = fakeTiming();
  let sent = 0;
  const leaver = new AbortController();
  using client = fakeClient(
    async () => {
      sent++;
      throw busy(5_000);
    },
    { endpoints: "http://a" },
    timing,
  );
  const asked = client.infer(emptyRequest, { signal: leaver.signal });
  const end = ended(asked, timing, 100);
  await timing.advance(10);
  leaver.abort();
  assert.equal(codeOf(await end), "CANCELLED");
  await timing.advance(60_000);
  assert.equal(sent, 1);
});

test("a call on a closed client, and one that its closing ends, say so", async () => {
  const timing = fakeTiming();
  const client = fakeClient(({ call }) => timing.wait(1e6, call.signal), { endpoints: "http://a" }, timing);
  const asked = ended(client.infer(emptyRequest), timing, 1);
  await timing.advance(1);
  client.close();
  assert.equal(codeOf(await asked), "CANCELLED");
  assert.equal(codeOf(await ended(client.infer(emptyRequest), timing, 1)), "CLIENT_CLOSED");
});

test("retries end where the budget ends, whatever number of calls fails", async () => {
  const timing = fakeTiming();
  let sent = 0;
  using client = fakeClient(
    async () => {
      sent++;
      throw lost();
    },
    {
      endpoints: "http://a",
      timeoutMs: null,
      budget: { ratio: 0.1, burst: 5 },
      breaker: { minimumCalls: 1e6 },
    },
    timing,
  );
  const calls = 200;
  for (let i = 0; i < calls; i++) await ended(client.infer(emptyRequest), timing, 10_000);
  assert.equal(sent, calls + Math.floor(5 + 0.1 * (calls - 1) + 1e-9));
});

test("an endpoint that fails is suspended after 20 calls, tried with three after a minute, and used again", async () => {
  const timing = fakeTiming();
  let sent = 0;
  let isSick = true;
  const states: string[] = [];
  using client = fakeClient(
    async () => {
      sent++;
      if (isSick) throw lost();
      return {};
    },
    {
      endpoints: "http://a",
      retry: { retries: 0 },
      onEvent: (event) => {
        if (event.kind === "breaker") states.push(event.state);
        throw new Error("who watches must not fail who works");
      },
    },
    timing,
  );
  for (let i = 0; i < 30; i++) await ended(client.infer(emptyRequest), timing, 1);
  assert.equal(sent, 20);
  const refusal = await ended(client.infer(emptyRequest), timing, 1);
  assert.ok(refusal instanceof ClientError && refusal.code === "SERVER_SUSPENDED" && !refusal.mayHaveRun);
  assert.ok(refusal.retryAfterMs! > 59_000 && refusal.retryAfterMs! <= 60_000);
  assert.match(refusal.message, / in 60 s\. /);
  isSick = false;
  await timing.advance(60_000);
  for (let i = 0; i < 3; i++)
    assert.equal(codeOf(await ended(client.infer(emptyRequest), timing, 1)), "answered");
  assert.deepEqual(states, ["open", "half-open", "closed"]);
});

// As https://github.com/nodeshift/opossum/issues/385 (never half open after failures at once) and 819 (all pass then).
test("failures at once open it, and of calls at once after the minute three are sent", async () => {
  const timing = fakeTiming();
  let sent = 0;
  using client = fakeClient(
    async ({ call }) => {
      sent++;
      await timing.wait(10, call.signal);
      throw lost();
    },
    { endpoints: "http://a", retry: { retries: 0 } },
    timing,
  );
  const together = async (calls: number) => {
    const ends = Array.from({ length: calls }, () => client.infer(emptyRequest).catch(codeOf));
    await timing.advance(10);
    return await Promise.all(ends);
  };
  await together(30);
  assert.equal(sent, 30);
  assert.deepEqual(await together(10), Array(10).fill("SERVER_SUSPENDED"));
  await timing.advance(60_000);
  const after = await together(10);
  assert.equal(sent, 33);
  assert.equal(after.filter((code) => code === "SERVER_SUSPENDED").length, 7);
  await timing.advance(59_000);
  assert.deepEqual(await together(1), ["SERVER_SUSPENDED"]);
  await timing.advance(1_000);
  assert.deepEqual(await together(1), ["CONNECTION_LOST"]);
});

test("one model that is not ready does not suspend its server", async () => {
  const timing = fakeTiming();
  const spec = specOfHttp(503, "not ready", true);
  using client = fakeClient(
    script(() => new ClientError({ code: "MODEL_NOT_READY", spec, message: "not ready", status: 503 })),
    { endpoints: "http://a", retry: { retries: 0 } },
    timing,
  );
  for (let i = 0; i < 50; i++)
    assert.equal(codeOf(await ended(client.infer(emptyRequest), timing, 1)), "MODEL_NOT_READY");
});

test("the nearest region is used, a failed try goes to another endpoint, and one that cannot be reached is left", async () => {
  const timing = fakeTiming();
  const trips = new Map([
    ["http://far", 200],
    ["http://near", 20],
  ]);
  const used: string[] = [];
  const events: ClientEvent[] = [];
  let isNearDown = false;
  using client = fakeClient(
    async ({ url, operation, call }) => {
      if (operation !== "live") used.push(url);
      if (isNearDown && url === "http://near")
        throw clientError("SERVER_UNREACHABLE", "refused", { mayHaveRun: false });
      await timing.wait(trips.get(url)!, call.signal);
      return {};
    },
    {
      endpoints: [
        { url: "http://far", region: "far" },
        { url: "http://near", region: "near" },
      ],
      onEvent: (event) => void events.push(event),
    },
    timing,
  );
  await ended(client.infer(emptyRequest), timing, 1_000);
  await ended(client.infer(emptyRequest), timing, 1_000);
  assert.deepEqual(used.splice(0), ["http://near", "http://near"]);
  const measured = events
    .filter(({ kind }) => kind === "probe")
    .map((event) => ("ms" in event ? event.ms : null));
  assert.deepEqual(measured, [20, 200]);
  isNearDown = true;
  assert.equal(codeOf(await ended(client.infer(emptyRequest), timing, 1_000)), "answered");
  assert.deepEqual(used.splice(0), ["http://near", "http://far"]);
  await ended(client.infer(emptyRequest), timing, 1_000);
  assert.deepEqual(used.splice(0), ["http://far"]);
  isNearDown = false;
  // The next probes find it again.
  await timing.advance(30_000);
  await ended(client.infer(emptyRequest), timing, 1_000);
  used.splice(0);
  await ended(client.infer(emptyRequest), timing, 1_000);
  assert.deepEqual(used, ["http://near"]);
  const regions = events.flatMap((event) => (event.kind === "region" ? [event.region] : []));
  assert.deepEqual(regions, ["near", "far", "near"]);
});

test("a call that takes long is sent once more, the first answer wins, and the loser is told to stop", async () => {
  const timing = fakeTiming();
  let sent = 0;
  const stopped: string[] = [];
  using client = fakeClient(
    async ({ call }) => {
      const mine = ++sent;
      await timing.wait(mine === 1 ? 5_000 : 30, call.signal).catch((reason) => {
        stopped.push(`${mine}`);
        throw reason;
      });
      return mine;
    },
    { endpoints: "http://a", hedge: { delayMs: 100 } },
    timing,
  );
  assert.equal(await ended(client.infer(emptyRequest) as Promise<unknown>, timing, 130), 2);
  assert.deepEqual(stopped, ["1"]);
  assert.equal(sent, 2);
});

test("a server that says when to come again is sent no hedge", async () => {
  const timing = fakeTiming();
  let sent = 0;
  using client = fakeClient(
    async ({ call }) => {
      if (++sent === 1) {
        await timing.wait(10, call.signal);
        throw busy(1_000);
      }
      return {};
    },
    { endpoints: "http://a", hedge: { delayMs: 100, most: 3 }, retry: { retries: 0 } },
    timing,
  );
  assert.equal(codeOf(await ended(client.infer(emptyRequest), timing)), "QUEUE_LIMIT");
  assert.equal(sent, 1);
});

test("headers are asked for before each call, and a call's own go before them", async () => {
  const timing = fakeTiming();
  const seen: object[] = [];
  let token = 0;
  using client = fakeClient(
    async ({ call }) => void seen.push(call.headers),
    { endpoints: "http://a", headers: async () => ({ Authorization: `Bearer ${++token}` }) },
    timing,
  );
  await ended(client.infer(emptyRequest), timing, 1);
  await ended(
    client.infer(emptyRequest, { headers: { authorization: "Bearer mine", "x-more": "1" } }),
    timing,
    1,
  );
  assert.deepEqual(seen, [{ authorization: "Bearer 1" }, { authorization: "Bearer mine", "x-more": "1" }]);
});

test("options that are none are refused when the client is made", () => {
  const timing = fakeTiming();
  for (const endpoints of [[], "", "server:80", "ftp://a", "/path", ["http://a", "b"]])
    assert.throws(() => fakeClient(async () => ({}), { endpoints }, timing), { code: "OPTION_INVALID" });
  // As JavaScript calls it.
  const misspelt: { endpoints: string } = JSON.parse('{"endpoint":"http://a"}');
  assert.throws(() => fakeClient(async () => ({}), misspelt, timing), { code: "OPTION_INVALID" });
});

test("a header that HTTP does not carry is refused and not told, and one with a line's end loses it", async () => {
  const timing = fakeTiming();
  const seen: unknown[] = [];
  const client = fakeClient(
    async ({ call }) => {
      seen.push(call.headers);
      return {};
    },
    { endpoints: "http://a" },
    timing,
  );
  for (const headers of [{ "a b": "c" }, { "x-api-key": "hunter2\n3" }, { "x-api-key": "hunter2✓" }]) {
    const refused = await client.infer(emptyRequest, { headers }).catch((thrown: unknown) => thrown);
    assert.ok(refused instanceof ClientError);
    assert.deepEqual([refused.code, refused.mayHaveRun], ["OPTION_INVALID", false]);
    assert.doesNotMatch(inspect(refused, { depth: null }), /hunter2/);
  }
  await client.infer(emptyRequest, { headers: { "X-API-Key": "secret\n" } });
  assert.deepEqual(seen, [{ "x-api-key": "secret" }]);
});

test("a deadline that no timer keeps is refused", async () => {
  const client = fakeClient(async () => ({}), { endpoints: "http://a" }, fakeTiming());
  for (const timeoutMs of [Number.NaN, -1, Number.POSITIVE_INFINITY, 86_400_001])
    await assert.rejects(client.infer(emptyRequest, { timeoutMs }), {
      code: "OPTION_INVALID",
      mayHaveRun: false,
    });
});
