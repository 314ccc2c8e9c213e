/**
 * The straight-through estimator and the learned step size. Differences of a staircase tell nothing, so the
 * rules are compared with the published formulas: those of the estimator written out here in double
 * precision, and PyTorch's autograd of LSQ's listing (fixtures/make_lsq.py).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import {
  attribute,
  type ElementType,
  Emitter,
  encodeModelBytes,
  Model,
  packIntegers,
  Tensor,
} from "@cupel/onnx";
import { float32Of, openSession } from "@cupel/runtime";
import { differentiate, gradientName } from "@cupel/train";
import fixture from "./fixtures/lsq.json" with { type: "json" };

type IntegerType = "int8" | "uint8" | "int4" | "uint4";

interface Pair {
  readonly dims: readonly number[];
  readonly elementType: IntegerType;
  /** One for all, or one for each slice of `axis`. */
  readonly step: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly axis: number;
  readonly x: readonly number[];
  /** The loss is the sum of weights * y. */
  readonly weights: readonly number[];
}

/** x through QuantizeLinear and DequantizeLinear, and the gradients of x and of the step. */
async function run(pair: Pair) {
  const { dims, step } = pair;
  const model = new Model({ irVersion: 10, opsets: new Map([["", 21]]) });
  const emit = new Emitter(model);
  const scale = step.length === 1 ? [] : [step.length];
  const x = emit.input("x", "float32", dims);
  const s = emit.input("step", "float32", scale);
  const zero = emit.constant(integers(pair.elementType, scale, pair.zeroPoint));
  const axis = { axis: attribute.int(pair.axis) };
  const y = emit.op("DequantizeLinear", [emit.op("QuantizeLinear", [x, s, zero], axis), s, zero], axis);
  const weighted = emit.mul(y, emit.constant(Tensor.float32(dims, pair.weights)));
  const loss = emit.reduce("ReduceSum", weighted, [...dims.keys()], false);
  const trained = differentiate(model, { loss: loss.name, wrt: ["x", "step"] });
  trained.graph.outputs.push(trained.graph.value(y.name)!);
  await using session = await openSession(encodeModelBytes(trained), { threads: 1 });
  const outputs = await session.run({
    x: { type: "float32", dims, data: Float32Array.from(pair.x) },
    step: { type: "float32", dims: scale, data: Float32Array.from(step) },
  });
  // Adding 0 makes -0, a masked negative gradient, 0.
  const read = (name: string): number[] => Array.from(float32Of(outputs[name]!), (element) => element + 0);
  return { y: read(y.name), dx: read(gradientName("x")), dStep: read(gradientName("step")) };
}

function integers(type: IntegerType, dims: readonly number[], values: readonly number[]): Tensor {
  const is4Bit = type.endsWith("4");
  return Tensor.fromBytes(type, dims, is4Bit ? packIntegers(values, 4) : Uint8Array.from(values));
}

const ranges = {
  int8: [-128, 127],
  uint8: [0, 255],
  int4: [-8, 7],
  uint4: [0, 15],
} as const satisfies Partial<Record<ElementType, readonly [number, number]>>;

/** dx = dy where x/s + z is in the range; ds = sum of dy (q - z - x/s inside, bound - z outside) / sqrt(n Qp). */
function formulas(pair: Pair) {
  const [least, most] = ranges[pair.elementType];
  const after = pair.dims.slice(pair.axis + 1).reduce((count, size) => count * size, 1);
  const dStep = pair.step.map(() => 0);
  const dx = pair.x.map((value, index) => {
    const slice = pair.step.length === 1 ? 0 : Math.floor(index / after) % pair.step.length;
    const zero = pair.zeroPoint[slice]!;
    const real = value / pair.step[slice]! + zero;
    const isInside = real >= least && real <= most;
    const clipped = isInside ? Math.round(real) - real : (real < least ? least : most) - zero;
    const dy = pair.weights[index]!;
    dStep[slice] = dStep[slice]! + dy * clipped;
    return isInside ? dy : 0;
  });
  const sharing = pair.x.length / pair.step.length;
  return { dx, dStep: dStep.map((sum) => sum / Math.sqrt(sharing * most)) };
}

