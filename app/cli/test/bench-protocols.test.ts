/**
 * `cupel bench` against the real server: every protocol over every version of HTTP it is called over, the proxy, and a
 * comparison without an emulated link.
 */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import {
  type Cell,
  environment,
  everyCell,
  generateLoad,
  hedgingCells,
  type Measured,
  type MeasuredRun,
  policyCells,
  policyText,
  reportOf,
  scenarios,
  thisMachine,
  whyNoLink,
} from "@cupel/wan";
import { echoModel } from "../src/commands/bench/echo-model.ts";
import { lateRemarks, reportText } from "../src/commands/bench/protocols-text.ts";
import { cupel, spawnCupel } from "./harness.ts";

const isLong = process.env.CUPEL_LONG_TESTS === "1";
const longOnly = isLong ? false : "CUPEL_LONG_TESTS=1 runs it";
const noLink = isLong ? ((await whyNoLink()) ?? false) : longOnly;
/** What no other test calls so: bytes that are made here, and a face of @cupel/client. */
const short = new Set(["rest-cbor h1 pool", "rest-json h2 x 8", "grpc h2 x 8"]);
const nameOf = ({ protocol, policy }: Cell) => `${protocol} ${policyText(policy)}`;
const cells = everyCell.filter(
  ({ policy, congestion, connections, hedgeMs, tls, bytes }) =>
    tls === "off" &&
    bytes === null &&
    congestion === "bbr" &&
    connections === "cold" &&
    hedgeMs === null &&
    (policy.http === 1 || policy.connections === 8),
);

const stack = new AsyncDisposableStack();
let url = "";

before(async () => {
  const folder = stack.use(await openTemporaryFolder("bench-protocols-test"));
  const path = join(folder.path, "echo.onnx");
  await writeFile(path, echoModel());
  const child = spawnCupel(["serve", path, "--port", "0", "--set", "engine.trial=false"]);
  stack.defer(() => stop(child));
  url = await told(child, /Serving .*? at (http:\/\/[\d.]+:\d+)\./);
});
after(() => stack.disposeAsync());

async function stop(child: ReturnType<typeof spawnCupel>): Promise<void> {
  child.kill();
  await child.ended;
}

/** The first group of what a process says on standard error. */
function told(child: ChildProcess, form: RegExp): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = "";
  child.stderr?.on("data", (text: string) => {
    said += text;
    const [, found] = form.exec(said) ?? [];
    if (found !== undefined) resolve(found);
  });
  child.on("close", () => reject(new Error(said)));
  return promise;
}

for (const cell of cells) {
  const skip = short.has(nameOf(cell)) ? false : longOnly;
  test(`${nameOf(cell)} is answered, and its first byte is seen`, { skip }, async () => {
    const { protocol, policy } = cell;
    const figures = await generateLoad(
      {
        load: { loop: "open", law: "constant", perSecond: 50, durationMs: 200, seed: 1 },
        warmUpMs: 0,
        target: {
          kind: "face",
          by: "bytes",
          url,
          protocol,
          policy,
          deadlineMs: 30_000,
          hedgeMs: null,
          call: { model: "echo", input: "x", bytes: 1200 },
        },
        device: null,
      },
      { place: thisMachine },
    );
    assert.equal(figures.outcomes.ok, 10, JSON.stringify(figures.failures));
    assert.equal(figures.firstByte?.count, 10);
    assert.ok((figures.firstByte?.p50 ?? 1) <= (figures.latency?.max ?? 0));
  });
}

