/** A training killed at any moment ends, resumed, in the weights of one that nobody killed: byte for byte. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { runTraining, totalSteps } from "./training-process.ts";

const skip = process.platform === "win32" ? "no SIGKILL and no ulimit here" : false;

async function withFolder(work: (at: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cupel-resume-"));
  try {
    await work((name) => join(folder, name));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("kill -9 in mid-training, twice, and resume: the model is the same file", { skip }, async (context) => {
  await withFolder(async (at) => {
    const checkpoint = at("run.safetensors");
    const kills = [randomInt(4, 12), randomInt(14, totalSteps - 1)] as const;
    const killed = (killAt: number) => runTraining({ checkpoint, out: at("never.onnx"), killAt });
    await killed(kills[0]);
    const second = await killed(kills[1]);
    const third = await runTraining({ checkpoint, out: at("resumed.onnx") });
    const whole = await runTraining({ checkpoint: "", out: at("whole.onnx") });
    assert.equal(whole.status, 0, whole.told);
    assert.equal(third.status, 0, third.told);
    assert.deepEqual(
      whole.steps,
      Array.from({ length: totalSteps }, (_, i) => i + 1),
    );
    const starts = [second.steps[0]!, third.steps[0]!] as const;
    assert.ok(starts[0] > 1 && starts[1] > starts[0], `resumed at ${starts}`);
    assert.ok(
      (await readFile(at("resumed.onnx"))).equals(await readFile(at("whole.onnx"))),
      `killed ${kills}`,
    );
    context.diagnostic(`killed after steps ${kills}, resumed at ${starts}`);
  });
});

test("a disk that fills at a checkpoint is told, and the checkpoint of before is whole", {
  skip,
}, async () => {
  await withFolder(async (at) => {
    const checkpoint = at("run.safetensors");
    const out = at("model.onnx");
    await runTraining({ checkpoint, out, killAt: 5 });
    const before = await readFile(checkpoint);
    const full = await runTraining({ checkpoint, out, shell: "ulimit -f 16" });
    assert.notEqual(full.status, 0);
    assert.match(full.told, /DISK_FULL/);
    assert.match(full.told, /run\.safetensors/);
    assert.ok(before.equals(await readFile(checkpoint)));
    const resumed = await runTraining({ checkpoint, out });
    assert.equal(resumed.status, 0, resumed.told);
    assert.equal(resumed.steps.at(-1), totalSteps);
  });
});
