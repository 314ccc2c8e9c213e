/** The callers of `cupel bench protocols` against the real server: every protocol over every version of HTTP it is called over. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { type Cell, everyCell, generateLoad, policyText, thisMachine, whyNoLink } from "@cupel/wan";
import { echoModel } from "../src/commands/bench/echo-model.ts";
import { cupel, spawnCupel } from "./harness.ts";

const isLong = process.env.CUPEL_LONG_TESTS === "1";
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
  url = await served(child);
});
after(() => stack.disposeAsync());

async function stop(child: ReturnType<typeof spawnCupel>): Promise<void> {
  child.kill();
  await child.ended;
}

function served(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = "";
  child.stderr?.on("data", (text: string) => {
    said += text;
    const [, found] = /Serving .*? at (http:\/\/[\d.]+:\d+)\./.exec(said) ?? [];
    if (found !== undefined) resolve(found);
  });
  child.on("close", () => reject(new Error(said)));
  return promise;
}

for (const cell of cells) {
  const skip = isLong || short.has(nameOf(cell)) ? false : "CUPEL_LONG_TESTS=1 runs it";
  test(`${nameOf(cell)} is answered, and its first byte is seen`, { skip }, async () => {
    const { protocol, policy } = cell;
    const figures = await generateLoad(
      {
        load: { loop: "open", law: "constant", perSecond: 50, durationMs: 200, seed: 1 },
        warmUpMs: 0,
        target: {
          kind: "face",
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

const noLink = isLong ? ((await whyNoLink()) ?? false) : "CUPEL_LONG_TESTS=1 runs it";

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
  for (const { cell, failed } of links[0].cells) {
    assert.equal(cell.tls, "mutual");
    assert.equal(failed, 0, nameOf(cell));
  }
});
