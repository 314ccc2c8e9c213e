/** The load generator: its schedule, what it sees of a server that stalls, how it tells failures apart, and a peer. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { text } from "node:stream/consumers";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { spreadOf } from "@cupel/base";
import type { ConnectionPolicy } from "../src/face/connection-policy.ts";
import { openCaller } from "../src/face/open-caller.ts";
import { thisMachine } from "../src/link/place.ts";
import { generateLoad } from "../src/load/generate-load.ts";
import { parseNetworkCounters } from "../src/load/network-counters.ts";
import { deadlines, type LoadSpec, runLoad } from "../src/load/run-load.ts";
import { makeSchedule } from "../src/load/schedule.ts";
import { compareWithH2load } from "../tools/h2load.ts";
import { ksDistance, ksLimit } from "./kolmogorov-smirnov.ts";
import { listening } from "./support/listening.ts";

const isLong = process.env.CUPEL_LONG_TESTS === "1";

test("a constant schedule has equal steps", () => {
  const times = makeSchedule({ law: "constant", perSecond: 400, durationMs: 1000, seed: 0 });
  assert.equal(times.length, 400);
  assert.ok(times.every((at, i) => Math.abs(at - 2.5 * i) < 1e-9));
});

test("a Poisson schedule has exponential gaps, and is the same for the same seed", () => {
  const spec = { law: "poisson", perSecond: 2000, durationMs: 10_000, seed: 5 } as const;
  const times = makeSchedule(spec);
  const gaps = Array.from(times, (at, i) => at - (times[i - 1] ?? 0));
  assert.ok(ksDistance(gaps, (gap) => 1 - Math.exp(-gap / 0.5)) < ksLimit(gaps.length));
  assert.ok(Math.abs(times.length - 20_000) < 4 * Math.sqrt(20_000));
  assert.deepEqual(makeSchedule(spec), times);
  assert.notDeepEqual(makeSchedule({ ...spec, seed: 6 }), times);
});

function load(port: number, spec: LoadSpec) {
  const policy: ConnectionPolicy = { http: 1, connections: 64 };
  const target = { kind: "page", url: `http://127.0.0.1:${port}/`, policy, deadlineMs: 10_000 } as const;
  return generateLoad({ load: spec, warmUpMs: 0, target, device: null }, { place: thisMachine });
}

/** Without a process of its own: of what is no figure of time. */
async function loadFromHere(
  port: number,
  spec: LoadSpec,
  {
    policy = { http: 1, connections: 64 },
    deadlineMs = 10_000,
  }: { policy?: ConnectionPolicy; deadlineMs?: number } = {},
) {
  using caller = await openCaller({ kind: "page", url: `http://127.0.0.1:${port}/`, policy, deadlineMs });
  return await runLoad(spec, caller, { signal: new AbortController().signal, warmUpMs: 0 });
}

/** Of a server that answers nothing for a while once, from half of the run on. */
async function stalled(spec: LoadSpec, stallMs: number) {
  let until: Promise<unknown> | null = null;
  await using server = await listening(
    createServer(async (_, answer) => {
      until ??= delay(spec.durationMs / 2).then(() => delay(stallMs));
      if (performance.now() - firstAt >= spec.durationMs / 2) await until;
      answer.end("x");
    }).once("request", () => {
      firstAt = performance.now();
    }),
  );
  let firstAt = performance.now();
  return await load(server.port, spec);
}

test("a server that stalls once is seen in the 99th percentile of an open loop", async () => {
  const stallMs = isLong ? 2_000 : 600;
  const durationMs = 3 * stallMs;
  const open = await stalled({ loop: "open", law: "constant", perSecond: 200, durationMs, seed: 1 }, stallMs);
  assert.equal(open.outcomes.ok, open.requests);
  // A third of the requests were due in the stall, evenly: those in its first 3 % wait 97 % of it and more.
  const expected = stallMs - 0.01 * durationMs;
  const p99 = open.latency?.p99 ?? 0;
  assert.ok(p99 > 0.9 * expected, `${p99} of ${expected} ms`);
  // On a machine with other work every request is slow, and that tells nothing apart.
  if (!isLong) return;
  const closed = await stalled({ loop: "closed", inFlight: 1, durationMs }, stallMs);
  assert.ok((closed.latency?.max ?? 0) > 0.9 * stallMs);
  assert.ok((closed.latency?.p99 ?? 0) < 0.5 * stallMs, "one of many requests waits in a closed loop");
});

const ends: readonly {
  readonly outcome: "status" | "reset" | "deadline";
  readonly server: () => Server | TcpServer;
}[] = [
  { outcome: "status", server: () => createServer((_, answer) => answer.writeHead(503).end()) },
  { outcome: "reset", server: () => createTcpServer((socket) => socket.destroy()) },
  { outcome: "deadline", server: () => createServer(() => {}) },
];

