/** Batch normalisation of rows against ONNX's in training mode, and against the moments of hard data. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, elementCount } from "@cupel/base";
import { attribute, Emitter, encodeModelBytes, Model, Tensor, type Value } from "@cupel/onnx";
import { float32Of, openSession } from "@cupel/runtime";
import { appendGradients } from "../../src/differentiate.ts";
import { rowsBatchNormalisation } from "../../src/rows/batch-normalisation.ts";
import { Feature } from "../../src/rows/feature.ts";

const epsilon = 1e-3;

for (const dims of [
  [4, 3, 2, 5],
  [7, 6],
  [2, 1, 9],
]) {
  test(`y, statistics and gradients of [${dims}] are those of BatchNormalization in training mode`, async () => {
    const { emit, input } = newGraph();
    const channels = [dims[1]!];
    const [x, gamma, beta, dy] = [
      input("x", dims, 2, 3),
      input("gamma", channels, 1, 0.5),
      input("beta", channels, 0, 1),
      input("dy", dims, 0, 1),
    ];
    const wanted = [x, gamma, beta];
    const [zero, one] = [constant(emit, channels, 0), constant(emit, channels, 1)];
    const [y, mean, variance] = emit.node(
      "BatchNormalization",
      [x, gamma, beta, zero, one],
      { epsilon: attribute.float(epsilon), momentum: attribute.float(0), training_mode: attribute.int(1) },
      3,
    );
    const expected = [y!, ...gradients(emit, y!, dy, wanted), mean!, variance!];

    const made = rowsBatchNormalisation(emit, Feature.plain(emit, x).rows, gamma, beta, epsilon);
    const rowsY = Feature.rows(emit, dims, made.y).plain;
    const actual = [rowsY, ...gradients(emit, rowsY, dy, wanted), made.mean, made.variance];

    const outputs = await run(emit, [...expected, ...actual]);
    for (const [index, name] of ["y", "dx", "dgamma", "dbeta", "mean", "variance"].entries()) {
      const reference = outputs(expected[index]!);
      const off = distance(outputs(actual[index]!), reference);
      assert.ok(off < 2e-5, `${name}: off by ${off} of the largest element`);
    }
  });
}

test("a column of one value throughout is normalised to its offset", async () => {
  const { emit } = newGraph();
  const x = emit.floats(
    [6, 2],
    Float32Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 1000.1 : -0.3)),
  );
  const beta = emit.floats([2], Float32Array.of(0.25, -4));
  const { y, variance } = rowsBatchNormalisation(emit, x, constant(emit, [2], 1), beta, epsilon);
  const outputs = await run(emit, [y, variance]);
  for (const value of outputs(variance)) assert.ok(value >= 0, `a variance of ${value}`);
  for (const [index, value] of outputs(y).entries()) {
    assert.ok(Math.abs(value - (index % 2 === 0 ? 0.25 : -4)) < 0.5, `${value}`);
  }
});

for (const [mean, rows] of [
  [30, 512],
  [3000, 512],
  // So many that the rounding of a mean of float32 would show.
  [-3000, 65_536],
] as const) {
  test(`a mean of ${mean} deviations costs no digits: y, dx, mean and variance of ${rows} rows`, async () => {
    const { emit } = newGraph();
    const random = createRandom(2);
    const values = Float32Array.from({ length: rows }, () => mean + random.normal());
    const slopes = Float32Array.from({ length: rows }, () => random.normal());
    const [one, zero] = [constant(emit, [1], 1), constant(emit, [1], 0)];
    const x = emit.floats([rows, 1], values);
    const made = rowsBatchNormalisation(emit, x, one, zero, 0);
    const [dx] = gradients(emit, made.y, emit.floats([rows, 1], slopes), [x]);
    const outputs = await run(emit, [made.y, dx!, made.mean, made.variance]);
    // In float64, by the definition.
    const average = (of: (index: number) => number) => {
      let sum = 0;
      for (let i = 0; i < rows; i++) sum += of(i);
      return sum / rows;
    };
    const m = average((i) => values[i]!);
    const v = average((i) => (values[i]! - m) ** 2);
    const standard = (i: number) => (values[i]! - m) / Math.sqrt(v);
    const s = average((i) => slopes[i]!);
    const t = average((i) => slopes[i]! * standard(i));
    const y = Float32Array.from(values, (_, i) => standard(i));
    const expected = Float32Array.from(slopes, (slope, i) => (slope - s - standard(i) * t) / Math.sqrt(v));
    assert.ok(distance(outputs(made.y), y) < 2e-5, `y: ${distance(outputs(made.y), y)}`);
    assert.ok(distance(outputs(dx!), expected) < 2e-5, `dx: ${distance(outputs(dx!), expected)}`);
    assert.ok(Math.abs(outputs(made.mean)[0]! - m) < 3e-4, "within the spacing of float32 there");
    assert.ok(Math.abs(outputs(made.variance)[0]! / v - 1) < 2e-5);
  });
}

test("one row far from all others costs no more than three digits", async () => {
  const { emit } = newGraph();
  const random = createRandom(4);
  const values = Float32Array.from({ length: 4096 }, (_, i) => (i === 0 ? -3000 : 3000 + random.normal()));
  const x = emit.floats([4096, 1], values);
  const { y } = rowsBatchNormalisation(emit, x, constant(emit, [1], 1), constant(emit, [1], 0), 0);
  const found = (await run(emit, [y]))(y);
  const m = values.reduce((sum, value) => sum + value, 0) / 4096;
  const v = values.reduce((sum, value) => sum + (value - m) ** 2, 0) / 4096;
  assert.ok(
    distance(
      found,
      Float32Array.from(values, (value) => (value - m) / Math.sqrt(v)),
    ) < 1e-3,
  );
});

function newGraph() {
  const emit = new Emitter(new Model({ irVersion: 9, opsets: new Map([["", 20]]) }));
  const random = createRandom(1);
  const input = (name: string, dims: readonly number[], centre: number, spread: number): Value => {
    const values = Float32Array.from({ length: elementCount(dims) }, () => centre + spread * random.normal());
    return emit.model.graph.addConstant(name, Tensor.float32(dims, values));
  };
  return { emit, input };
}

const constant = (emit: Emitter, dims: readonly number[], value: number): Value =>
  emit.model.graph.addConstant("constant", Tensor.float32(dims, new Array(elementCount(dims)).fill(value)));

/** Of sum(dy * y): the incoming gradient of y is dy. */
function gradients(emit: Emitter, y: Value, dy: Value, wanted: readonly Value[]): Value[] {
  const axes = emit.dims(y).map((_, axis) => axis);
  return appendGradients(emit, emit.reduce("ReduceSum", emit.mul(y, dy), axes, false), wanted);
}

async function run(emit: Emitter, values: readonly Value[]) {
  emit.model.graph.outputs.push(...values);
  await using session = await openSession(encodeModelBytes(emit.model), { threads: 1 });
  const outputs = await session.run({});
  return (value: Value): Float32Array => float32Of(outputs[value.name]!);
}

/** The largest difference, as a share of the largest expected element. */
function distance(actual: Float32Array, expected: Float32Array): number {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...actual.map((value, index) => Math.abs(value - expected[index]!))) / scale;
}
