/** Models of older operator sets compute the same, bit for bit, when they are written in operator set 18. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import {
  type Attribute,
  attribute,
  checkModel,
  cloneModel,
  type ElementType,
  encodeModelBytes,
  Graph,
  Model,
  readModelFile,
  Tensor,
  upgradeOpset,
} from "@cupel/onnx";
import { type Feeds, randomFeeds } from "@cupel/runtime";
import { engineOptions } from "../src/session/engine-options.ts";
import { openEngineSession } from "../src/session/engine-session.ts";
import { postModel } from "../src/session/model-source.ts";
import { input } from "./tiny-models.ts";

const { int, ints, float, floats, string } = attribute;
const integers = (values: readonly number[]): Tensor => Tensor.int64([values.length], values);

interface Row {
  /** Operator set the node is written in. */
  readonly opset: number;
  readonly opType: string;
  /** What the row covers. */
  readonly variant?: string;
  /** Of the first input, drawn from -2..2. */
  readonly dims: readonly number[];
  readonly type?: ElementType;
  readonly constants?: readonly Tensor[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly outputs?: number;
}

const image = [2, 3, 4, 6];
const reductions = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"];

const rows: readonly Row[] = [
  ...reductions.flatMap((kind): Row[] => {
    const row = { opType: `Reduce${kind}`, dims: image };
    return [
      { ...row, opset: 11, attributes: { axes: ints([-1, 1]), keepdims: int(0) } },
      { ...row, opset: 12, variant: "all axes" },
    ];
  }),
  { opset: 17, opType: "ReduceMean", dims: image, attributes: { axes: ints([2, 3]) } },
  {
    opset: 17,
    opType: "Split",
    variant: "equal parts",
    dims: image,
    attributes: { axis: int(-1) },
    outputs: 3,
  },
  {
    opset: 13,
    opType: "Split",
    variant: "lengths",
    dims: image,
    constants: [integers([1, 5])],
    attributes: { axis: int(3) },
    outputs: 2,
  },
  {
    opset: 12,
    opType: "Split",
    variant: "lengths",
    dims: image,
    attributes: { axis: int(3), split: ints([4, 2]) },
    outputs: 2,
  },
  { opset: 7, opType: "Split", dims: image, attributes: { axis: int(3) }, outputs: 2 },
  { opset: 12, opType: "Squeeze", dims: [1, 3, 1], attributes: { axes: ints([0]) } },
  { opset: 8, opType: "Squeeze", variant: "all axes", dims: [1, 3, 1] },
  { opset: 12, opType: "Unsqueeze", dims: [2, 3], attributes: { axes: ints([0, -1]) } },
  ...["Softmax", "LogSoftmax", "Hardmax"].flatMap((opType): Row[] => [
    { opset: 12, opType, dims: image },
    { opset: 8, opType, variant: "all axes", dims: image, attributes: { axis: int(0) } },
    { opset: 12, opType, variant: "last axis", dims: image, attributes: { axis: int(-1) } },
    { opset: 11, opType, variant: "two dimensions", dims: [4, 10] },
    { opset: 13, opType, variant: "one axis already", dims: image, attributes: { axis: int(1) } },
  ]),
  { opset: 10, opType: "Clip", dims: image, attributes: { min: float(-0.3), max: float(1.1) } },
  { opset: 10, opType: "Clip", variant: "one bound", dims: image, attributes: { max: float(0.1) } },
  {
    opset: 10,
    opType: "Pad",
    variant: "float64",
    dims: image,
    type: "float64",
    attributes: { pads: ints([0, 1, 2, 0, 1, 0, 0, 3]), value: float(0.7) },
  },
  { opset: 10, opType: "Dropout", dims: image, attributes: { ratio: float(0.3) } },
  { opset: 7, opType: "Dropout", dims: image },
  {
    opset: 9,
    opType: "Slice",
    dims: image,
    attributes: { starts: ints([1, -5]), ends: ints([1000, -1]), axes: ints([1, 3]) },
  },
  {
    opset: 9,
    opType: "Slice",
    variant: "first axes",
    dims: image,
    attributes: { starts: ints([1]), ends: ints([2]) },
  },
  {
    opset: 10,
    opType: "Pad",
    dims: image,
    attributes: { pads: ints([0, 1, 2, 0, 1, 0, 0, 3]), value: float(0.7) },
  },
  {
    opset: 10,
    opType: "Pad",
    variant: "reflect",
    dims: image,
    attributes: { pads: ints([0, 0, 2, 1, 0, 0, 1, 3]), mode: string("reflect") },
  },
  { opset: 9, opType: "TopK", dims: image, attributes: { k: int(3), axis: int(-1) }, outputs: 2 },
  { opset: 7, opType: "Upsample", dims: image, attributes: { scales: floats([1, 1, 2, 3]) } },
  {
    opset: 8,
    opType: "Upsample",
    variant: "linear",
    dims: image,
    attributes: { scales: floats([1, 1, 2, 1.5]), mode: string("linear") },
  },
  { opset: 9, opType: "Upsample", dims: image, constants: [Tensor.float32([4], [1, 1, 2, 1.5])] },
  { opset: 10, opType: "Resize", dims: image, constants: [Tensor.float32([4], [1, 1, 1.5, 2.5])] },
  {
    opset: 10,
    opType: "Resize",
    variant: "linear, shrinking",
    dims: image,
    constants: [Tensor.float32([4], [1, 1, 0.5, 0.7])],
    attributes: { mode: string("linear") },
  },
  {
    opset: 11,
    opType: "Resize",
    dims: image,
    constants: [Tensor.float32([0], []), Tensor.float32([4], [1, 1, 2, 0.5])],
  },
  {
    opset: 9,
    opType: "Scatter",
    dims: [3, 4],
    constants: [Tensor.int64([1, 2], [2, 0]), Tensor.float32([1, 2], [7, 8])],
    attributes: { axis: int(1) },
  },
  {
    opset: 8,
    opType: "BatchNormalization",
    dims: image,
    constants: [
      [1, 2, 3],
      [0, 1, 2],
      [0.1, 0, -0.1],
      [1, 2, 0.5],
    ].map((values) => Tensor.float32([3], values)),
    attributes: { spatial: int(1) },
  },
  {
    opset: 10,
    opType: "RoiAlign",
    dims: image,
    constants: [Tensor.float32([2, 4], [0, 0, 3, 3, 1.2, 0.4, 5, 3]), integers([0, 1])],
    attributes: { output_height: int(2), output_width: int(3), sampling_ratio: int(2) },
  },
];

