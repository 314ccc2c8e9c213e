/**
 * Every form of the convolution's gradients against the definition, on shapes it may be chosen for or not:
 * which one is chosen is a matter of speed only.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createRandom, elementCount } from "@cupel/base";
import { Emitter, encodeModelBytes, Model, type Value } from "@cupel/onnx";
import { openSession } from "@cupel/runtime";
import {
  canFlip,
  type InputGradientForm,
  inputGradientForm,
  inputGradientForms,
} from "../src/gradient/convolution-input-gradient.ts";
import { type ConvShape, isDepthwise } from "../src/gradient/convolution-shape.ts";
import {
  type WeightGradientForm,
  weightGradientForm,
  weightGradientForms,
} from "../src/gradient/convolution-weight-gradient.ts";

const plain: ConvShape = {
  batch: 2,
  channels: 4,
  filters: 6,
  group: 1,
  kernel: [3, 2],
  strides: [1, 1],
  dilations: [1, 1],
  begins: [0, 0],
  ends: [0, 0],
  sizes: [6, 7],
  outputs: [4, 6],
};

const shapes: Readonly<Record<string, ConvShape>> = {
  plain,
  "uneven pads": { ...plain, begins: [1, 0], ends: [2, 1], outputs: [7, 7] },
  "strides that leave a remainder": { ...plain, strides: [2, 3], begins: [1, 0], outputs: [3, 2] },
  dilations: { ...plain, dilations: [2, 3], outputs: [2, 4] },
  "strides, dilations, groups": {
    ...plain,
    group: 2,
    strides: [2, 2],
    dilations: [2, 1],
    ends: [1, 1],
    outputs: [2, 4],
  },
  depthwise: { ...plain, filters: 4, group: 4 },
  "two filters a channel": { ...plain, channels: 3, group: 3 },
  "1x1": { ...plain, kernel: [1, 1], outputs: [6, 7] },
  "1x1, groups": { ...plain, group: 2, kernel: [1, 1], outputs: [6, 7] },
  "one dimension": {
    ...plain,
    kernel: [3],
    strides: [1],
    dilations: [1],
    begins: [1],
    ends: [0],
    sizes: [7],
    outputs: [6],
  },
  "three dimensions": {
    ...plain,
    kernel: [3, 2, 2],
    strides: [3, 3, 1],
    dilations: [2, 2, 2],
    begins: [1, 2, 1],
    ends: [0, 2, 2],
    sizes: [6, 5, 6],
    outputs: [1, 3, 7],
  },
};

suite("the weight gradient, in every form that applies, is its definition", () => {
  for (const [name, conv] of Object.entries(shapes)) {
    for (const form of Object.keys(weightGradientForms) as WeightGradientForm[]) {
      if (form === "pointwise" && !name.startsWith("1x1")) continue;
      if (form === "depthwise" && !isDepthwise(conv)) continue;
      test(`${form}, ${name}`, async () => {
        const { x, dy } = drawn(conv);
        const made = await run({ x: [dataDims(conv), x], dy: [outputDims(conv), dy] }, (emit, values) =>
          weightGradientForms[form](emit, conv, values.x!, values.dy!),
        );
        assert.deepEqual(made.dims, weightDims(conv));
        assertNear(made.data, byDefinition(conv, { x, dy }).weight);
      });
    }
  }
});

suite("the data gradient, in every form that applies, is its definition", () => {
  for (const [name, conv] of Object.entries(shapes)) {
    for (const form of Object.keys(inputGradientForms) as InputGradientForm[]) {
      if (form === "flipped" && !canFlip(conv)) continue;
      if (form === "col2im" && (conv.group !== 1 || conv.kernel.length !== 2)) continue;
      test(`${form}, ${name}`, async () => {
        const { weight, dy } = drawn(conv);
        const made = await run(
          { weight: [weightDims(conv), weight], dy: [outputDims(conv), dy] },
          (emit, values) => inputGradientForms[form](emit, conv, values.weight!, values.dy!),
        );
        assert.deepEqual(made.dims, dataDims(conv));
        assertNear(made.data, byDefinition(conv, { weight, dy }).data);
      });
    }
  }
});

test("a form is only chosen where it applies", () => {
  const strided = { ...plain, sizes: [20, 20], strides: [2, 2], outputs: [9, 10] };
  const padded = { ...plain, sizes: [20, 20], begins: [3, 0], outputs: [21, 19] };
  assert.equal(inputGradientForm(plain), "col2im");
  assert.notEqual(inputGradientForm({ ...plain, group: 2 }), "col2im");
  assert.equal(inputGradientForm(shapes["three dimensions"]!), "transposed");
  assert.equal(inputGradientForm(strided), "transposed");
  assert.equal(inputGradientForm(padded), "transposed");
  assert.equal(weightGradientForm(shapes["1x1"]!), "pointwise");
  assert.notEqual(weightGradientForm({ ...shapes["1x1"]!, strides: [2, 2], outputs: [3, 4] }), "pointwise");
  assert.notEqual(weightGradientForm(shapes["two filters a channel"]!), "depthwise");
});

const dataDims = ({ batch, channels, sizes }: ConvShape) => [batch, channels, ...sizes];
const outputDims = ({ batch, filters, outputs }: ConvShape) => [batch, filters, ...outputs];
const weightDims = ({ filters, channels, group, kernel }: ConvShape) => [
  filters,
  channels / group,
  ...kernel,
];

function drawn(conv: ConvShape) {
  const random = createRandom(7);
  const draw = (dims: readonly number[]) =>
    Float32Array.from({ length: elementCount(dims) }, () => random.normal());
  return { x: draw(dataDims(conv)), weight: draw(weightDims(conv)), dy: draw(outputDims(conv)) };
}

/**
 * y[n, m, o] = sum over c, k of w[m, c, k] x[n, c, o stride - begin + k dilation]: each term adds dy x to
 * the gradient of its weight and dy w to that of its element.
 */
