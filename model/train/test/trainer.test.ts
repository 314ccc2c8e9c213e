/** A trainer over its life: the same run twice, stopped and resumed, a divergence, and a thousand steps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { watchMemory } from "@cupel/runtime";
import { mlp, openTrainer, type StepBatch, type Trainer, type TrainerState } from "@cupel/train";
import { formulaTensor } from "./support/formula-tensor.ts";
import { residualNetwork } from "./support/residual-network.ts";

const batch = 4;

for (const threads of [1, 2]) {
  test(`two runs on ${threads} threads end in the same state, bit for bit`, async () => {
    const runs: TrainerState[] = [];
    for (let run = 0; run < 2; run++) {
      await using trainer = await openTrainer(residualNetwork(), { batch, threads, clipNorm: 1 });
      await train(trainer, 0, 4);
      runs.push(await trainer.save());
    }
    assert.deepEqual(runs[1], runs[0]);
  });
}

for (const optimiser of [{ kind: "sgd" }, { kind: "adamw" }] as const) {
  test(`${optimiser.kind}: a training resumed in another session ends as one that never stopped, bit for bit`, async () => {
    const options = { batch, threads: 1, optimiser };
    await using whole = await openTrainer(residualNetwork(), options);
    await train(whole, 0, 2);
    const middle = await whole.save();
    await train(whole, 2, 4);

    await using resumed = await openTrainer(residualNetwork(), options);
    await resumed.restore(middle);
    assert.equal(resumed.steps, 2);
    await train(resumed, 2, 4);
    assert.deepEqual(await resumed.save(), await whole.save());
  });
}

test("steps asked for ahead are steps in turn", async () => {
  const options = { batch, threads: 1, optimiser: { kind: "adamw" } } as const;
  await using inTurn = await openTrainer(residualNetwork(), options);
  await train(inTurn, 0, 3);
  await using ahead = await openTrainer(residualNetwork(), options);
  await Promise.all([0, 1, 2].map((step) => ahead.step(batchAt(step), 0.01)));
  assert.deepEqual(await ahead.save(), await inTurn.save());
});

test("the state of another training is refused, and changes nothing", async () => {
  await using trainer = await openTrainer(residualNetwork(), { batch, threads: 1 });
  const before = await trainer.save();
  await using plain = await openTrainer(residualNetwork(), {
    batch,
    threads: 1,
    optimiser: { kind: "sgd", momentum: 0 },
  });
  await plain.step(batchAt(0), 0.01);
  // Without the moments this training has; and with moments that one has not.
  await assert.rejects(trainer.restore(await plain.save()), {
    code: "CHECKPOINT_INVALID",
    message: /momentum/,
  });
  await assert.rejects(plain.restore(before), { code: "CHECKPOINT_INVALID", message: /momentum/ });
  assert.deepEqual(await trainer.save(), before);
});

test("a loss that is no number ends the training with the step's number", async () => {
  await using trainer = await openTrainer(residualNetwork(), { batch, threads: 1 });
  await trainer.step(batchAt(0), 0.01);
  const { input } = batchAt(1).inputs;
  (input!.data as Float32Array)[7] = Number.NaN;
  await assert.rejects(trainer.step({ ...batchAt(1), inputs: { input: input! } }, 0.01), {
    code: "LOSS_NOT_FINITE",
    message: /step 2 is NaN/,
  });
});

test("a thousand steps grow by less than 5 MB after warm-up", async () => {
  const network = mlp({ inputs: 64, hidden: [64, 32], classes: 5 });
  await using trainer = await openTrainer(network, { batch: 16, threads: 1, optimiser: { kind: "adamw" } });
  const data = formulaTensor("input", [16, 64], 0, 2).toFloat32();
  const labels = Int32Array.from({ length: 16 }, (_, item) => item % 5);
  using watch = watchMemory();
  for (let step = 0; step < 1000; step++) {
    await trainer.step({ inputs: { input: { type: "float32", dims: [16, 64], data } }, labels }, 1e-4);
    watch.sample(step);
  }
  const { diagnosis, verdict } = watch.report();
  assert.ok(diagnosis.kind !== "too-few-samples" && diagnosis.kind !== "leak", verdict);
  assert.ok(diagnosis.resident.total < 5e6, verdict);
});

async function train(trainer: Trainer, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) await trainer.step(batchAt(step), 0.01);
}

function batchAt(step: number): StepBatch {
  const dims = [batch, 3, 16, 16];
  const data = formulaTensor(`input${step}`, dims, 0, 2).toFloat32();
  return {
    inputs: { input: { type: "float32", dims, data } },
    labels: Int32Array.from({ length: batch }, (_, item) => (item + step) % 5),
  };
}