for (const http of [1, 2] as const) {
  for (const { outcome, server } of ends) {
    if (http === 2 && outcome !== "reset") continue;
    test(`what fails by ${outcome} over HTTP/${http} is told as such, and is in the latencies`, async () => {
      await using opened = await listening(server());
      const spec: LoadSpec = { loop: "open", law: "constant", perSecond: 40, durationMs: 250, seed: 1 };
      const figures = await loadFromHere(opened.port, spec, {
        deadlineMs: 300,
        policy: { http, connections: 2 },
      });
      assert.equal(figures.outcomes[outcome], 10, JSON.stringify(figures.outcomes));
      assert.equal(figures.latency?.count, 10);
      assert.ok(figures.missed.every(([, share]) => share === 1));
      if (outcome === "deadline") assert.ok((figures.latency?.mean ?? 0) >= 299);
    });
  }
}

test("errors over the deadline are the share that has no answer by then", async () => {
  // Every second answer comes after 1.2 s, which no load on the machine makes of the others.
  let turn = 0;
  await using server = await listening(
    createServer((_, answer) => void delay(turn++ % 2 === 0 ? 0 : 1200).then(() => answer.end())),
  );
  const spec: LoadSpec = { loop: "open", law: "constant", perSecond: 100, durationMs: 400, seed: 1 };
  const figures = await loadFromHere(server.port, spec);
  const missed = new Map(figures.missed);
  assert.equal(figures.missed.length, deadlines.length);
  assert.equal(missed.get(1000), 0.5);
  assert.equal(missed.get(5000), 0);
  assert.ok(figures.missed.every(([, share], i) => share <= (figures.missed[i - 1]?.[1] ?? 1)));
});

test("second sends are counted of the requests that count, and of no others", async () => {
  // So slow that each is sent once more.
  await using server = await listening(
    createServer(async (asked, answer) => {
      const { inputs } = JSON.parse(await text(asked));
      await delay(250);
      answer.writeHead(200, { "content-type": "application/json" });
      answer.end(JSON.stringify({ model_name: "echo", outputs: inputs }));
    }),
  );
  const policy: ConnectionPolicy = { http: 1, connections: 64 };
  using caller = await openCaller({
    kind: "face",
    by: "client",
    url: `http://127.0.0.1:${server.port}`,
    protocol: "rest-json",
    policy,
    deadlineMs: 10_000,
    hedgeMs: 60,
    call: { model: "echo", input: "x", bytes: 40 },
  });
  // Three of the warm-up are sent again when it is over.
  const spec: LoadSpec = { loop: "open", law: "constant", perSecond: 50, durationMs: 400, seed: 1 };
  const figures = await runLoad(spec, caller, { signal: new AbortController().signal, warmUpMs: 200 });
  assert.deepEqual(
    [figures.outcomes.ok, figures.sent, figures.extraSends],
    [10, 20, 10],
    JSON.stringify(figures),
  );
  assert.equal(figures.seconds, 0.2);
  // Twelve or so each time, and none before the first: what is under way is that of before too.
  assert.ok(
    figures.underWay.every((mean) => mean >= 5),
    JSON.stringify(figures.underWay),
  );
});

test("connections, bytes and packets are what the kernel counts", () => {
  const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0
 link0:  184210     212    0    0    0     0          0         0    96100     151    0    0    0     0       0          0
`;
  const snmp = `Ip: Forwarding DefaultTTL
Ip: 2 64
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs
Tcp: 1 200 120000 -1 64 3 0 0 64 900 901 17
`;
  assert.deepEqual(parseNetworkCounters(dev, snmp, "link0"), {
    sentBytes: 96_100,
    sentPackets: 151,
    receivedBytes: 184_210,
    receivedPackets: 212,
    connections: 64,
    retransmitted: 17,
  });
});

function withoutPeer(): string | false {
  if (!isLong) return "compares times, so it wants a quiet machine: set CUPEL_LONG_TESTS";
  try {
    execFileSync("h2load", ["--version"], { stdio: "ignore" });
    return false;
  } catch {
    return "needs h2load: apt-get install nghttp2-client";
  }
}

test("a closed loop has the mean and the 99th percentile of h2load, within 10 %", {
  skip: withoutPeer(),
}, async () => {
  const { rounds } = await compareWithH2load(5);
  const near = (ratio: number) => assert.ok(Math.abs(ratio - 1) <= 0.1, JSON.stringify(rounds));
  near(spreadOf(rounds.map(({ mean }) => mean.ours / mean.theirs)).median);
  near(spreadOf(rounds.map(({ p99 }) => p99.ours / p99.theirs)).median);
});
