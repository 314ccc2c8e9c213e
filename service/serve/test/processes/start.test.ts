/** A server that is starting: the port first, then the models. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type Gate, openTemporaryFolder } from "@cupel/base";
import { parseConfig, startServer } from "@cupel/serve";
import { GrpcPeer, PeerError } from "../support/grpc-peer.ts";
import { ServedCommand, until } from "../support/served-command.ts";
import { scaler } from "../support/tiny-models.ts";

/** A port that something else listens at. */
async function takenPort() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

async function oneModel(port: number) {
  const folder = await openTemporaryFolder("start");
  await writeFile(join(folder.path, "m.onnx"), scaler(3));
  const { config } = parseConfig({
    flags: {
      "listen.port": port,
      "repository.path": folder.path,
      "engine.trial": false,
      "engine.threads": 1,
      "logging.level": "silent",
    },
  });
  return { folder, config };
}

test("while models are loaded it lives, is not ready, and refuses all else until they are", async () => {
  const taken = await takenPort();
  const { port } = taken;
  await taken.close();
  const { folder, config } = await oneModel(port);
  await using _ = folder;
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const starting = startServer(config, {
    gate: {
      async allow() {
        asked.resolve();
        await released.promise;
        return { allowed: true };
      },
    },
  });
  await asked.promise;
  const at = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);
  assert.equal((await at("/v2/health/live")).status, 200);
  assert.equal((await at("/v2/health/ready")).status, 503);
  assert.equal((await at("/v2/models/m/ready")).status, 503);
  assert.equal((await at("/metrics")).status, 200);
  const infer = () =>
    at("/v2/models/m/infer", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1, 3], data: [1, 1, 1] }] }),
    });
  const refused = await infer();
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.match(await refused.text(), /"code":"SERVER_STARTING"/);
  using peer = new GrpcPeer(port);
  assert.equal((await peer.call("grpc.health.v1.Health/Check", {})).status, "NOT_SERVING");
  await assert.rejects(peer.call("inference.GRPCInferenceService/ModelMetadata", { name: "m" }), (error) => {
    assert.ok(error instanceof PeerError);
    assert.deepEqual([error.status, error.reason, error.retryMs], [14, "SERVER_STARTING", 1000]);
    return true;
  });
  released.resolve();
  await using _server = await starting;
  assert.equal((await at("/v2/health/ready")).status, 200);
  assert.equal((await at("/v2/models/m/ready")).status, 200);
  assert.equal((await infer()).status, 200);
  assert.equal((await peer.call("grpc.health.v1.Health/Check", {})).status, "SERVING");
});

test("a model that the gate refuses is never served, nor are the others beside it", async () => {
  const { folder, config } = await oneModel(0);
  await using _ = folder;
  const starting = startServer(config, {
    gate: { allow: async () => ({ allowed: false, reason: "changed", details: {} }) },
  });
  await assert.rejects(starting, { code: "MODEL_REFUSED" });
});

test("a port that is taken is refused before a model is loaded", async () => {
  await using taken = await takenPort();
  const { folder, config } = await oneModel(taken.port);
  await using _ = folder;
  let loads = 0;
  const gate: Gate = {
    async allow() {
      loads++;
      return { allowed: true };
    },
  };
  await assert.rejects(startServer(config, { gate }), { code: "LISTEN_FAILED" });
  assert.equal(loads, 0);
});

test("several processes refuse a taken port at once too, and end", { timeout: 60_000 }, async () => {
  await using taken = await takenPort();
  const { folder } = await oneModel(0);
  await using _ = folder;
  await using temporary = await openTemporaryFolder("start-own");
  const words = [folder.path, "--port", String(taken.port), "--processes", "2"];
  await using command = new ServedCommand(words, temporary.path);
  assert.equal(await command.ended(), 70, command.text);
  assert.match(command.text, /error LISTEN_FAILED: .*another process listens there/);
  assert.doesNotMatch(command.text, /is in service/);
});

test("several processes answer together: none is ready before all are", { timeout: 60_000 }, async () => {
  const taken = await takenPort();
  await taken.close();
  const { folder } = await oneModel(0);
  await using _ = folder;
  await using temporary = await openTemporaryFolder("start-own");
  const words = [folder.path, "--port", String(taken.port), "--processes", "3"];
  await using _command = new ServedCommand(words, temporary.path);
  const ask = (path: string) =>
    fetch(`http://127.0.0.1:${taken.port}${path}`, { headers: { connection: "close" } }).then(
      ({ status }) => status,
      () => null,
    );
  await until(async () => (await ask("/v2/health/live")) === 200);
  await until(async () => (await ask("/v2/health/ready")) === 200);
  // Whichever of them is asked.
  for (let i = 0; i < 12; i++) assert.equal(await ask("/v2/models/m"), 200);
});
