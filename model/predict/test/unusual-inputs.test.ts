/** Inputs of unusual rank, type and number take the same images as any other: scores are channel means, known here. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attribute,
  encodeModel,
  inferShapes,
  Model,
  type Node,
  type Shape,
  Tensor,
  tensorType,
  Value,
} from "@cupel/onnx";
import { openPredictor, type PredictorOptions } from "@cupel/predict";
import { noise, noiseImages, side } from "./support/images.ts";
import { refused } from "./support/refused.ts";

type ElementType = Parameters<typeof tensorType>[0];

/** A model whose scores are the means of the channels of its input, which `to` makes [N, C, H, W] of float32. */
function means(
  type: ElementType,
  shape: Shape,
  to: readonly ((model: Model, x: Value) => Node)[] = [],
): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 13]]) });
  const x = model.graph.add(new Value("x", tensorType(type, shape)));
  model.graph.inputs.push(x);
  const image = to.reduce((value, step) => step(model, value).output, x);
  const pooled = model.graph.append({ opType: "GlobalAveragePool", inputs: [image] }).output;
  model.graph.outputs.push(model.graph.append({ opType: "Flatten", inputs: [pooled] }).output);
  inferShapes(model);
  return model;
}

const cast = ({ graph }: Model, x: Value) =>
  graph.append({ opType: "Cast", inputs: [x], attributes: { to: attribute.int(1) } });
const transpose = ({ graph }: Model, x: Value) =>
  graph.append({ opType: "Transpose", inputs: [x], attributes: { perm: attribute.ints([0, 3, 1, 2]) } });
const unsqueeze =
  (axis: number) =>
  ({ graph }: Model, x: Value) =>
    graph.append({
      opType: "Unsqueeze",
      inputs: [x, graph.addConstant(`axis${axis}`, Tensor.int64([1], [axis]))],
    });