for (const row of rows) {
  const variant = row.variant ? `, ${row.variant}` : "";
  test(`${row.opType} of operator set ${row.opset}${variant}`, async () => {
    const { model, feeds } = build(row);
    await assertSame(model, feeds);
  });
}

test("nodes in the branches of an If are rewritten too", async () => {
  const model = new Model({ irVersion: 6, opsets: new Map([["", 12]]) });
  const x = input(model, "x", "float32", image);
  const condition = input(model, "condition", "bool", []);
  const branch = (opType: string): Graph => {
    const body = new Graph(opType, model.graph);
    const attributes = { axes: ints([1, 2]), keepdims: int(0) };
    body.outputs.push(body.append({ opType, inputs: [x], attributes }).output);
    return body;
  };
  const attributes = {
    then_branch: attribute.graph(branch("ReduceSum")),
    else_branch: attribute.graph(branch("ReduceMax")),
  };
  model.graph.outputs.push(model.graph.append({ opType: "If", inputs: [condition], attributes }).output);
  for (const chosen of [0, 1]) {
    await assertSame(model, {
      x: drawn(image, "float32"),
      condition: { type: "bool", dims: [], data: Uint8Array.of(chosen) },
    });
  }
});

const models = join(
  process.env.CUPEL_DATA ?? resolve(import.meta.dirname, "../../../../shared/data"),
  "models",
);

for (const name of ["resnet8_cifar10", "mobilenet_v1_0.75_224", "resnet20_cifar10", "resnet50_w32_pcb"]) {
  const path = join(models, `${name}.onnx`);
  const skip = existsSync(path) ? false : "the test data is not here (set CUPEL_DATA)";
  test(`${name} computes the same in operator set 18`, { skip }, async () => {
    await assertSame(await readModelFile(path));
  });
}

function build({ opset, opType, dims, type = "float32", constants = [], attributes, outputs }: Row) {
  const model = new Model({ irVersion: 6, opsets: new Map([["", opset]]) });
  const x = input(model, "x", type, dims);
  const given = constants.map((tensor) => model.graph.addConstant("constant", tensor));
  const node = model.graph.append({
    opType,
    inputs: [x, ...given],
    ...(attributes && { attributes }),
    ...(outputs && { outputs }),
  });
  model.graph.outputs.push(...node.outputs);
  return { model, feeds: { x: drawn(dims, type) } };
}

function drawn(dims: readonly number[], type: ElementType): Feeds[string] {
  const random = createRandom(1);
  const count = dims.reduce((product, size) => product * size, 1);
  const values = Array.from({ length: count }, () => random.uniform() * 4 - 2);
  const data = type === "float64" ? Float64Array.from(values) : Float32Array.from(values);
  return { type, dims, data } as Feeds[string];
}

/** @param feeds Default: random values. */
async function assertSame(model: Model, feeds?: Feeds): Promise<void> {
  const upgraded = cloneModel(model);
  const { modified } = upgradeOpset().run(upgraded);
  assert.ok(modified);
  assert.equal(upgraded.opset, 18);
  checkModel(upgraded);
  assert.deepEqual(await bitsOf(upgraded, feeds), await bitsOf(model, feeds));
}

/**
 * The outputs by name; compared as bytes, since NaN (of a logarithm) and -0 count. The engine runs in this thread: one for
 * each of so many models would take longer than all of them.
 */
async function bitsOf(model: Model, feeds?: Feeds): Promise<Readonly<Record<string, Buffer>>> {
  const posted = postModel(encodeModelBytes(model), "the model");
  await using session = await openEngineSession(posted, engineOptions({ threads: 1 }));
  const { outputs } = await session.run(feeds ?? randomFeeds(session.inputs, 1), null);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    ]),
  );
}
