/** A class for each pixel: from scores, from one map of probabilities, from class numbers; and how two models agree. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModel, type Model } from "@cupel/onnx";
import { openPredictor, pixelsByClass, segmentation, taskOf } from "@cupel/predict";
import { noise, noiseImages, plain, side } from "./support/images.ts";
import { modelOf, node } from "./support/models.ts";

const pixels = side * side;
/** The strongest channel of each pixel, the first of equals: what a map of the pixels themselves says. */
function strongestChannels(index: number): number[] {
  const { data } = noise(index);
  return Array.from({ length: pixels }, (_, i) => {
    const values = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    return values.indexOf(Math.max(...values));
  });
}

const scores = () => modelOf((model, x) => node(model, "Identity", "y", x));
const probability = () =>
  modelOf((model, x) => {
    const mean = model.graph.append({
      opType: "ReduceMax",
      name: "max",
      inputs: [x],
      outputs: ["max"],
      attributes: { axes: { kind: "ints", value: [1] } },
    });
    return node(model, "Sigmoid", "y", mean.output);
  });

async function classesOf(model: Model, count: number): Promise<number[][]> {
  await using predictor = await openPredictor(encodeModel(model), { threads: 1, preprocessing: plain });
  assert.ok(predictor.taskName === "segmentation", predictor.taskName);
  const maps: number[][] = [];
  for await (const { prediction } of predictor.predict(noiseImages(count))) {
    assert.deepEqual([prediction.width, prediction.height], [side, side]);
    maps.push(Array.from(prediction.classes));
  }
  return maps;
}

test("of scores each pixel has the class with the highest, and two models agree where they have the same", async () => {
  const maps = await classesOf(scores(), 5);
  for (const [index, found] of maps.entries()) assert.deepEqual(found, strongestChannels(index));
  const model = encodeModel(scores());
  await using rgb = await openPredictor(model, {
    threads: 1,
    taskName: "segmentation",
    preprocessing: plain,
  });
  const bgr = { ...plain, colour: "bgr" } as const;
  await using other = await openPredictor(model, {
    threads: 1,
    taskName: "segmentation",
    preprocessing: bgr,
  });
  const images = noiseImages(5);
  const compared = segmentation.compare(await rgb.evaluate(images), await other.evaluate(images));
  // Swapped, green stays what it is, and so do ties.
  const shares = Array.from({ length: 5 }, (_, index) => {
    const { data } = noise(index);
    const swapped = Array.from({ length: pixels }, (_, i) => {
      const values = [data[3 * i + 2]!, data[3 * i + 1]!, data[3 * i]!];
      return values.indexOf(Math.max(...values));
    });
    return strongestChannels(index).filter((each, i) => each === swapped[i]).length / pixels;
  });
  const mean = shares.reduce((sum, each) => sum + each, 0) / 5;
  const deviation = Math.sqrt(shares.reduce((sum, each) => sum + (each - mean) ** 2, 0) / 4 / 5);
  assert.ok(Math.abs(compared.agreement - mean) < 1e-12);
  assert.ok(Math.abs(compared.interval!.low - (mean - 1.959964 * deviation)) < 1e-9);
  assert.ok(Math.abs(compared.lowest - Math.min(...shares)) < 1e-12);
  assert.equal(segmentation.differences(compared)[0]!.of, "the pixels of 5 images");
});

test("one map of probabilities tells two classes, from one half on", async () => {
  const maps = await classesOf(probability(), 2);
  for (const [index, found] of maps.entries()) {
    const { data } = noise(index);
    const expected = Array.from({ length: pixels }, (_, i) =>
      Number(Math.max(data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!) / 255 >= 0.5),
    );
    assert.deepEqual(found, expected);
  }
});

test("maps of class numbers are taken as they are; other maps are features", () => {
  const shaped = (type: "float32" | "int64", dims: readonly (number | string)[]) =>
    segmentation.recognises({ outputs: [{ name: "y", type, dims }], model: scores() });
  assert.equal(shaped("int64", ["N", side, side]), true);
  assert.equal(shaped("int64", ["N", 1, side, side]), true);
  assert.equal(shaped("float32", ["N", 3, 2, 2]), true);
  assert.equal(shaped("float32", ["N", 3, 1, 1]), false, "a row of scores");
  assert.equal(shaped("float32", ["N", 3, 2 * side, 2 * side]), false, "an enlarged image");
  assert.equal(shaped("float32", ["N", 512, side, side]), false, "features");
  assert.equal(shaped("float32", ["N", side, side]), false, "such as a depth");
  assert.equal(taskOf(modelOf((model, x) => node(model, "ReduceMean", "y", x))).name, "features");
});

test("pixels are counted by class, the most first", () => {
  const map = { width: 3, height: 1, classes: Int32Array.from([2, 0, 2]) };
  assert.deepEqual(pixelsByClass(map), [
    { classIndex: 2, pixels: 2 },
    { classIndex: 0, pixels: 1 },
  ]);
});
