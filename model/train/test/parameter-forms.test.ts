/**
 * What is trained is what PyTorch trains, however an exporter writes it: ten steps of small networks against PyTorch in double
 * precision (fixtures/make_parameter_forms.py).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Model } from "@cupel/onnx";
import { openTrainer } from "@cupel/train";
import fixture from "./fixtures/parameter-forms.json" with { type: "json" };
import { formulaTensor } from "./support/formula-tensor.ts";
import { mergedIn, perceptron, transformer } from "./support/parameter-forms.ts";

/** Float32 over ten steps against double precision: of a loss, and of the largest element of a tensor. The bias of keys stays 0. */
const tolerance = 1e-4;

async function trained(network: Model) {
  const dims = [4, ...network.graph.inputs[0]!.shape!.slice(1).map(Number)];
  await using trainer = await openTrainer(network, { batch: 4, threads: 1 });
  const losses: number[] = [];
  for (let step = 0; step < 10; step++) {
    const data = formulaTensor(`input${step}`, dims, 0.5, 1).toFloat32();
    const labels = Int32Array.from({ length: 4 }, (_, item) => (item * (step + 1)) % 5);
    const inputs = { input: { type: "float32" as const, dims, data } };
    losses.push((await trainer.step({ inputs, labels }, 0.1)).loss);
  }
  const { graph } = await trainer.exportModel();
  const { counts, notes } = trainer.compiled;
  const values = new Map(counts.trained.map((name) => [name, graph.value(name)!.constant!.toFloat32()]));
  return { losses, values, counts, notes };
}

function assertNear(actual: Iterable<number>, expected: readonly number[], what: string): void {
  const found = [...actual];
  assert.equal(found.length, expected.length, what);
  const off = Math.max(...expected.map((value, i) => Math.abs(value - found[i]!)));
  assert.ok(off <= tolerance * Math.max(0.01, ...expected.map(Math.abs)), `${what}: off by ${off}`);
}

test("a transformer with merged constants is trained as PyTorch trains it", async () => {
  const { losses, values, counts, notes } = await trained(transformer());
  const { losses: expected, values: last } = fixture.transformer;
  assert.equal(counts.trained.length, Object.keys(last).length);
  assert.deepEqual(new Set(counts.constant), new Set(["mean", "std", "onnx::Mul_9"]));
  for (const [step, loss] of losses.entries())
    assertNear([loss], [expected[step]!], `loss of step ${step + 1}`);
  for (const [name, value] of Object.entries(last)) {
    const merged = Object.entries(mergedIn).find(([, names]) => names.includes(name));
    const held = merged ? `${merged[0]}${["", "_1", "_2", "_3", "_4"][merged[1].indexOf(name)]}` : name;
    assertNear(values.get(held)!, value, name);
  }
  assert.match(notes.join(" "), /7 parameters had 2 in this file .*"ln_1\.weight", "ln_1\.weight_1"/);
});

test("arithmetic on a parameter stays in the graph, and all its uses are of one parameter", async () => {
  const { losses, values, notes } = await trained(perceptron());
  const { losses: expected, values: last } = fixture.perceptron;
  assert.deepEqual(new Set(values.keys()), new Set(Object.keys(last)));
  for (const [step, loss] of losses.entries())
    assertNear([loss], [expected[step]!], `loss of step ${step + 1}`);
  for (const [name, value] of Object.entries(last)) assertNear(values.get(name)!, value, name);
  assert.match(notes.join(" "), /as one parameter .*"mid\.weight"/);
});
