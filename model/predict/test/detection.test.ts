/** A detector through the predictor: letter-box, boxes in the image, labels, another model. One made graph, whose boxes are known. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { encodeModel, inferShapes, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { openPredictor, toldBoxes } from "@cupel/predict";
import { drawBoxes, type ImageSource, openImages, type RawImage } from "@cupel/vision";

/** 64 x 64 in grids of 8, 16 and 32. */
const [side, cells] = [64, 64 + 16 + 4];

/** In the form of YOLO v8: a cell of 8 x 8 scores as red (class 0) and green (class 1) as it is, its box is the cell. */
function colourDetector(metadata: Readonly<Record<string, string>>): Uint8Array[] {
  const model = new Model({
    irVersion: 8,
    opsets: new Map([["", 13]]),
    metadata: new Map(Object.entries(metadata)),
  });
  const { graph } = model;
  const x = graph.add(new Value("x", tensorType("float32", ["batch", 3, side, side])));
  graph.inputs.push(x);
  const ints = (name: string, values: readonly number[]) =>
    graph.addConstant(name, Tensor.int64([values.length], values));
  const node = (opType: string, name: string, inputs: Value[], attributes = {}) =>
    graph.append({ opType, name, inputs, outputs: [name], attributes }).output;
  const kernel = { kind: "ints" as const, value: [8, 8] };
  const means = node("AveragePool", "means", [x], { kernel_shape: kernel, strides: kernel });
  const rows = node("Reshape", "rows", [means, ints("shape", [0, 3, 64])]);
  const two = node("Slice", "two", [rows, ints("from", [0]), ints("to", [2]), ints("axis", [1])]);
  const scores = node("Pad", "scores", [two, ints("pads", [0, 0, 0, 0, 0, cells - 64])]);
  const one = node("Slice", "one", [scores, ints("first", [0]), ints("last", [1]), ints("along", [1])]);
  const zero = graph.addConstant("zero", Tensor.float32([1], [0]));
  const edges = [0, 1, 2, 3].flatMap((number) =>
    Array.from({ length: cells }, (_, cell) =>
      number === 0 ? (cell % 8) * 8 + 4 : number === 1 ? Math.floor(cell / 8) * 8 + 4 : 8,
    ),
  );
  const boxes = node("Add", "boxes", [
    node("Mul", "nothing", [one, zero]),
    graph.addConstant("cells", Tensor.float32([1, 4, cells], edges)),
  ]);
  graph.outputs.push(node("Concat", "output0", [boxes, scores], { axis: { kind: "int", value: 1 } }));
  inferShapes(model);
  return encodeModel(model);
}

const metadata = {
  task: "detect",
  stride: "32",
  imgsz: "[64, 64]",
  names: "{0: 'red', 1: \"driver's green\"}",
};

/** 128 x 64, black; a square of 16 x 16 in a colour, which is one cell in the tensor. */
function scene(column: number, row: number, channel: number): RawImage {
  const data = new Uint8Array(128 * 64 * 3);
  for (let y = row; y < row + 16; y++) {
    for (let x = column; x < column + 16; x++) data[(y * 128 + x) * 3 + channel] = 255;
  }
  return { kind: "raw", width: 128, height: 64, channels: 3, data };
}

const scenes = [scene(32, 16, 0), scene(96, 0, 1)];
const source: ImageSource = {
  kind: "synthetic",
  location: "scenes",
  length: scenes.length,
  classes: null,
  labelled: false,
  id: (index) => `scene ${index}`,
  label: () => null,
  image: async (index) => scenes[index]!,
};

suite("a detector that ultralytics wrote", () => {
  test("is fed and read as its metadata says; its boxes are in pixels of the image", async () => {
    await using predictor = await openPredictor(colourDetector(metadata), { threads: 1 });
    assert.ok(predictor.taskName === "detection");
    assert.match(predictor.form ?? "", /YOLO v8/);
    assert.deepEqual(predictor.classes, ["red", "driver's green"]);
    assert.deepEqual(predictor.origin, { task: "guessed", preprocessing: "metadata", classes: "metadata" });
    const { resize, pad, interpolation, scale, mean, std } = predictor.preprocessing;
    assert.deepEqual(
      { resize, pad, interpolation, scale, mean, std },
      {
        resize: { kind: "letter-box" },
        pad: { value: 114, side: "both" },
        interpolation: "linear",
        scale: 1 / 255,
        mean: [0, 0, 0],
        std: [1, 1, 1],
      },
    );
    const found = [];
    // The padding is grey 114: red and green at 0.447 there, outside of the image and so no boxes.
    for await (const { prediction } of predictor.predict(source)) found.push(toldBoxes(prediction));
    assert.deepEqual(
      found.map((boxes) =>
        boxes.map(({ className, left, top, right, bottom }) => [className, left, top, right, bottom]),
      ),
      [[["red", 32, 16, 48, 32]], [["driver's green", 96, 0, 112, 16]]],
    );
    assert.ok(found.flat().every(({ score }) => score > 0.75));

    const alone = await predictor.evaluate(source);
    assert.equal(alone.precision, null);
    const agreement = predictor.task.compare(alone, alone);
    assert.equal(agreement.agreement.f1, 1);
    assert.equal(agreement.difference, null);

    const folder = await mkdtemp(join(tmpdir(), "cupel-detection-"));
    try {
      for (const [i, image] of scenes.entries()) {
        await writeFile(join(folder, `${i}.png`), await drawBoxes(image, [], `${i}`));
      }
      await writeFile(join(folder, "data.yaml"), 'names: ["driver\'s green", red]');
      // Right of the first, half a box too far to the right of the second: an overlap of a third.
      await writeFile(join(folder, "0.txt"), "1 0.3125 0.375 0.125 0.25");
      await writeFile(join(folder, "1.txt"), "0 0.875 0.125 0.125 0.25");
      const images = await openImages(folder);
      const measured = await predictor.evaluate(images);
      assert.equal(measured.labelsBy, "name");
      assert.deepEqual([measured.precision?.ap50, measured.precision?.byClass.get(0)?.ap], [0.5, 1]);
      const [map] = predictor.task.figures(measured);
      assert.deepEqual([map?.name, map?.value, map?.of], ["mAP 0.5:0.95", 0.5, "2 boxes in 2 images"]);
      const same = predictor.task.compare(measured, measured).difference;
      assert.deepEqual([same?.value, same?.low, same?.high], [0, 0, 0]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