function byDefinition(
  conv: ConvShape,
  { x, weight, dy }: { x?: Float32Array; weight?: Float32Array; dy: Float32Array },
) {
  const data = new Float64Array(elementCount(dataDims(conv)));
  const weights = new Float64Array(elementCount(weightDims(conv)));
  const inner = conv.channels / conv.group;
  const outer = conv.filters / conv.group;
  for (const [at, slope] of dy.entries()) {
    const [n, m, ...o] = indicesOf(at, outputDims(conv));
    for (let c = 0; c < inner; c++) {
      for (let tap = 0; tap < elementCount(conv.kernel); tap++) {
        const position = indicesOf(tap, conv.kernel).map(
          (k, axis) => o[axis]! * conv.strides[axis]! - conv.begins[axis]! + k * conv.dilations[axis]!,
        );
        if (position.some((p, axis) => p < 0 || p >= conv.sizes[axis]!)) continue;
        const channel = Math.floor(m! / outer) * inner + c;
        const xAt = position.reduce(
          (sum, p, axis) => sum * conv.sizes[axis]! + p,
          n! * conv.channels + channel,
        );
        const wAt = (m! * inner + c) * elementCount(conv.kernel) + tap;
        if (x) weights[wAt]! += slope * x[xAt]!;
        if (weight) data[xAt]! += slope * weight[wAt]!;
      }
    }
  }
  return { data, weight: weights };
}

function indicesOf(at: number, dims: readonly number[]): number[] {
  return dims.map((size, axis) => Math.floor(at / elementCount(dims.slice(axis + 1))) % size);
}

async function run(
  inputs: Readonly<Record<string, readonly [dims: readonly number[], data: Float32Array]>>,
  build: (emit: Emitter, values: Readonly<Record<string, Value>>) => Value,
) {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
  const emit = new Emitter(model);
  const entries = Object.entries(inputs);
  const values = Object.fromEntries(
    entries.map(([name, [dims]]) => [name, emit.input(name, "float32", dims)]),
  );
  const output = build(emit, values);
  model.graph.outputs.push(output);
  await using session = await openSession(encodeModelBytes(model), { threads: 1 });
  const feeds = Object.fromEntries(
    entries.map(([name, [dims, data]]) => [name, { type: "float32", dims, data } as const]),
  );
  const { [output.name]: result } = await session.run(feeds);
  return { dims: [...result!.dims], data: Array.from(result!.data, Number) };
}

/** Sums of some hundred products of standard normal numbers, in float32. */
function assertNear(actual: readonly number[], expected: Float64Array): void {
  const error = Math.max(...actual.map((value, at) => Math.abs(value - expected[at]!)));
  assert.equal(actual.length, expected.length);
  assert.ok(error < 1e-4, `differs by ${error}`);
}
