/** A process of several that is killed while it answers: what its clients see, who takes its place, what is counted. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { GrpcPeer, PeerError } from "../support/grpc-peer.ts";
import { ServedCommand, until, withoutProc } from "../support/served-command.ts";
import { slow } from "../support/tiny-models.ts";

const size = 256;
const path = "inference.GRPCInferenceService/ModelInfer";
const settings = [
  "--port",
  "0",
  "--processes",
  "2",
  "--set",
  "engine.trial=false",
  "--set",
  "engine.threads=1",
];

/** A second or more of work. */
const bytes = slow(1500, size);
const inferRequest = {
  model_name: "slow",
  inputs: [{ name: "x", datatype: "FP32", shape: [size, size] }],
  raw_input_contents: [Buffer.alloc(4 * size * size)],
};
const restBody = JSON.stringify({
  inputs: [{ name: "x", datatype: "FP32", shape: [size, size], data: Array(size * size).fill(0) }],
});

async function figures(port: number): Promise<(line: string) => number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: "close" } });
  const lines = (await response.text()).split("\n");
  return (name) =>
    lines
      .filter((line) => line.startsWith(name))
      .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** Resolves when a request beside the scrape itself is being answered. */
const isBusy = (port: number) => until(async () => (await figures(port))("cupel_in_flight_requests") > 1);

function restInfer(port: number): { readonly sent: ClientRequest; readonly answer: Promise<string> } {
  const sent = request({ port, path: "/v2/models/slow/infer", method: "POST", agent: false });
  sent.end(restBody);
  const answer = once(sent, "response").then(([response]: IncomingMessage[]) => text(response!));
  return { sent, answer };
}

test("a process killed in mid-request: clients are told to come again, and are answered when they do", {
  skip: withoutProc,
  timeout: 180_000,
}, async (context) => {
  await using folder = await openTemporaryFolder("killed");
  await using temporary = await openTemporaryFolder("killed-own");
  await writeFile(join(folder.path, "slow.onnx"), bytes);
  await using command = new ServedCommand([folder.path, ...settings], temporary.path);
  const port = await command.port();
  const isWhole = (times: number) => command.wrote(/serves in place of one that ended/, times);
  let last = 0;
  /** Requests answered so far, by all processes that ever were. */
  const answered = async () => {
    const now = (await figures(port))('cupel_requests_total{face="grpc",action="infer",model="slow"');
    assert.ok(now >= last, `${now} after ${last}`);
    last = now;
    return now;
  };

  await context.test("gRPC: UNAVAILABLE", async () => {
    using peer = new GrpcPeer(port);
    await peer.call(path, inferRequest);
    assert.equal(await answered(), 1);
    const call = peer.call(path, inferRequest);
    const failed = assert.rejects(call, (error: unknown) => {
      assert.ok(error instanceof PeerError);
      assert.equal(error.status, 14, error.message);
      return true;
    });
    await isBusy(port);
    process.kill(await busyOf(command, port), "SIGKILL");
    await failed;
    await answered();
    await isWhole(1);
  });

  await context.test("gRPC with a retry policy: the call succeeds", async () => {
    const retryPolicy = {
      maxAttempts: 4,
      initialBackoff: "0.1s",
      maxBackoff: "1s",
      backoffMultiplier: 2,
      retryableStatusCodes: ["UNAVAILABLE"],
    };
    const service = { service: "inference.GRPCInferenceService" };
    using peer = new GrpcPeer(port, {
      "grpc.enable_retries": 1,
      "grpc.service_config": JSON.stringify({ methodConfig: [{ name: [service], retryPolicy }] }),
    });
    const call = peer.call(path, inferRequest);
    await isBusy(port);
    process.kill(await busyOf(command, port), "SIGKILL");
    assert.equal((await call).model_name, "slow");
    assert.equal(await answered(), 2, "one before, and the second attempt of this");
    await isWhole(2);
  });

  await context.test("REST: a reset connection, and an answer on the next", async () => {
    const { sent, answer } = restInfer(port);
    const failed = assert.rejects(answer, { code: "ECONNRESET" });
    await isBusy(port);
    const owner = await command.ownerOf(sent.socket?.localPort ?? 0, port);
    assert.ok(owner !== null);
    process.kill(owner, "SIGKILL");
    await failed;
    const again = JSON.parse(await restInfer(port).answer);
    assert.equal(again.model_name, "slow");
    await isWhole(3);
  });

  await context.test(
    "each is logged and counted by its cause, which any process tells; all answer",
    async () => {
      const ended = command.lines("process ended");
      assert.deepEqual(
        ended.map(({ level, signal, status }) => ({ level, signal, status })),
        Array(3).fill({ level: "error", signal: "SIGKILL", status: null }),
      );
      assert.equal(new Set(ended.map(({ pid }) => pid)).size, 3);
      const sockets = await command.connectToEach(port);
      assert.equal(sockets.size, 2);
      for (const socket of sockets.values()) {
        const told = await scrapeOn(socket);
        assert.match(told, /^cupel_processes_ended_total\{cause="SIGKILL"\} 3$/m);
        assert.match(told, /^cupel_processes 2$/m);
        assert.match(told, /^HTTP\/1\.1 200 /);
      }
      assert.equal(await answered(), 2);
    },
  );

  await context.test(
    "a connection that a process had not taken when it was killed is closed, not forgotten",
    async () => {
      const [first = 0] = await command.workers();
      process.kill(first, "SIGSTOP");
      // Of two, one goes to the process that has stopped.
      const fates = [1, 2].map(async () => {
        const socket = connect(port, "127.0.0.1");
        socket.on("error", () => {});
        socket.write("GET /v2/health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        return await text(socket).catch(() => "reset");
      });
      assert.match(await Promise.race(fates), /^HTTP\/1\.1 200 /);
      process.kill(first, "SIGKILL");
      const [one = "", other = ""] = (await Promise.all(fates)).sort();
      assert.match(one, /^HTTP\/1\.1 200 /);
      assert.match(other, /^(reset)?$/);
      await isWhole(4);
    },
  );

  command.signal("SIGTERM");
  assert.equal(await command.ended(), 0, command.text);
  const left = (await readdir(temporary.path)).filter((name) => name.startsWith("cupel-"));
  assert.deepEqual(left, [], "those that were killed left their folders to the next");
});

/** The process of the only connection over which a request is being answered: that of the only client besides `fetch`. */
async function busyOf(command: ServedCommand, port: number): Promise<number> {
  const busy = await Promise.all(
    (await command.workers()).map(async (pid) => ({
      pid,
      connections: await command.connectionsOf(pid, port),
    })),
  );
  const [only, ...more] = busy.filter(({ connections }) => connections > 0);
  assert.ok(only && more.length === 0, JSON.stringify(busy));
  return only.pid;
}

async function scrapeOn(socket: Socket): Promise<string> {
  socket.write("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  return await text(socket);
}
