/** Fresh connections with a first call: how each kind ends, that none is faster than the protocols allow, and summaries. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttps } from "node:https";
import test from "node:test";
import type { StartServer } from "../src/compare/far-servers.ts";
import { makeTls } from "../src/face/tls-files.ts";
import { type FirstCall, firstCall, type HandshakeTarget } from "../src/handshake/first-call.ts";
import { type HandshakeKind, handshakeKinds } from "../src/handshake/handshake-kinds.ts";
import {
  handshakePlanDefaults,
  handshakeSecondsOf,
  handshakesOver,
} from "../src/handshake/run-handshakes.ts";
import { type HandshakeSummary, summariseHandshakes } from "../src/handshake/summarise-handshakes.ts";
import type { DirectionSpec } from "../src/link/direction.ts";
import { openEmulatedLink, whyNoLink } from "../src/link/emulated-link.ts";
import { startJob } from "../src/link/job-process.ts";
import { deviceName } from "../src/link/open-tun.ts";
import { generateLoad } from "../src/load/generate-load.ts";
import { withoutLoss } from "../src/scenario/scenario.ts";
import { scenarios } from "../src/scenario/scenarios.ts";
import { openFastServer } from "./support/fast-server.ts";

/** Servers of this test have no gRPC; `cupel bench handshakes` is tested with one that has. */
const kinds = handshakeKinds.filter(({ by, ends }) => by === "sockets" || ends === "error");

test("each kind of connection ends as it should, and what is resumed is resumed", async () => {
  const host = "127.0.0.1";
  const tls = { on: makeTls("on", host), mutual: makeTls("mutual", host) };
  await using off = await openFastServer(host, null);
  await using on = await openFastServer(host, tls.on.server);
  await using mutual = await openFastServer(host, tls.mutual.server);
  const { certificate: cert, key } = tls.on.server;
  await using http1 = createHttps({ cert, key, ALPNProtocols: ["http/1.1"] }).listen(0, host);
  await once(http1, "listening");
  const { port } = Object(http1.address());
  const servers: Readonly<Record<HandshakeKind["server"], Pick<HandshakeTarget, "port" | "tls">>> = {
    off: { port: off.port, tls: tls.on.caller },
    on: { port: on.port, tls: tls.on.caller },
    mutual: { port: mutual.port, tls: tls.mutual.caller },
    "http1-only": { port, tls: tls.on.caller },
  };
  const call = { model: "echo", input: "x", bytes: 1200 };
  const calls = await Promise.all(
    kinds.map(async (kind) => {
      const target = { kind, host, call, ...servers[kind.server] };
      const tickets = { ticket: undefined };
      const first = await firstCall(target, tickets);
      return kind.tls?.isResumed ? [await firstCall(target, tickets)] : [first];
    }),
  );
  const summaries = new Map<string, HandshakeSummary>();
  for (const each of summariseHandshakes(kinds, calls, 1)) {
    assert.equal(each.unlike, 0, `${each.kind.name}: ${JSON.stringify(each.ends)} ${each.reason}`);
    summaries.set(each.kind.name, each);
  }
  const ended = (name: string) => Object.keys(summaries.get(name)?.ends ?? {}).join();
  assert.match(ended("h2 asked of an HTTP/1.1 server"), /ALERT_NO_APPLICATION_PROTOCOL$/);
  assert.equal(ended("the same, @cupel/client"), "TLS_FAILED");
  assert.match(
    summaries.get("the same, @cupel/client")?.reason ?? "",
    /^No TLS connection can be made: [^:\n]*no application protocol\.$/,
  );
  assert.match(ended("no certificate, mutual"), /CERTIFICATE_REQUIRED$/);
  const bytesOf = (name: string) => summaries.get(name)?.bytes?.value ?? Number.NaN;
  assert.ok(bytesOf("HTTP/2 (h2c)") > 1200);
  assert.ok(bytesOf("TLS resumed, HTTP/2") > bytesOf("HTTP/2 (h2c)"));
  // Who has a ticket is not sent the certificate again.
  assert.ok(bytesOf("TLS, HTTP/2") > bytesOf("TLS resumed, HTTP/2"));
  assert.ok(bytesOf("TLS mutual, HTTP/2") > bytesOf("TLS, HTTP/2"));
});

const startServer: StartServer = async (place, tls) => {
  const entry = new URL("./support/fast-server-process.ts", import.meta.url);
  const process = startJob(entry, { address: place.address, tls }, { place, name: "A server of a test" });
  const { port } = (await process.ready) as { port: number };
  return {
    url: `${tls === null ? "http" : "https"}://${place.address}:${port}`,
    pid: process.pid,
    call: { model: "echo", input: "x" },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
};

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
  const { calls, lags } = await handshakesOver(link, 1200, {
    connections: 1,
    stepMs: 5,
    seed: 1,
    startServer,
  });
  assert.equal(lags.length, handshakeKinds.length);
  for (const { kind, unlike, ends, roundTrips } of summariseHandshakes(handshakeKinds, calls, 2 * delayMs)) {
    if (!kinds.includes(kind)) continue;
    assert.equal(unlike, 0, `${kind.name}: ${JSON.stringify(ends)}`);
    // How much slower is a matter of the machine. The relay may be a fraction of a millisecond early.
    assert.ok((roundTrips?.value ?? 0) > kind.roundTrips - 0.05, `${kind.name}: ${roundTrips?.value}`);
  }
  await using server = await startServer(link.far, null);
  for (const http of [1, 2] as const) {
    // Eight at a time: over HTTP/1.1 each has a connection, over HTTP/2 they go round the eight there are.
    const figures = await generateLoad(
      {
        load: { loop: "closed", inFlight: 8, durationMs: 600 },
        warmUpMs: 300,
        target: { kind: "page", url: `${server.url}/`, policy: { http, connections: 8 }, deadlineMs: 30_000 },
        device: deviceName,
      },
      { place: link.near },
    );
    assert.equal(figures.outcomes.ok, figures.requests, JSON.stringify(figures.failures));
    assert.equal(figures.connections, 8, "made in the warm-up, and counted");
    assert.equal(figures.network?.connections, 0, "made after it");
  }
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
