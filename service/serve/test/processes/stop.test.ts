/** How several processes end: by the first signal when what they accepted is answered, by a second one at once. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openTemporaryFolder } from "@cupel/base";
import { GrpcPeer, PeerError } from "../support/grpc-peer.ts";
import { longWithProc, ServedCommand, until, withoutProc } from "../support/served-command.ts";
import { slow } from "../support/tiny-models.ts";

const size = 256;
const options = { skip: withoutProc, timeout: 120_000 };
const long = { skip: longWithProc, timeout: 120_000 };
/** Longer than signals count as those of one key; see app/cli/src/interrupt.ts. */
const nextKeyMs = 700;

/** Two processes, of which one has a request that takes some seconds. */
async function busyCommand() {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await openTemporaryFolder("stop"));
  const temporary = opening.use(await openTemporaryFolder("stop-own"));
  await writeFile(join(folder.path, "slow.onnx"), slow(5000, size));
  const settings = ["--processes", "2", "--set", "engine.trial=false", "--set", "engine.threads=1"];
  const command = opening.use(new ServedCommand([folder.path, "--port", "0", ...settings], temporary.path));
  const port = await command.port();
  const peer = opening.use(new GrpcPeer(port));
  const answer = peer.call("inference.GRPCInferenceService/ModelInfer", {
    model_name: "slow",
    inputs: [{ name: "x", datatype: "FP32", shape: [size, size] }],
    raw_input_contents: [Buffer.alloc(4 * size * size)],
  });
  // Whoever waits for it later.
  answer.catch(() => {});
  await until(async () => {
    const metrics = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: "close" } });
    return /^cupel_in_flight_requests [2-9]/m.test(await metrics.text());
  });
  const closing = opening.move();
  return { command, answer, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

test(
  "a terminal tells all processes, the one that supervises tells them later: the request is answered",
  options,
  async () => {
    await using busy = await busyCommand();
    for (const pid of await busy.command.workers()) process.kill(pid, "SIGINT");
    await delay(nextKeyMs);
    busy.command.signal("SIGINT");
    assert.equal((await busy.answer).model_name, "slow");
    assert.equal(await busy.command.ended(), 0, busy.command.text);
    assert.match(busy.command.text, /Stopped 2 processes; every request was answered\./);
    for (const { signal, status } of busy.command.lines("process ended")) {
      assert.deepEqual(
        { signal, status },
        { signal: null, status: 0 },
        "one without a request ends by itself",
      );
    }
  },
);

test("a second signal breaks off what is in hand, and leaves no process", long, async () => {
  await using busy = await busyCommand();
  const workers = await busy.command.workers();
  busy.command.signal("SIGTERM");
  await busy.command.wrote(/Stopping;/);
  await delay(nextKeyMs);
  busy.command.signal("SIGTERM");
  await assert.rejects(busy.answer, (error) => error instanceof PeerError && error.status === 14);
  assert.equal(await busy.command.ended(), "SIGTERM");
  assert.match(busy.command.text, /requests in hand are broken off/);
  await until(async () => workers.every((pid) => !isRunning(pid)));
});

test("without the process that supervises, the others answer what they have and end", long, async () => {
  await using busy = await busyCommand();
  const workers = await busy.command.workers();
  busy.command.signal("SIGKILL");
  assert.equal((await busy.answer).model_name, "slow");
  await until(async () => workers.every((pid) => !isRunning(pid)));
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
