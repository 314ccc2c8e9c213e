/** Ctrl-C in the middle of the work: status 130, and not a trace of what was to be written. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { listenForInterrupts } from "../src/interrupt.ts";
import { classifierBytes, filesUnder, prepared, scratch, spawnCupel } from "./harness.ts";

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} stops a compression and leaves no file`, {
    skip: process.platform === "win32" && "no signals",
  }, async () => {
    await using folder = await scratch();
    const { model, images } = await prepared(folder, { side: 64, filters: 48, count: 1500 });
    const before = await filesUnder(folder.path);
    const child = spawnCupel([
      "compress",
      model,
      "--images",
      images,
      "-o",
      folder.at("out.onnx"),
      "--calibration-images",
      "1200",
    ]);
    // The remark about the images is the last thing said before the work begins.
    await new Promise<void>((resolve) => {
      child.stderr?.on("data", (text: string) => {
        if (text.includes("kept apart")) setTimeout(resolve, 300);
      });
      child.on("close", () => resolve());
    });
    const interrupted = performance.now();
    child.kill(signal);
    const told = await child.ended;
    assert.equal(told.status, 130, told.err + told.out);
    assert.match(told.err, /Stopping;[\s\S]*error CANCELLED: /);
    assert.deepEqual(await filesUnder(folder.path), before);
    assert.ok(performance.now() - interrupted < 10_000, "it took too long to stop");
  });
}

test("an interrupt is heard while images are drawn, before the first batch of them is made", {
  skip: process.platform === "win32" && "no signals",
}, async () => {
  await using folder = await scratch();
  const model = await folder.write("model.onnx", classifierBytes({ side: 64, classes: 7 }));
  const words = [
    "predict",
    model,
    "--images",
    "synthetic:20000",
    "--preprocessing",
    "preset=unit,resize=none",
  ];
  const child = spawnCupel(words);
  // The header is written when the model is open, and the first line when a batch is predicted.
  await new Promise<void>((resolve) => {
    child.stdout?.once("data", () => resolve());
    child.on("close", () => resolve());
  });
  child.kill("SIGINT");
  const told = await child.ended;
  assert.equal(told.status, 130, told.err);
  assert.match(told.err, /Stopping;[\s\S]*error CANCELLED: /);
  assert.ok(told.out.split("\n").length < 2000, "it went on after the interrupt");
});

/** A process, as far as signals go. */
function signalled() {
  const killed: string[] = [];
  const kill = (pid: number, name: string) => killed.push(`${pid} ${name}`);
  return Object.assign(new EventEmitter(), { pid: 7, kill, killed });
}

test("the first signal asks the work to stop, its echo is ignored, the next is left to the system", async () => {
  const source = signalled();
  let told = 0;
  using interrupts = listenForInterrupts(source, () => told++);
  source.emit("SIGINT", "SIGINT");
  source.emit("SIGINT", "SIGINT");
  assert.ok(interrupts.signal.aborted);
  assert.equal(told, 1);
  assert.equal(source.listenerCount("SIGINT"), 1);
  await pause(700);
  assert.deepEqual([source.listenerCount("SIGINT"), source.listenerCount("SIGTERM")], [0, 0]);
});

test("work that does not stop is ended a minute after a SIGTERM, and never after a Ctrl-C", ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  for (const [signal, killed] of [
    ["SIGTERM", ["7 SIGTERM"]],
    ["SIGINT", []],
  ] as const) {
    const source = signalled();
    using _ = listenForInterrupts(source, () => {});
    source.emit(signal, signal);
    mock.timers.tick(59_900);
    assert.deepEqual(source.killed, []);
    mock.timers.tick(200);
    assert.deepEqual(source.killed, killed);
  }
  const source = signalled();
  {
    using _ = listenForInterrupts(source, () => {});
    source.emit("SIGTERM", "SIGTERM");
  }
  mock.timers.tick(120_000);
  assert.deepEqual(source.killed, [], "the work had stopped");
});

test("a command that ends by itself leaves no listener", () => {
  const source = signalled();
  listenForInterrupts(source, () => {})[Symbol.dispose]();
  assert.equal(source.listenerCount("SIGINT"), 0);
});
