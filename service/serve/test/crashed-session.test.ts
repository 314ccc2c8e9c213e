/** The thread of a session that dies with a request: its callers are told to come again, and are served when they do. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { openTemporaryFolder } from "@cupel/base";
import { setEngineThreads } from "@cupel/runtime";
import { parseConfig, startServer } from "@cupel/serve";
import { GrpcPeer, PeerError } from "./support/grpc-peer.ts";
import { until } from "./support/served-command.ts";
import { scaler, slow } from "./support/tiny-models.ts";

const size = 256;

test("a real session's thread dies with a request: 503 and UNAVAILABLE with a time to come again", {
  timeout: 120_000,
}, async () => {
  await using folder = await openTemporaryFolder("crash");
  await writeFile(join(folder.path, "slow.onnx"), slow(2000, size));
  const { config } = parseConfig({
    flags: {
      "listen.port": 0,
      "repository.path": folder.path,
      "repository.mode": "explicit",
      "engine.trial": false,
      "engine.threads": 1,
      "batching.maxRows": 1,
      "logging.level": "silent",
    },
  });
  // One run at a time: that of the other model waits in its thread. In the engine's own code a thread cannot be ended
  // without the whole process, which `processes/killed-process.test.ts` is about.
  setEngineThreads(1);
  const threads: Worker[] = [];
  const noticed = (thread: Worker) => void threads.push(thread);
  process.on("worker", noticed);
  using _ = { [Symbol.dispose]: () => void process.off("worker", noticed) };
  await using server = await startServer(config);
  await writeFile(join(folder.path, "scaler.onnx"), scaler(3));
  const post = (path: string, body: object) =>
    fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const input = (shape: readonly number[]) => ({ name: "x", datatype: "FP32", shape });
  assert.equal((await post("/v2/repository/models/scaler/load", {})).status, 200);
  /** Of the model loaded last. */
  const ofScaler = () => threads.findLast(({ threadName }) => threadName === "cupel-session");
  using peer = new GrpcPeer(server.port);
  const grpc = () =>
    peer.call("inference.GRPCInferenceService/ModelInfer", {
      model_name: "scaler",
      inputs: [input([1, 3])],
      raw_input_contents: [Buffer.alloc(12)],
    });
  const rest = () => post("/v2/models/scaler/infer", { inputs: [{ ...input([1, 3]), data: [1, 2, 3] }] });
  const measured = (line: RegExp) => until(async () => line.test(await server.metricsText()));
  const isReady = () =>
    until(async () => (await fetch(`${server.url}/v2/models/scaler/ready`)).status === 200);
  /** Requests to the other model. When the third waits, the first is being run, and the second is prepared. */
  const occupied = async () => {
    const body = { inputs: [{ ...input([size, size]), data: Array(size * size).fill(0) }] };
    const all = [1, 2, 3].map(() => post("/v2/models/slow/infer", body));
    return (await Promise.all(all)).map(({ status }) => status);
  };
  const dies = async () => {
    await measured(/^cupel_in_flight_requests 4$/m);
    const thread = ofScaler();
    assert.ok(thread);
    await thread.terminate();
  };

  const first = occupied();
  await measured(/^cupel_queued_requests\{model="slow",version="1"\} 1$/m);
  const called = assert.rejects(grpc(), (error) => {
    assert.ok(error instanceof PeerError);
    assert.deepEqual([error.status, error.reason, error.retryMs], [14, "THREAD_CRASHED", 1000]);
    return true;
  });
  await dies();
  await called;
  await isReady();
  assert.equal((await grpc()).model_name, "scaler");
  assert.deepEqual(await first, [200, 200, 200], "the other model's requests");

  const second = occupied();
  await measured(/^cupel_queued_requests\{model="slow",version="1"\} 1$/m);
  const asked = rest();
  await dies();
  const refused = await asked;
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.match(await refused.text(), /"code":"THREAD_CRASHED".*"retryable":true/);
  await isReady();
  assert.match(await (await rest()).text(), /"data":\[3,6,9\]/);
  assert.deepEqual(await second, [200, 200, 200]);
});