test("handshakes with the real server end as they should, over a link, and protocols are called over TLS", {
  skip: noLink,
}, async () => {
  const handshakes = await cupel("bench", "handshakes", "--scenario", "lan", "--connections", "2", "--json");
  assert.equal(handshakes.status, 0, handshakes.err);
  for (const { kind, unlike, ends } of JSON.parse(handshakes.out).links[0].kinds)
    assert.equal(unlike, 0, `${kind.name}: ${JSON.stringify(ends)}`);
  const short = [
    "--scenario",
    "lan",
    "--rate",
    "50",
    "--rounds",
    "1",
    "--warm-up",
    "1000",
    "--measure",
    "400",
  ];
  const protocols = await cupel(
    "bench",
    "protocols",
    ...short,
    "--tls",
    "mutual",
    "--bytes",
    "400",
    "--json",
  );
  assert.equal(protocols.status, 0, protocols.err);
  const { scenario, links } = JSON.parse(protocols.out);
  assert.equal(scenario.load.bytes, 400);
  for (const { cell, causes } of links[0].cells) {
    assert.equal(cell.tls, "mutual");
    // Past a deadline on a busy machine, but never refused.
    assert.deepEqual({ ...causes, deadline: 0 }, { deadline: 0, reset: 0, status: 0, breaker: 0, other: 0 });
  }
});

test("what compares other cells is asked for alone", async () => {
  const told = await cupel("bench", "protocols", "--full", "--hedging");
  assert.equal(told.status, 64, told.err);
  assert.match(told.err, /--hedging asks for other cells than --full/);
});

const latency = (p99: number) => ({
  count: 1000,
  mean: 160,
  p50: 150,
  p90: 200,
  p99,
  p999: 500,
  max: 600,
  curve: [],
});
const passed = { packets: 0, bytes: 0, lost: 0, overflowed: 0, refused: 0, left: 0, late: 0 };
const measuredRun = (round: number, cell: number, p99: number): MeasuredRun => ({
  round,
  cell,
  seed: round,
  load: {
    requests: 1000,
    sent: 1500,
    seconds: 1,
    outcomes: { ok: 1000, deadline: 0, reset: 0, status: 0, breaker: 0, other: 0 },
    latency: latency(p99),
    firstByte: latency(p99),
    lag: latency(0.4),
    missed: [],
    underWay: [160, 160, 160],
    extraSends: 24,
    failures: {},
    cpuSeconds: 0.5,
    network: null,
    connections: null,
  },
  link: { toFar: passed, toNear: passed },
  serverCpuSeconds: 0.5,
});
const plan = { rounds: 6, warmUpMs: 1, measureMs: 1, seed: 1 };
const facts = environment();

function reported(asked: readonly Cell[], p99: (cell: number) => number, more: Partial<Measured>) {
  const [ocean] = scenarios;
  assert.ok(ocean);
  const rounds = [0, 1, 2, 3, 4, 5];
  const runs = rounds.flatMap((round) => asked.map((_, i) => measuredRun(round, i, p99(i) + round)));
  return reportOf({
    link: "emulated",
    scenario: { ...ocean, cells: asked },
    plan,
    environment: facts,
    rate: null,
    compared: [{ name: "near - far", verifications: [], runs }],
    capacity: null,
    isHedging: false,
    ...more,
  });
}

test("a report says the highest rate carried, what each policy carries, and whether P99 is at most half", () => {
  const [stock, client] = policyCells;
  assert.ok(stock && client);
  const perSecond = 1480;
  const trial = { perSecond, isCarried: true, answered: 1, growth: 0, lagP99Ms: 0.5 };
  const half = reported([stock, client], (i) => (i === 0 ? 1000 : 460), {});
  const [link] = half.links;
  assert.ok(link);
  const report = reported([stock, client], (i) => (i === 0 ? 1000 : 700), {
    rate: {
      asked: 2000,
      highest: 1850,
      perSecond,
      lagLimitMs: 1,
      cell: client,
      cpuMs: [0.5, 0.6],
      probes: [],
    },
    capacity: [
      {
        name: "near - far",
        verifications: [],
        congestions: [
          {
            congestion: "reno",
            carried: [
              { cell: stock, perSecond: 85, isAll: false, trials: [{ ...trial, lagP99Ms: 3 }] },
              { cell: client, perSecond, isAll: true, trials: [trial] },
            ],
            atShare: { perSecond: 60, ...link },
          },
        ],
      },
    ],
  });
  const text = reportText(report);
  assert.match(
    text,
    /highest rate carried {2}1,850 requests\/s of 2,000 asked: schedule lag P99 within 1 ms with grpc.*All are run at 1,480/,
  );
  assert.match(text, /grpc, bbr: P99 over h2 x 64.* 0\.70 \(0\.70 - 0\.70\), more than half/);
  assert.match(text, /reno +grpc +h2 stock +85\n/);
  assert.match(text, /reno +grpc +h2 x 64 +1,480 and more\n/);
  assert.match(text, /reno: at 60 requests\/s, 70 % of what one connection carries/);
  assert.match(text, /0\.46 \(0\.46 - 0\.46\), at most half/);
  assert.deepEqual(
    lateRemarks(report).map((each) => each.split(" not sent on time")[0]),
    ["Over near - far, 1 of 2 loads that were tried was"],
  );
  assert.deepEqual(
    JSON.parse(JSON.stringify(report)).capacity[0].congestions[0].carried[1].perSecond,
    perSecond,
  );
});

