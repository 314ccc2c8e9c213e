/** What is fed where a model leaves sizes open: to measure it, to try it, and beside an image. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes, Model, tensorType, Value } from "@cupel/onnx";
import {
  feedDims,
  inputValueLimit,
  openSession,
  randomFeeds,
  sessionsWithFeeds,
  type TensorData,
} from "@cupel/runtime";

type Dims = readonly (number | string)[];

const cases: readonly (readonly [what: string, dims: Dims, fed: readonly number[]])[] = [
  ["an image with open sides is 224 x 224", ["n", 3, "h", "w"], [1, 3, 224, 224]],
  ["and so it is with its channels last", ["n", "h", "w", 3], [1, 224, 224, 3]],
  ["sizes written as -1 are open", [-1, 3, -1, -1], [1, 3, 224, 224]],
  ["an image of nothing but symbols has three channels", ["n", "c", "h", "w"], [1, 3, 224, 224]],
  ["one side may be fixed", ["n", 3, 48, ""], [1, 3, 48, 224]],
  ["an image without a batch", [3, "h", "w"], [3, 224, 224]],
  ["an image without a batch, channels last", ["h", "w", 3], [224, 224, 3]],
  ["four channels", ["n", 4, "h", "w"], [1, 4, 224, 224]],
  ["features with open sides", ["n", 64, "h", "w"], [1, 64, 224, 224]],
  ["heads of a sequence are no image", ["n", 8, "length", 64], [1, 8, 1, 64]],
  ["a row of numbers", ["n", "k"], [1, 1]],
];
for (const [what, dims, fed] of cases) {
  test(`${what}: [${dims.join(", ")}]`, () => {
    assert.deepEqual(feedDims([{ name: "x", dims }]), [fed]);
  });
}

test("inputs that take more values than the limit are refused before a tensor is made, each and together", () => {
  const taken = (...shapes: readonly Dims[]) => feedDims(shapes.map((dims, i) => ({ name: `x${i}`, dims })));
  const refused = { code: "INPUT_TOO_LARGE" };
  assert.deepEqual(taken([1, inputValueLimit]), [[1, inputValueLimit]]);
  assert.throws(() => taken([1, 3, 200_000, 200_000]), refused);
  assert.throws(() => taken(["n", inputValueLimit + 1]), refused);
  assert.throws(() => taken([1, inputValueLimit], [1]), refused);
  assert.throws(() => taken(new Array<number>(40).fill(2 ** 40)), refused);
  // The number of images, where it is open, is what the caller says.
  const many = feedDims([{ name: "x", dims: ["n", 3, 224, 224] }], { batch: 4096 });
  assert.deepEqual(many, [[4096, 3, 224, 224]]);
});

test("the shape that is given goes before the usual one, and gives its sizes to inputs with the same symbols", () => {
  const inputs = [
    { name: "mask", dims: ["n", 1, "h", "w"] },
    { name: "x", dims: ["n", 3, "h", "w"] },
  ];
  const dims = feedDims(inputs, { batch: 4, shapes: { x: [1, 3, 40, 64] } });
  assert.deepEqual(dims, [
    [4, 1, 40, 64],
    [4, 3, 40, 64],
  ]);
});

test("a tensor that is given is fed, once for each image", () => {
  const inputs = [
    { name: "scale", type: "float32" as const, dims: ["n", 2] },
    { name: "x", type: "float32" as const, dims: ["n", 3, 8, 8] },
    { name: "anchors", type: "float32" as const, dims: ["k"] },
  ];
  const tensors: Record<string, TensorData> = {
    scale: { type: "float32", dims: [1, 2], data: Float32Array.of(2, 3) },
    anchors: { type: "float32", dims: [1], data: Float32Array.of(9) },
  };
  const { scale, anchors } = randomFeeds(inputs, 1, { batch: 2, tensors });
  assert.deepEqual(scale, { type: "float32", dims: [2, 2], data: Float32Array.of(2, 3, 2, 3) });
  assert.deepEqual(anchors, tensors.anchors, "k counts no images");
});

test("a session that knows an input takes the others, and repeats it for each image", async () => {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 13]]) });
  const { graph } = model;
  const input = (name: string, ...dims: Dims) => {
    const value = graph.add(new Value(name, tensorType("float32", [...dims])));
    graph.inputs.push(value);
    return value;
  };
  const [x, scale] = [input("x", "n", 2), input("scale", "n", 1)];
  const y = graph.append({ opType: "Mul", inputs: [x, scale], type: tensorType("float32", ["n", 2]) }).output;
  graph.outputs.push(y);
  const tensors = { scale: { type: "float32", dims: [1, 1], data: Float32Array.of(10) } } as const;
  await using session = await sessionsWithFeeds(tensors, openSession)(encodeModelBytes(model), {
    threads: 1,
  });
  assert.deepEqual(
    session.inputs.map(({ name }) => name),
    ["x"],
  );
  for (const images of [1, 3, 2]) {
    const data = new Float32Array(2 * images).map((_, i) => i);
    const expected = data.map((value) => 10 * value);
    const feed = { type: "float32", dims: [images, 2], data } as const;
    const result = await session.run({ x: feed }, { transfer: true });
    assert.deepEqual(result[y.name]!.data, expected);
  }
});
