/** Fresh connections with a first call: how each kind ends, that none is faster than the protocols allow, and summaries. */
import assert from "node:assert/strict";
import test from "node:test";
import type { StartServer } from "../src/compare/far-servers.ts";
import type { FirstCall } from "../src/handshake/first-call.ts";
import { type HandshakeKind, handshakeKinds } from "../src/handshake/handshake-kinds.ts";
import {
  handshakePlanDefaults,
  handshakeSecondsOf,
  handshakesOver,
} from "../src/handshake/run-handshakes.ts";
import { summariseHandshakes } from "../src/handshake/summarise-handshakes.ts";
import type { DirectionSpec } from "../src/link/direction.ts";
import { openEmulatedLink, whyNoLink } from "../src/link/emulated-link.ts";
import { startJob } from "../src/link/job-process.ts";
import { deviceName } from "../src/link/open-tun.ts";
import { type Place, thisMachine } from "../src/link/place.ts";
import { generateLoad } from "../src/load/generate-load.ts";
import { withoutLoss } from "../src/scenario/scenario.ts";
import { scenarios } from "../src/scenario/scenarios.ts";

const startServer: StartServer = async (place, tls) => {
  const entry = new URL("./support/fast-server.ts", import.meta.url);
  const process = startJob(entry, { address: place.address, tls }, { place, name: "A server of a test" });
  const { port } = (await process.ready) as { port: number };
  return {
    url: `${tls === null ? "http" : "https"}://${place.address}:${port}`,
    pid: process.pid,
    call: { model: "echo", input: "x" },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
};

/** The server of the test has no gRPC; `cupel bench handshakes` is tested with one that has. */
const isAnswered = ({ by, ends }: HandshakeKind) => by === "sockets" || ends === "error";

async function handshakes(ends: { near: Place; far: Place }, connections: number, roundTripMs: number) {
  const { calls, lags } = await handshakesOver(ends, 1200, { connections, stepMs: 20, seed: 1, startServer });
  assert.equal(lags.length, connections * handshakeKinds.length);
  const kinds = summariseHandshakes(handshakeKinds, calls, roundTripMs).filter(({ kind }) =>
    isAnswered(kind),
  );
  for (const { kind, unlike, ends, reason } of kinds)
    assert.equal(unlike, 0, `${kind.name}: ${JSON.stringify(ends)} ${reason}`);
  return kinds;
}

test("each kind of connection ends as it should, and what is resumed is resumed", async () => {
  const kinds = await handshakes({ near: thisMachine, far: thisMachine }, 2, 1);
  const ended = new Map(kinds.map(({ kind, ends }) => [kind.name, Object.keys(ends).join()]));
  assert.match(ended.get("h2 asked of an HTTP/1.1 server") ?? "", /ALERT_NO_APPLICATION_PROTOCOL$/);
  assert.equal(ended.get("the same, @cupel/client"), "TLS_FAILED");
  assert.match(ended.get("no certificate, mutual") ?? "", /CERTIFICATE_REQUIRED$/);
  const bytes = new Map(kinds.map((each) => [each.kind.name, each.bytes?.value ?? 0]));
  const bytesOf = (name: string) => bytes.get(name) ?? Number.NaN;
  // A certificate is not sent again to who has a ticket.
  assert.ok(bytesOf("HTTP/2 (h2c)") > 2 * 1200);
  assert.ok(bytesOf("TLS resumed, HTTP/2") > bytesOf("HTTP/2 (h2c)"));
  assert.ok(bytesOf("TLS, HTTP/2") > bytesOf("TLS resumed, HTTP/2"));
  assert.ok(bytesOf("TLS mutual, HTTP/2") > bytesOf("TLS, HTTP/2"));
});

const skip = (await whyNoLink()) ?? false;

test("over a link, no kind is faster than the round trips of its protocols, and connections are counted", {
  skip,
}, async () => {
  const delayMs = 25;
  const way: DirectionSpec = {
    delay: { delayMs, law: "none", jitterMs: 0 },
    loss: { kind: "none" },
    rate: null,
    queueBytes: null,
    reorders: false,
  };
  await using link = await openEmulatedLink({ toFar: way, toNear: way }, { seed: 1 });
  const kinds = await handshakes(link, 1, 2 * delayMs);
  // How much slower is a matter of the machine. The relay may be a fraction of a millisecond early.
  for (const { kind, roundTrips } of kinds)
    assert.ok((roundTrips?.value ?? 0) > kind.roundTrips - 0.05, `${kind.name}: ${roundTrips?.value}`);
  await using server = await startServer(link.far, null);
  const counted = async (http: 1 | 2) => {
    const figures = await generateLoad(
      {
        load: { loop: "open", law: "constant", perSecond: 100, durationMs: 800, seed: 1 },
        warmUpMs: 400,
        target: { kind: "page", url: `${server.url}/`, policy: { http, connections: 8 }, deadlineMs: 30_000 },
        device: deviceName,
      },
      { place: link.near },
    );
    assert.equal(figures.outcomes.ok, 40, JSON.stringify(figures.failures));
    return figures;
  };
  const h2 = await counted(2);
  assert.equal(h2.connections, 8);
  // All of them were begun by the first eight calls, of forty before what counts.
  assert.equal(h2.network?.connections, 0);
  // One call at a time each: a call every 10 ms that takes 50 needs several, and the pool has eight.
  const h1 = await counted(1);
  assert.ok(h1.connections !== null && h1.connections >= 4 && h1.connections <= 8, `${h1.connections}`);
});

const [first, , , , , , , , alpn] = handshakeKinds;
assert.ok(first && alpn);
const resumed = handshakeKinds.find(({ tls }) => tls?.isResumed);
assert.ok(resumed);
const call = (more: Partial<FirstCall>): FirstCall => ({
  tcpMs: 150,
  tlsMs: 300,
  totalMs: 450,
  end: "200",
  reason: "",
  isResumed: false,
  bytes: 7000,
  ...more,
});

test("a summary has the medians of what ended as its kind does, in round trips too, and counts the rest", () => {
  const lost = call({ tcpMs: null, tlsMs: null, totalMs: 20_000, end: "deadline", reason: "nothing came" });
  const calls = [440, 460, 450, 470, 430, 1450].map((totalMs) => call({ totalMs, isResumed: true }));
  const [summary] = summariseHandshakes([resumed], [[...calls, lost, call({ isResumed: false })]], 150);
  assert.deepEqual(summary?.total, { value: 455, low: 430, high: 1450 });
  assert.deepEqual(summary?.tcp?.value, 150);
  assert.deepEqual(summary?.tls?.value, 150);
  assert.deepEqual(summary?.call?.value, 155);
  assert.ok(Math.abs((summary?.roundTrips?.value ?? 0) - 455 / 150) < 1e-12);
  assert.equal(summary?.slowestMs, 1450);
  assert.equal(summary?.unlike, 2);
  assert.deepEqual(summary?.ends, { "200": 7, deadline: 1 });
  assert.equal(summary?.reason, "nothing came");
});

test("an answer where an error is due, and none at all, are in no figure", () => {
  const [answered, none] = summariseHandshakes([alpn, first], [[call({})], []], 150);
  assert.equal(answered?.unlike, 1);
  assert.equal(answered?.total, null);
  assert.deepEqual([none?.connections, none?.total, none?.slowestMs], [0, null, null]);
});

test("the usual comparison of every scenario takes less than three minutes, of forty connections a kind", () => {
  assert.ok(handshakePlanDefaults.connections >= 30);
  for (const each of scenarios) assert.ok(handshakeSecondsOf(each, handshakePlanDefaults) < 180, each.name);
});

test("without loss a scenario's links differ from it in their loss alone", () => {
  const mobile = scenarios.find(({ name }) => name === "mobile");
  assert.ok(mobile);
  const [link] = withoutLoss(mobile).links;
  assert.deepEqual(link?.spec.toFar, { ...mobile.links[0]?.spec.toFar, loss: { kind: "none" } });
  assert.deepEqual(link?.spec.toNear, { ...mobile.links[0]?.spec.toNear, loss: { kind: "none" } });
});
