/** Replicas that share a batch train as one worker with the whole batch does. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { baseErrors, CupelError } from "@cupel/base";
import { openStatefulSession, type StatefulSession } from "@cupel/runtime";
import {
  mlp,
  openParallelTrainer,
  openTrainer,
  resnetCifar,
  type StepBatch,
  type Trainer,
  type TrainerOptions,
  type TrainerState,
} from "@cupel/train";
import { openRounding } from "./support/half-rounding.ts";
import { plainCnn, randomBatch } from "./support/random-batch.ts";

const classes = 3;
const perceptron = mlp({ inputs: 6, hidden: [8], classes, seed: 3 });
const image = [3, 8, 8] as const;
const resnet = resnetCifar({ depth: 8, width: 4, classes, input: image, seed: 3 });

suite("replicas and one worker reach the same state", () => {
  const cases = {
    // Clipping by the norm of a share's gradient would clip by another factor.
    "a perceptron, AdamW, clipped, two replicas": {
      network: perceptron,
      dims: [6],
      replicas: 2,
      options: { optimiser: { kind: "adamw" }, clipNorm: 0.3 },
    },
    "convolutions, SGD, four replicas": { network: plainCnn(), dims: image, replicas: 4, options: {} },
    "batch normalisation with frozen statistics": {
      network: resnet,
      dims: image,
      replicas: 2,
      options: { statistics: "frozen" },
    },
    "mean squared error, one replica": {
      network: perceptron,
      dims: [6],
      replicas: 1,
      options: { loss: { kind: "mse" } },
    },
    "mixed precision": { network: perceptron, dims: [6], replicas: 2, options: { precision: "mixed" } },
  } as const satisfies Record<
    string,
    {
      network: unknown;
      dims: readonly number[];
      replicas: number;
      options: Omit<TrainerOptions, "batch">;
    }
  >;
  for (const [name, { network, dims, replicas, options }] of Object.entries(cases)) {
    test(name, async () => {
      const shared = { ...options, batch: 8, threads: 1 };
      await using single = await openTrainer(network, shared);
      await using parallel = await openParallelTrainer(network, { ...shared, replicas });
      for (let step = 0; step < 4; step++) {
        const noise = randomBatch(dims, 8, classes, step);
        const batch = { ...noise, target: noise.inputs.input.data.slice(0, 8 * classes) };
        const expected = await single.step(batch, 0.05);
        const actual = await parallel.step(batch, 0.05);
        assertNear(actual.loss, expected.loss);
        assert.equal(actual.correct, expected.correct);
        if (expected.norm !== null) assertNear(actual.norm!, expected.norm);
      }
      assertSameState(await parallel.save(), await single.save());
    });
  }
});

suite("batch normalisation in replicas", () => {
  const options = { batch: 4, threads: 1 } as const;

  test("normalises with the statistics of the share: two equal shares train as one of them alone", async () => {
    await using alone = await openTrainer(resnet, options);
    await using parallel = await openParallelTrainer(resnet, { ...options, batch: 8, replicas: 2 });
    for (let step = 0; step < 3; step++) {
      const share = randomBatch(image, 4, classes, step);
      await alone.step(share, 0.05);
      await parallel.step(joined(share, share), 0.05);
    }
    assertSameState(await parallel.save(), await alone.save());
  });

  test("running statistics are the mean of what the shares alone make of them", async () => {
    const shares = [1, 2].map((seed) => randomBatch(image, 4, classes, seed)) as [Noise, Noise];
    await using parallel = await openParallelTrainer(resnet, { ...options, batch: 8, replicas: 2 });
    await parallel.step(joined(...shares), 0.05);
    const { values } = await parallel.save();
    const alone: TrainerState[] = [];
    for (const share of shares) {
      await using trainer = await openTrainer(resnet, options);
      await trainer.step(share, 0.05);
      alone.push(await trainer.save());
    }
    const statistics = Object.keys(values).filter((name) => /\.running_(mean|var)$/.test(name));
    assert.equal(statistics.length, 14, "two of each of the seven normalisations");
    for (const name of statistics) {
      const [a, b] = alone.map((state) => state.values[name]!);
      assertNearAll(
        values[name]!,
        a!.map((value, index) => (value + b![index]!) / 2),
        name,
      );
    }
  });
});

test("steps asked for at once are done one after the other, with the batches as they were", async () => {
  const options = { batch: 8, threads: 1 } as const;
  await using parallel = await openParallelTrainer(perceptron, { ...options, replicas: 2 });
  await using single = await openTrainer(perceptron, options);
  const batches = [1, 2, 3].map((seed) => randomBatch([6], 8, classes, seed));
  for (const batch of batches) await single.step(batch, 0.05);
  const steps = batches.map((batch) => parallel.step(batch, 0.05));
  for (const batch of batches) batch.inputs.input.data.fill(Number.NaN);
  await Promise.all(steps);
  assertSameState(await parallel.save(), await single.save());
});

test("an overflow in one replica skips the step of all, and the next has half the scale", async () => {
  const options = { batch: 8, threads: 1, replicas: 2, precision: "mixed", open: openRounding } as const;
  await using trainer = await openParallelTrainer(resnet, options);
  const before = await trainer.save();
  const share = randomBatch(image, 4, classes, 1);
  const { input } = share.inputs;
  const huge = { ...share, inputs: { input: { ...input, data: input.data.map((value) => 1e6 * value) } } };
  assert.equal((await trainer.step(joined(share, huge), 0.05)).skipped, true);
  const { values } = await trainer.save();
  for (const [name, value] of Object.entries(before.values)) {
    if (!name.startsWith("cupel.")) assert.deepEqual(values[name], value, name);
  }
  const next = await trainer.step(joined(share, share), 0.05);
  assert.deepEqual([next.skipped, next.lossScale], [false, 32768]);
});

test("a saved state moves from replicas to one worker and back", async () => {
  const options = { batch: 8, threads: 1, optimiser: { kind: "adamw" } } as const;
  await using parallel = await openParallelTrainer(perceptron, { ...options, replicas: 2 });
  await using single = await openTrainer(perceptron, options);
  await parallel.step(randomBatch([6], 8, classes, 1), 0.05);
  await single.restore(await parallel.save());
  await single.step(randomBatch([6], 8, classes, 2), 0.05);
  const state = await single.save();
  await parallel.restore(state);
  assert.equal(parallel.steps, 2);
  const third = randomBatch([6], 8, classes, 3);
  assertNear((await parallel.step(third, 0.05)).loss, (await single.step(third, 0.05)).loss);
  assertSameState(await parallel.save(), await single.save());
});

suite("failures", () => {
  const options = { batch: 8, threads: 1, replicas: 2 } as const;
  const batch = randomBatch([6], 8, classes, 1);
  const crash = baseErrors.error("THREAD_CRASHED", "The thread of the session crashed (test).");

  test("a replica whose thread ends takes the others with it", async () => {
    const sessions: StatefulSession[] = [];
    const open: typeof openStatefulSession = async (...given) => {
      const session = await openStatefulSession(...given);
      sessions.push(session);
      if (sessions.length !== 2) return session;
      return { ...session, timedRun: () => Promise.reject(crash) };
    };
    await using trainer = await openParallelTrainer(perceptron, { ...options, open });
    const failure = await failureOf(trainer.step(batch, 0.1));
    assert.equal(failure.code, "THREAD_CRASHED");
    assert.equal(failure.cause, crash);
    assert.equal(sessions.length, 3);
    for (const session of sessions) {
      assert.equal((await failureOf(session.readState())).code, "SESSION_CLOSED");
    }
  });

  test("a session that does not open closes those that did", async () => {
    const sessions: StatefulSession[] = [];
    const open: typeof openStatefulSession = async (...given) => {
      if (sessions.length === 2) throw crash;
      const session = await openStatefulSession(...given);
      sessions.push(session);
      return session;
    };
    assert.equal(await failureOf(openParallelTrainer(perceptron, { ...options, open })), crash);
    for (const session of sessions) {
      assert.equal((await failureOf(session.readState())).code, "SESSION_CLOSED");
    }
  });

  test("a batch of another size is refused, and the trainer goes on", async () => {
    await using trainer = await openParallelTrainer(perceptron, options);
    const refused = await failureOf(trainer.step(randomBatch([6], 4, classes, 1), 0.1));
    assert.equal(refused.code, "INPUT_SHAPE_MISMATCH");
    assert.match(refused.message, /batches of 8, but \[4,6\]/);
    assert.equal((await failureOf(trainer.step({ inputs: batch.inputs }, 0.1))).code, "INPUT_MISSING");
    assert.equal(trainer.steps, 0);
    assert.ok(Number.isFinite((await trainer.step(batch, 0.1)).loss));
  });

  test("a batch that cannot be divided is refused", async () => {
    for (const replicas of [3, 0, 1.5]) {
      const failure = await failureOf(openParallelTrainer(perceptron, { ...options, replicas }));
      assert.equal(failure.code, "TRAINING_CONFIG_INVALID");
    }
  });

  const openers: Record<string, () => Promise<Trainer>> = {
    openTrainer: () => openTrainer(perceptron, { batch: 8, threads: 1, executionProviders: ["cuda"] }),
    openParallelTrainer: () => openParallelTrainer(perceptron, { ...options, executionProviders: ["cuda"] }),
  };
  for (const [name, open] of Object.entries(openers)) {
    test(`${name}: a provider that is not there is named`, async (context) => {
      const opening = open();
      const failure = await opening.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (failure === null) {
        await (await opening).close();
        context.skip("this machine has the CUDA provider");
        return;
      }
      assert.ok(failure instanceof CupelError);
      assert.equal(failure.code, "PROVIDER_UNAVAILABLE");
      assert.match(failure.message, /execution providers cuda cannot be used here.*"cpu" always works/);
    });
  }
});

type Noise = ReturnType<typeof randomBatch>;

function joined(a: Noise, b: Noise): StepBatch {
  const [first, second] = [a.inputs.input, b.inputs.input];
  const [batch, ...dims] = first.dims;
  const data = Float32Array.of(...first.data, ...second.data);
  return {
    inputs: { input: { type: "float32", dims: [2 * batch!, ...dims], data } },
    labels: Int32Array.of(...a.labels, ...b.labels),
  };
}

function assertSameState(actual: TrainerState, expected: TrainerState): void {
  assert.equal(actual.steps, expected.steps);
  assert.deepEqual(Object.keys(actual.values).toSorted(), Object.keys(expected.values).toSorted());
  for (const [name, values] of Object.entries(expected.values)) {
    assertNearAll(actual.values[name]!, values, name);
  }
}

/** Sums in another order differ in the last bits of float32; a few steps add up. */
function assertNearAll(actual: Float32Array, expected: Float32Array, name: string): void {
  assert.equal(actual.length, expected.length, name);
  const difference = Math.max(...actual.map((value, index) => Math.abs(value - expected[index]!)));
  const size = Math.max(1e-2, ...expected.map(Math.abs));
  assert.ok(difference <= 1e-4 * size, `${name}: ${difference} off, of ${size}`);
}

function assertNear(actual: number, expected: number): void {
  assertNearAll(Float32Array.of(actual), Float32Array.of(expected), "scalar");
}

async function failureOf(promise: Promise<unknown>): Promise<CupelError> {
  try {
    await promise;
  } catch (thrown) {
    assert.ok(thrown instanceof CupelError, String(thrown));
    return thrown;
  }
  assert.fail("nothing was thrown");
}