test("hedges are reported as measured and by arithmetic", () => {
  const report = reported(hedgingCells, () => 400, { isHedging: true });
  assert.deepEqual(
    report.hedging?.[0]?.rows.map(({ hedgeMs }) => hedgeMs),
    [null, 0, 60, 120, 200],
  );
  // 300 by the second round trip, and up to 5 by the jitter; each call that lost a packet is sent again.
  assert.match(reportText(report), /after 200 +40[23] \(400 - 405\) +2\.4 % +30[0-5] +2\.[345] %\n/);
});

test("the proxy says how late it makes answers, until Ctrl-C ends it; and asks its preset's load", async () => {
  const delays = ["--min-ms", "10", "--max-ms", "20"];
  const child = spawnCupel(["bench", "proxy", "--target", url, "--port", "0", ...delays]);
  const proxy = await told(child, /Passing (http:\/\/127\.0\.0\.1:\d+) on to/);
  const answer = await fetch(`${proxy}/v2/health/live`);
  assert.equal(answer.status, 200);
  const injected = Number(answer.headers.get("cupel-injected-delay-ms"));
  assert.ok(injected >= 10 && injected <= 20, `${injected} ms`);
  child.kill("SIGINT");
  const { status, out } = await child.ended;
  assert.equal(status, 0);
  assert.match(out, /Stopped passing .* on, after 1 request\./);

  const loaded = await cupel(
    ...[
      "bench",
      "proxy",
      "--target",
      `${url}/v2/health/live`,
      "--port",
      "0",
      "--load",
      "1",
      "--json",
      ...delays,
    ],
  );
  const { load, connectionsAtMost, delayMs } = JSON.parse(loaded.out);
  assert.deepEqual([connectionsAtMost, delayMs], [500, { min: 10, max: 20 }]);
  assert.ok(load.requests > 130 && load.requests < 280, `${load.requests}`);
  assert.equal(load.outcomes.ok, load.requests, JSON.stringify(load.failures));
  assert.ok(load.latency.p50 >= 10);
});

test("with --delay-only protocols are compared without an emulated link, and every table says so", {
  skip: longOnly,
}, async (t) => {
  const few = ["--rounds", "1", "--warm-up", "0", "--measure", "200", "--rate", "20", "--cells", "1"];
  const { status, out, err } = await cupel("bench", "protocols", "--scenario", "lan", "--delay-only", ...few);
  if (err.includes("LINK_OFF")) return t.skip("the machine has other work");
  assert.equal(status, 0, err);
  assert.match(out, /^DELAY ONLY: no link was emulated\./);
  assert.match(out, /^near - far \(delay only\): round trip P50/m);
  assert.match(out, /^grpc +h2 stock +- /m);
});

test("the proxy needs to know what is behind it", async () => {
  const { status, err } = await cupel("bench", "proxy", "--port", "0");
  assert.match(err, /ARGUMENT_MISSING.*--target/);
  assert.equal(status, 64);
});
