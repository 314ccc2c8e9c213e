/** fit from images to a model: it learns, it tells what it did, it stops when it should. */
import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { Progress } from "@cupel/base";
import { encodeModel, encodeModelBytes } from "@cupel/onnx";
import { classesFromMetadata, crossEntropy, evaluate, preprocessingFromMetadata } from "@cupel/predict";
import { type EpochMetrics, type FitOptions, fit } from "@cupel/train";
import type { ImageSource } from "@cupel/vision";
import { small, smallNetwork } from "./small-training.ts";
import { preprocessing, stripes } from "./stripes.ts";

const network = () => smallNetwork({ width: 8 });

const settings: FitOptions = {
  ...small,
  train: stripes(96),
  validation: stripes(48, { seed: 2 }),
  epochs: 3,
  schedule: { kind: "cosine", learningRate: 0.05, warmup: 2 },
};

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cupel-fit-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a network learns, and the model that comes back is as good as was told", async () => {
  const told: EpochMetrics[] = [];
  const notes: string[] = [];
  const progress: Progress = {
    start: (_title, total) => {
      assert.equal(total, 18);
      return { advance() {}, note: (text) => notes.push(text), [Symbol.dispose]() {} };
    },
  };
  const result = await fit(network(), { ...settings, progress, onEpoch: (epoch) => told.push(epoch) });
  assert.deepEqual(result.history, told);
  assert.deepEqual(
    result.history.map(({ epoch }) => epoch),
    [1, 2, 3],
  );
  const best = result.history[result.epoch - 1]!;
  assert.ok(best.validationAccuracy! >= 0.95, `${best.validationAccuracy}`);
  assert.ok(result.history[2]!.loss < result.history[0]!.loss);
  // Images nobody trained on, and a session of its own: the metrics are of the model that is given out.
  const again = await evaluate(encodeModel(result.model), stripes(48, { seed: 2 }), preprocessing, {
    batchSize: 48,
    threads: 1,
  });
  assert.equal(again.top1, best.validationAccuracy);
  assert.ok(Math.abs(crossEntropy(again, false)! - best.validationLoss!) < 1e-5);
  assert.deepEqual(classesFromMetadata(result.model.metadata), ["across", "down", "chequered"]);
  assert.deepEqual(preprocessingFromMetadata(result.model.metadata), preprocessing);
  assert.equal(result.model.producerName, "cupel");
  assert.match(notes.at(-1)!, /^epoch 3 of 3, loss \d+\.\d{3}, \d+\.\d % right, \d+ images\/s$/);
});

test("the same seed gives the same weights, another seed others", async () => {
  const weights = async (seed: number) =>
    Buffer.from(encodeModelBytes((await fit(network(), { ...settings, epochs: 1, seed })).model));
  const first = await weights(1);
  assert.ok(first.equals(await weights(1)));
  assert.ok(!first.equals(await weights(2)));
});

test("training stops when nothing gets better, and the best epoch is kept", async () => {
  // A learning rate that changes no float32: every epoch after the first is as good as it, none is better.
  const result = await fit(network(), {
    ...settings,
    statistics: "frozen",
    schedule: { kind: "constant", learningRate: 1e-30 },
    epochs: 10,
    patience: 2,
  });
  assert.equal(result.stopped, "early");
  assert.equal(result.history.length, 3);
  assert.equal(result.epoch, 1);
});

test("a share of the images is held out for validation, and keep: last gives the last epoch", async () => {
  const result = await fit(network(), { ...settings, validation: 0.25, epochs: 2, keep: "last" });
  assert.equal(result.epoch, 2);
  assert.notEqual(result.history[1]!.validationAccuracy, null);
});

test("a training that was cancelled goes on to the weights it would have had", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.safetensors");
    const expected = await fit(network(), { ...settings, epochs: 2 });
    const controller = new AbortController();
    await assert.rejects(
      fit(network(), {
        ...settings,
        epochs: 2,
        checkpoint: { path },
        signal: controller.signal,
        onStep: ({ step }) => step === 8 && controller.abort(),
      }),
      { code: "CANCELLED", message: /after step 8.*run\.safetensors/ },
    );
    const resumed = await fit(network(), { ...settings, epochs: 2, checkpoint: { path, resume: true } });
    assert.ok(Buffer.from(encodeModelBytes(resumed.model)).equals(encodeModelBytes(expected.model)));
    const withoutTimes = (history: readonly EpochMetrics[]) =>
      history.map(({ seconds: _, imagesPerSecond: __, ...rest }) => rest);
    assert.deepEqual(withoutTimes(resumed.history), withoutTimes(expected.history));
  });
});

test("a training that is over resumes to its own result without a step", async () => {
  await withFolder(async (folder) => {
    const checkpoint = { path: join(folder, "run.safetensors"), resume: true };
    const first = await fit(network(), { ...settings, epochs: 1, checkpoint });
    let steps = 0;
    const again = await fit(network(), { ...settings, epochs: 1, checkpoint, onStep: () => steps++ });
    assert.equal(steps, 0);
    assert.ok(Buffer.from(encodeModelBytes(again.model)).equals(encodeModelBytes(first.model)));
  });
});

test("a loss that is no number stops, and the checkpoint of before stays", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.safetensors");
    await fit(network(), { ...settings, epochs: 1, checkpoint: { path } });
    const { mtimeMs } = await stat(path);
    await assert.rejects(
      fit(network(), {
        ...settings,
        epochs: 3,
        schedule: { kind: "constant", learningRate: 1e30 },
        checkpoint: { path, everySteps: 1, resume: true },
      }),
      { code: "LOSS_NOT_FINITE", message: /run\.safetensors.*lower learning rate/ },
    );
    assert.equal((await stat(path)).mtimeMs, mtimeMs);
    const rescued = await fit(network(), {
      ...settings,
      epochs: 2,
      schedule: { kind: "constant", learningRate: 0.001 },
      checkpoint: { path, resume: true },
    });
    assert.equal(rescued.history.length, 2);
  });
});

test("replicas share each batch: with frozen statistics the losses are those of one", async () => {
  const frozen = { ...settings, statistics: "frozen", epochs: 1, keep: "last" } as const;
  const [one, two] = [await fit(network(), frozen), await fit(network(), { ...frozen, replicas: 2 })];
  const [a, b] = [one.history[0]!, two.history[0]!];
  assert.ok(Math.abs(a.loss - b.loss) < 1e-3 * a.loss, `${a.loss} and ${b.loss}`);
  assert.ok(
    Math.abs(a.validationLoss! - b.validationLoss!) < 1e-3 * a.validationLoss!,
    `${a.validationLoss!} is not ${b.validationLoss!}`,
  );
});

test("in mixed precision, steps that overflow are counted and left out of the means", async () => {
  const { history } = await fit(network(), {
    ...settings,
    precision: "mixed",
    lossScaling: { initial: 2 ** 24 },
    epochs: 2,
  });
  assert.ok(history[0]!.skipped > 0, "a scale of 2^24 overflows float16 at once");
  for (const { loss, accuracy } of history) assert.ok(Number.isFinite(loss) && accuracy > 0 && accuracy <= 1);
});

test("an image that cannot be read is replaced, and told by name", async () => {
  const good = stripes(96);
  const train: ImageSource = {
    ...good,
    image: (index) =>
      index === 5 ? Promise.resolve({ kind: "encoded", bytes: Buffer.from("no image") }) : good.image(index),
  };
  const { unreadable } = await fit(network(), { ...settings, train, epochs: 1, validation: undefined });
  assert.deepEqual(
    unreadable.map(({ id }) => id),
    ["stripes#5"],
  );
});