/** Values on either side of both ends of the range, none within 1/16 of a step of an end or of a tie. */
function drawPair(
  form: Pick<Pair, "dims" | "elementType" | "step" | "zeroPoint" | "axis">,
  seed: number,
): Pair {
  const random = createRandom(seed);
  const [least, most] = ranges[form.elementType];
  const count = form.dims.reduce((product, size) => product * size, 1);
  const after = form.dims.slice(form.axis + 1).reduce((product, size) => product * size, 1);
  const x = Array.from({ length: count }, (_, index) => {
    const slice = form.step.length === 1 ? 0 : Math.floor(index / after) % form.step.length;
    const level = least - 6 + random.integer(most - least + 12);
    const within = (random.integer(2) * 2 - 1) * (1 / 16 + random.uniform() * (3 / 8));
    return Math.fround((level + within - form.zeroPoint[slice]!) * form.step[slice]!);
  });
  const weights = x.map(() => Math.fround(random.uniform() * 2 - 1));
  return { ...form, x, weights };
}

const forms: Readonly<Record<string, Parameters<typeof drawPair>[0]>> = {
  "int8, symmetric": { dims: [20, 15], elementType: "int8", step: [0.03125], zeroPoint: [0], axis: 1 },
  "uint8 with a zero point": {
    dims: [20, 15],
    elementType: "uint8",
    step: [0.05],
    zeroPoint: [113],
    axis: 1,
  },
  "int8, one step a channel": {
    dims: [6, 3, 5, 2],
    elementType: "int8",
    step: [0.01, 0.1, 1],
    zeroPoint: [0, -7, 30],
    axis: 1,
  },
  "uint4, one step a slice of the first axis": {
    dims: [2, 40],
    elementType: "uint4",
    step: [0.5, 0.2],
    zeroPoint: [8, 3],
    axis: 0,
  },
};

for (const [index, [name, form]] of Object.entries(forms).entries()) {
  test(`${name}: the straight-through estimator and the step's gradient are the formulas`, async () => {
    const pair = drawPair(form, index + 1);
    const expected = formulas(pair);
    const actual = await run(pair);
    assert.ok(expected.dx.includes(0) && expected.dx.some((element) => element !== 0));
    assert.deepEqual(actual.dx, expected.dx);
    assertClose(actual.dStep, expected.dStep);
  });
}

for (const [name, expected] of Object.entries(fixture)) {
  test(`${name}: the gradients of the learned step are PyTorch's`, async () => {
    const elementType = expected.elementType as IntegerType;
    const zeroPoint = expected.step.map(() => 0);
    const actual = await run({ ...expected, elementType, zeroPoint, axis: 0 });
    assertClose(actual.y, expected.y);
    assert.deepEqual(actual.dx, expected.dx);
    assertClose(actual.dStep, expected.dStep);
  });
}

test("integers that something else reads are refused by name", () => {
  const model = new Model({ irVersion: 10, opsets: new Map([["", 21]]) });
  const emit = new Emitter(model);
  const x = emit.input("x", "float32", [4]);
  const read = emit.cast(emit.op("QuantizeLinear", [x, emit.scalar(0.1)]), "float32");
  const loss = emit.reduce("ReduceSum", read, [0], false);
  assert.throws(() => differentiate(model, { loss: loss.name, wrt: ["x"] }), {
    code: "GRADIENT_UNSUPPORTED",
    message: /Cast .*reads its integers/,
  });
});

test("scales of blocks are refused", () => {
  const model = new Model({ irVersion: 10, opsets: new Map([["", 21]]) });
  const emit = new Emitter(model);
  const stored = emit.constant(Tensor.int8([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]));
  const scales = emit.input("scales", "float32", [2, 2]);
  const blocks = { axis: attribute.int(1), block_size: attribute.int(2) };
  const loss = emit.reduce("ReduceSum", emit.op("DequantizeLinear", [stored, scales], blocks), [0, 1], false);
  assert.throws(() => differentiate(model, { loss: loss.name, wrt: ["scales"] }), {
    code: "GRADIENT_UNSUPPORTED",
    message: /scales are those of blocks/,
  });
});

/** As a share of the largest element. */
function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  const off = Math.max(...expected.map((element, index) => Math.abs(element - actual[index]!) / scale));
  assert.ok(off < 1e-5, `off by ${off} of the largest element: ${actual} instead of ${expected}`);
}
