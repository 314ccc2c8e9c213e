/**
 * Five steps of the whole compiled step against PyTorch in double precision (fixtures/make_training_steps.py):
 * a residual network with a pooled stem, strides, projections and batch normalisation, and a perceptron,
 * with every optimiser and every loss.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Model } from "@cupel/onnx";
import { mlp, openTrainer, type StepBatch, type TrainerOptions } from "@cupel/train";
import fixture from "./fixtures/training-steps.json" with { type: "json" };
import { formulaParameter, formulaTensor, setFormulaParameters } from "./support/formula-tensor.ts";
import { residualNetwork } from "./support/residual-network.ts";

const batch = 4;
const learningRates = [0.02, 0.05, 0.05, 0.03, 0.01];

interface Training extends Omit<TrainerOptions, "batch"> {
  /** Default: the residual network. */
  readonly network?: () => Model;
}

const trainings: Readonly<Record<keyof typeof fixture, Training>> = {
  momentum: {
    optimiser: { kind: "sgd", weightDecay: 0.01 },
    loss: { kind: "cross-entropy", smoothing: 0.1 },
  },
  "plain descent": { optimiser: { kind: "sgd", momentum: 0 } },
  "nesterov, clipped": {
    optimiser: { kind: "sgd", momentum: 0.8, nesterov: true, weightDecay: 0.001 },
    clipNorm: 1,
  },
  adamw: {
    optimiser: { kind: "adamw", weightDecay: 0.05 },
    loss: { kind: "cross-entropy", smoothing: 0.1 },
  },
  "frozen statistics": { statistics: "frozen" },
  "mean squared error": { network: perceptron, loss: { kind: "mse" } },
  distillation: {
    network: perceptron,
    loss: { kind: "distillation", temperature: 3, weight: 0.7 },
    optimiser: { kind: "adamw", weightDecay: 0 },
  },
};

/** Float32 over five steps against double precision: of a loss, and of the largest change of a tensor. */
const lossTolerance = 1e-5;
const normTolerance = 1e-4;
const changeTolerance = 1e-4;
/** Seven digits, as a share of the largest element. */
const fixtureRounding = 5e-7;

for (const [name, { network = residualNetwork, ...options }] of Object.entries(trainings)) {
  const expected = fixture[name as keyof typeof fixture];

  test(`${name}: losses, right predictions, norms and what changed are PyTorch's`, async (t) => {
    const model = network();
    await using trainer = await openTrainer(model, { batch, threads: 1, ...options });
    for (const [step, learningRate] of learningRates.entries()) {
      const result = await trainer.step(batchOf(model, step), learningRate);
      assertNear(result.loss, expected.losses[step]!, lossTolerance, `loss of step ${step + 1}`);
      assert.equal(result.correct, options.loss?.kind === "mse" ? null : expected.correct[step]);
      if (options.clipNorm === undefined) assert.equal(result.norm, null);
      else assertNear(result.norm!, expected.norms[step]!, normTolerance, `norm of step ${step + 1}`);
    }
    const { graph } = await trainer.exportModel();
    const shares = Object.entries(expected.values).map(([parameter, values]) => {
      const trained = graph.value(parameter)!.constant!;
      const initial = formulaParameter(parameter, trained.dims);
      const share = distance(thinned(trained.toFloat32()), values, thinned(initial.toFloat32()));
      assert.ok(share < changeTolerance, `${parameter}: off by ${share} of its largest change`);
      return share;
    });
    t.diagnostic(`largest distance: ${Math.max(...shares).toExponential(1)} of a tensor's largest change`);
  });
}

/** By the fixture's formulas. A loss takes what it needs. */
function batchOf(model: Model, step: number): StepBatch {
  const dims = [batch, ...model.graph.inputs[0]!.shape!.slice(1).map(Number)];
  const data = formulaTensor(`input${step}`, dims, 0, 2).toFloat32();
  return {
    inputs: { input: { type: "float32", dims, data } },
    labels: Int32Array.from({ length: batch }, (_, item) => (item * (step + 1)) % 5),
    target: formulaTensor(`target${step}`, [batch, 5], 0, 1).toFloat32(),
    teacher: formulaTensor(`teacher${step}`, [batch, 5], 0, 2).toFloat32(),
  };
}

function perceptron(): Model {
  const model = mlp({ inputs: 7, hidden: [6, 4], classes: 5, activation: "tanh" });
  setFormulaParameters(model);
  return model;
}

/** Of what training made from what PyTorch made, as a share of the largest change of the tensor. */
function distance(actual: Float32Array, expected: readonly number[], initial: Float32Array): number {
  assert.equal(actual.length, expected.length);
  const between = (others: Float32Array) =>
    Math.max(...expected.map((value, index) => Math.abs(value - others[index]!)));
  const change = between(initial);
  const rounding = fixtureRounding * Math.max(...expected.map(Math.abs));
  if (change < rounding) {
    assert.deepEqual(actual, initial);
    return 0;
  }
  return Math.max(0, between(actual) - rounding) / change;
}

/** The elements that the fixture has: every 11th of the large tensors. */
const thinned = (values: Float32Array): Float32Array =>
  values.length <= 16 ? values : values.filter((_, index) => index % 11 === 0);

function assertNear(actual: number, expected: number, tolerance: number, label: string): void {
  const off = Math.abs(actual - expected) / Math.abs(expected);
  assert.ok(off < tolerance, `${label}: ${actual} instead of ${expected}`);
}
