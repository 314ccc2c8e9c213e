/**
 * Convolution of rows against ONNX's Conv and its gradients, which are checked against differences and the
 * definition elsewhere: the same numbers in another layout.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, elementCount, type Random } from "@cupel/base";
import { attribute, Emitter, encodeModelBytes, Model, Tensor, type Value } from "@cupel/onnx";
import { float32Of, openSession } from "@cupel/runtime";
import { appendGradients } from "../../src/differentiate.ts";
import type { ConvShape } from "../../src/gradient/convolution-shape.ts";
import { extentOf } from "../../src/gradient/window.ts";
import { rowsConvolution, weightStorage } from "../../src/rows/convolution.ts";
import { Feature } from "../../src/rows/feature.ts";
import { toNetworkLayout, toStepLayout, type WeightLayout } from "../../src/step/weight-layout.ts";

const draws = 40;

test("y, dx and dw of every form are Conv's, in one to three dimensions", async () => {
  const random = createRandom(3);
  const model = new Model({ irVersion: 9, opsets: new Map([["", 20]]) });
  const emit = new Emitter(model);
  const cases = Array.from({ length: draws }, (_, index) => addCase(emit, random, index));
  for (const form of ["pointwise", "narrow", "wide", "strided"]) {
    assert.ok(cases.filter((each) => each.form === form).length >= 4, `too few draws of ${form}`);
  }
  model.graph.outputs.push(
    ...cases.flatMap(({ pairs }) => pairs.flatMap(({ made, expected }) => [made, expected])),
  );
  await using session = await openSession(encodeModelBytes(model), { threads: 1 });
  const outputs = await session.run({});
  for (const { label, pairs } of cases) {
    for (const { name, made, expected, layout } of pairs) {
      const actual = float32Of(outputs[made.name]!);
      const reference = float32Of(outputs[expected.name]!);
      assertNear(layout ? toNetworkLayout(actual, layout) : actual, reference, `${name} of ${label}`);
    }
  }
});

test("a weight comes out of layout as it went in", () => {
  const random = createRandom(5);
  for (let i = 0; i < 20; i++) {
    const shape = drawShape(random);
    const dims = weightDims(shape);
    const weight = drawn(random, dims).toFloat32();
    const layout = storageOf(shape, i % 2 === 0);
    assert.deepEqual(toNetworkLayout(toStepLayout(weight, layout), layout), weight);
  }
});

interface Pair {
  readonly name: string;
  readonly made: Value;
  readonly expected: Value;
  /** Of what was made, if it is a weight. */
  readonly layout?: WeightLayout;
}

interface Case {
  readonly label: string;
  readonly form: string;
  readonly pairs: readonly Pair[];
}

function addCase(emit: Emitter, random: Random, index: number): Case {
  // Some with enough channels for the wide form.
  const shape = drawShape(random, index % 3 === 1 ? 133 : 4);
  const leads = index % 3 !== 0;
  const layout = storageOf(shape, leads);
  const x = drawn(random, [shape.batch, shape.channels, ...shape.sizes]);
  const w = drawn(random, weightDims(shape));
  const dy = constantOf(emit, drawn(random, [shape.batch, shape.filters, ...shape.outputs]));

  const plainX = constantOf(emit, x);
  const plainW = constantOf(emit, w);
  const plainY = emit.op("Conv", [plainX, plainW], {
    strides: attribute.ints(shape.strides),
    dilations: attribute.ints(shape.dilations),
    pads: attribute.ints([...shape.begins, ...shape.ends]),
  });
  const [plainDx, plainDw] = gradients(emit, plainY, dy, [plainX, plainW]);

  const rowsX = constantOf(emit, x);
  const rowsW = emit.model.graph.addConstant(
    "w",
    Tensor.float32(layout.dims, toStepLayout(w.toFloat32(), layout)),
  );
  const form = weightStorage(shape, leads);
  const features = Feature.plain(emit, rowsX);
  const made = rowsConvolution(emit, shape, form, features.rows, rowsW);
  const y = Feature.rows(emit, emit.dims(dy), made).plain;
  const wanted = leads ? [rowsW, rowsX] : [rowsW];
  const [dw, dx] = gradients(emit, y, dy, wanted);
  return {
    label: `${form.form}, ${JSON.stringify(shape)}`,
    form: form.form,
    pairs: [
      { name: "y", made: y, expected: plainY },
      { name: "dw", made: dw!, expected: plainDw!, layout },
      ...(dx ? [{ name: "dx", made: dx, expected: plainDx! }] : []),
    ],
  };
}

/** Of sum(dy * y): the incoming gradient of y is dy. */
function gradients(emit: Emitter, y: Value, dy: Value, wanted: readonly Value[]): Value[] {
  const axes = emit.dims(y).map((_, axis) => axis);
  return appendGradients(emit, emit.reduce("ReduceSum", emit.mul(y, dy), axes, false), wanted);
}

/** @param most channels at most */
function drawShape(random: Random, most = 4): ConvShape {
  const rank = 1 + random.integer(3);
  const list = (least: number, most: number) =>
    Array.from({ length: rank }, () => least + random.integer(most - least + 1));
  const kind = random.integer(3);
  const kernel = kind === 0 ? list(1, 1) : list(1, 3);
  const strides = kind === 2 ? list(1, 3) : list(1, 1);
  const dilations = list(1, 2);
  const begins = kind === 0 ? list(0, 0) : list(0, 2);
  const ends = kind === 0 ? list(0, 0) : list(0, 2);
  const sizes = list(5, 7);
  const outputs = sizes.map((size, axis) => {
    const room = size + begins[axis]! + ends[axis]! - extentOf({ kernel, dilations }, axis);
    return Math.floor(room / strides[axis]!) + 1;
  });
  const [batch, filters] = [1 + random.integer(2), 1 + random.integer(4)];
  const channels = most - random.integer(4);
  return { batch, channels, filters, group: 1, kernel, strides, dilations, begins, ends, sizes, outputs };
}

const weightDims = (shape: ConvShape): number[] => [shape.filters, shape.channels, ...shape.kernel];

function storageOf(shape: ConvShape, leads: boolean): WeightLayout {
  const { permutation, dims } = weightStorage(shape, leads);
  return { axes: [shape.filters, shape.channels, elementCount(shape.kernel)], permutation, dims };
}

function drawn(random: Random, dims: readonly number[]): Tensor {
  return Tensor.float32(
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  );
}

/** A value of its own even if the numbers are those of another. */
const constantOf = (emit: Emitter, tensor: Tensor): Value => emit.model.graph.addConstant("drawn", tensor);

/** Float32 sums in another order, against the largest element. */
function assertNear(actual: Float32Array, expected: Float32Array, label: string): void {
  assert.equal(actual.length, expected.length, label);
  const scale = Math.max(1, ...expected.map(Math.abs));
  const off = Math.max(...actual.map((value, index) => Math.abs(value - expected[index]!))) / scale;
  assert.ok(off < 1e-5, `${label}: off by ${off}`);
}