/** Mean of each channel of 0..255 pixels; of grey, after ITU-R BT.601 to half a level. */
function pixelMeans(index: number): number[] {
  const { data } = noise(index);
  return [0, 1, 2].map((c) => data.filter((_, i) => i % 3 === c).reduce((sum, x) => sum + x, 0) / side ** 2);
}
function greyMean(index: number): number {
  const [red, green, blue] = pixelMeans(index) as [number, number, number];
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

async function scoresOf(model: Model, images: number, options: PredictorOptions = {}): Promise<number[][]> {
  const settings = {
    threads: 1,
    preprocessing: "preset=raw,resize=none",
    ...options,
    taskName: "classification" as const,
  };
  await using predictor = await openPredictor(encodeModel(model), settings);
  const found: number[][] = [];
  for await (const { prediction } of predictor.predict(noiseImages(images)))
    found.push([...prediction.scores]);
  return found;
}

function near(
  found: readonly (readonly number[])[],
  expected: (index: number) => readonly number[],
  by = 1e-3,
) {
  for (const [index, scores] of found.entries()) {
    const wanted = expected(index);
    assert.equal(scores.length, wanted.length);
    for (const [i, score] of scores.entries()) {
      assert.ok(Math.abs(score - wanted[i]!) <= by, `image ${index}: ${scores} is not ${wanted}`);
    }
  }
}

for (const type of ["uint8", "int32", "int64", "uint16", "float64", "float16"] as const) {
  test(`an input of ${type} is fed the pixels`, async () => {
    const found = await scoresOf(means(type, ["N", 3, side, side], [cast]), 5);
    near(found, pixelMeans);
  });
}

test("an input of uint8 with channels last needs nothing to be said, and is fed whole numbers", async () => {
  const model = means("uint8", ["N", side, side, 3], [cast, transpose]);
  near(await scoresOf(model, 5, { preprocessing: undefined }), pixelMeans);
});

test("int8 counts from -128", async () => {
  const model = means("int8", ["N", 3, side, side], [cast]);
  const found = await scoresOf(model, 3, { preprocessing: undefined });
  near(found, (index) => pixelMeans(index).map((mean) => mean - 128));
});

test("values that a type does not hold are refused with what to give", async () => {
  const model = means("uint8", ["N", 3, side, side], [cast]);
  for (const preprocessing of ["preset=imagenet", "preset=unit", "preset=tf"]) {
    await refused(
      () => scoresOf(model, 1, { preprocessing }),
      "INPUT_UNSUPPORTED",
      /"x" takes whole numbers .*preset=raw/,
    );
  }
  await refused(
    () => scoresOf(means("bool", ["N", 3, side, side], [cast]), 1),
    "INPUT_UNSUPPORTED",
    /bool.*holds no image/,
  );
});

const rank3: readonly (readonly [
  what: string,
  shape: Shape,
  to: Parameters<typeof means>[2],
  isGrey: boolean,
])[] = [
  ["[C, H, W]", [3, side, side], [unsqueeze(0)], false],
  ["[C, H, W] with open sides", [3, "h", "w"], [unsqueeze(0)], false],
  ["[H, W, C]", [side, side, 3], [unsqueeze(0), transpose], false],
  ["grey [N, H, W]", ["n", side, side], [unsqueeze(1)], true],
  ["grey [N, H, W] of two images", [2, side, side], [unsqueeze(1)], true],
];
for (const [what, shape, to, isGrey] of rank3) {
  test(`an input ${what} is told by its sizes`, async () => {
    const model = means("float32", shape, to);
    const preprocessing = `preset=raw,resize=none,crop=${side}`;
    await using predictor = await openPredictor(encodeModel(model), { threads: 1, preprocessing });
    // One score of one channel is no class.
    assert.equal(predictor.taskName, isGrey ? "features" : "classification");
    assert.match(
      predictor.inputSentences.join(),
      isGrey ? /without a dimension of channels, \[N, H, W\]/ : /one image a run/,
    );
    const found = await scoresOf(model, 3, { preprocessing });
    near(found, (index) => (isGrey ? [greyMean(index)] : pixelMeans(index)), 0.5);
  });
}

test("of four channels the fourth is opaque, also around an image that is smaller", async () => {
  const model = means("float32", ["N", 4, 2 * side, side]);
  near(await scoresOf(model, 2), (index) => [...pixelMeans(index).map((mean) => mean / 2), 255]);
  await refused(
    () => scoresOf(means("float32", ["N", 5, side, side]), 1),
    "PREPROCESSING_INVALID",
    /1, 3 or 4 channels/,
  );
});

test("an input of nothing but symbols takes what is given in full, and asks for it otherwise", async () => {
  const model = means("float32", ["n", "c", "h", "w"]);
  near(await scoresOf(model, 2, { preprocessing: `preset=raw,resize=none,crop=${side}` }), pixelMeans);
  await refused(
    () => scoresOf(model, 1, { preprocessing: undefined }),
    "PREPROCESSING_INVALID",
    /in full, such as preset=/,
  );
});

/** `means`, its scores times another input. */
function scaled(name: string, shape: Shape): Model {
  const model = means("float32", ["n", 3, side, side]);
  const factor = model.graph.add(new Value(name, tensorType("float32", shape)));
  model.graph.inputs.unshift(factor);
  const [scores] = model.graph.outputs;
  const product = model.graph.append({
    opType: "Mul",
    inputs: [scores!, factor],
    type: tensorType("float32", ["n", 3]),
  });
  model.graph.outputs.splice(0, 1, product.output);
  return model;
}

test("another input is fed the tensor of its name, once for each image; without one it is refused by name", async () => {
  const half = { type: "float32", dims: [1, 1], data: Float32Array.of(0.5) } as const;
  const model = scaled("factor", ["n", 1]);
  near(await scoresOf(model, 5, { inputs: { factor: half } }), (index) =>
    pixelMeans(index).map((mean) => mean / 2),
  );
  const refuse = (inputs: PredictorOptions["inputs"], code: string, message: RegExp) =>
    refused(() => scoresOf(model, 1, { inputs }), code, message);
  await refuse(
    undefined,
    "INPUT_UNSUPPORTED",
    /images feed "x" float32 \[n, 3, 8, 8\], and nothing feeds "factor" float32 \[n, 1\].*--inputs/,
  );
  await refuse({ faktor: half }, "INPUT_UNKNOWN", /"faktor".*no input.*"factor" float32 \[n, 1\]/);
  await refuse({ factor: { ...half, dims: [1] } }, "INPUT_SHAPE_MISMATCH", /"factor" has the shape \[1\]/);
  await refuse(
    { factor: { type: "float64", dims: [1, 1], data: Float64Array.of(0.5) } },
    "TENSOR_TYPE_MISMATCH",
    /float64.*float32/,
  );
});

test("PaddlePaddle's inputs have usual values, which are said", async () => {
  near(await scoresOf(scaled("scale_factor", ["n", 1]), 3), pixelMeans);
  const shape = scaled("im_shape", ["n", 1]);
  near(await scoresOf(shape, 3), (index) => pixelMeans(index).map((mean) => mean * side), 0.01);
  await using predictor = await openPredictor(encodeModel(shape), { threads: 1 });
  assert.match(predictor.inputSentences.join(), /"im_shape" float32 \[n, 1\]: it is fed 8,/);
});
