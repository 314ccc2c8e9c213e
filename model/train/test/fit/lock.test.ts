/** Two trainings never write one checkpoint, and the images that no batch has are told. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { type FitOptions, type FitResult, fit } from "@cupel/train";
import { small, smallNetwork } from "./small-training.ts";
import { stripes } from "./stripes.ts";

const settings: FitOptions = { ...small, train: stripes(35), epochs: 2 };

test("a second training of the same checkpoint is refused while the first runs, resumed or not, and may go on after it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cupel-lock-"));
  try {
    const path = join(folder, "run", "checkpoint.safetensors");
    const others: Promise<FitResult>[] = [];
    const begin = (resume: boolean) => {
      const other = fit(smallNetwork(), { ...settings, checkpoint: { path, resume } });
      // Looked at below; until then it must not count as unhandled.
      other.catch(() => {});
      others.push(other);
    };
    const { history } = await fit(smallNetwork(), {
      ...settings,
      checkpoint: { path, everySteps: 1 },
      onStep: ({ step }) => {
        // Before there is a checkpoint, and when there is one.
        if (step === 1) begin(false);
        if (step === 3) [false, true].map(begin);
      },
    });
    assert.equal(history.length, 2);
    assert.equal(others.length, 3);
    for (const other of others) {
      await assert.rejects(other, {
        code: "FILE_LOCKED",
        message: /checkpoint\.safetensors is being written by this process itself, for \d+ s/,
      });
    }
    assert.deepEqual(await readdir(join(folder, "run")), ["checkpoint.safetensors"]);
    const resumed = await fit(smallNetwork(), { ...settings, epochs: 3, checkpoint: { path, resume: true } });
    assert.equal(resumed.history.length, 3);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("images that fill no batch are told, and none where all do", async () => {
  const { notes } = await fit(smallNetwork(), { ...settings, epochs: 1 });
  assert.deepEqual(notes, [
    "Each epoch leaves out 3 images of the 35 to train with, because they fill no batch of 16; which ones changes from epoch to epoch.",
  ]);
  const whole = await fit(smallNetwork(), { ...settings, epochs: 1, batch: 7 });
  assert.deepEqual(whole.notes, []);
});
