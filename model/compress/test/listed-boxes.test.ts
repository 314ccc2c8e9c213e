/** Detectors that give a list, sorted by score: rows change places with every rounding, the boxes stay. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Model, Tensor, writeModelFile } from "@cupel/onnx";
import { declaredOutputs, type RecordedOutputs, tasks } from "@cupel/predict";
import type { ImageBatch } from "@cupel/vision";
import { type CompressFileOptions, compressFile, type OutputFigure } from "../src/index.ts";
import { figuresOf } from "../src/written/floor.ts";
import { listReader } from "../src/written/listed-boxes.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";

const cells = 64;

/** A pixel each: a score from a convolution, and a row (two corners, score, class) in the order of the scores. */
function listingDetector(): Model {
  const net = new Network(["N", 3, 8, 8], 3, 17);
  const hidden = net.relu(net.conv("conv", net.x, 3, 8));
  const score = net.node("Sigmoid", "score", [net.conv("last", hidden, 8, 1, { kernel: 1 })]);
  const scores = net.node("Reshape", "scores", [score, net.integers("flat", [-1, cells])]);
  const [sorted, places] = net.model.graph.append({
    opType: "TopK",
    name: "sort",
    inputs: [scores, net.integers("k", [cells])],
    outputs: ["sorted", "places"],
  }).outputs;
  const corners = Array.from({ length: cells }, (_, i) => [i % 8, i >> 3, (i % 8) + 1, (i >> 3) + 1]).flat();
  const table = net.model.graph.addConstant("corners", Tensor.float32([cells, 4], corners));
  const boxes = net.node("Gather", "boxes", [table, places!]);
  const column = net.node("Unsqueeze", "column", [sorted!, net.integers("last axis", [2])]);
  const classes = net.node("Mul", "classes", [column, net.scalar("zero", 0)]);
  return net.done(net.node("Concat", "rows", [boxes, column, classes], { axis: 2 }));
}

async function compressed(
  model: Model,
  options: Partial<CompressFileOptions> = {},
): Promise<readonly OutputFigure[]> {
  const folder = await mkdtemp(join(tmpdir(), "cupel-listed-"));
  try {
    const path = join(folder, "detector.onnx");
    await writeModelFile(model, path);
    const { check } = await compressFile(path, {
      out: join(folder, "small.onnx"),
      images: noiseImages(24),
      preprocessing: "preset=raw,resize=none,crop=8,scale=1/255",
      report: false,
      threads: 1,
      ...options,
    });
    return check.outputs;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("a list is compared box by box, though its rows change places", async () => {
  const [boxes, ...others] = await compressed(listingDetector());
  assert.deepEqual(others, []);
  assert.equal(boxes!.output, "rows");
  assert.equal(boxes!.measure, "sameBoxes");
  assert.ok(boxes!.value! > 0.95, `${boxes!.value}`);
  // Taken for plain numbers, the same file is far from the original.
  const [numbers] = await compressed(listingDetector(), { taskName: "features", floor: null });
  assert.equal(numbers!.measure, "sqnrDb");
  assert.ok(numbers!.value! < 20, `${numbers!.value}`);
});

test("a box that is lost, one of another class and one that is new count, and no boxes tell nothing", () => {
  const model = listingDetector();
  const reader = listReader(tasks.detection, model, { classes: null, preprocessing: plain() })!;
  const image: ImageBatch = {
    indices: [0],
    labels: [null],
    sizes: [{ width: 8, height: 8 }],
    data: new Float32Array(),
    dims: [1, 3, 8, 8],
  };
  const listing = (...rows: number[][]): RecordedOutputs => ({
    inputs: [],
    outputs: declaredOutputs(model),
    runs: [{ rows: { type: "float32", dims: [1, rows.length, 6], data: Float32Array.from(rows.flat()) } }],
  });
  const value = (a: RecordedOutputs, b: RecordedOutputs) =>
    figuresOf(a, b, [image], { areClasses: false, boxes: reader })[0]!.value;
  const [first, second, third] = [
    [0, 0, 2, 4, 0.9, 0],
    [2, 0, 4, 4, 0.8, 0],
    [4, 0, 8, 4, 0.7, 1],
  ];
  const whole = listing(first, second, third);
  assert.equal(value(whole, listing(third, first, second)), 1);
  assert.equal(value(whole, listing(first, second)), (2 * 2) / (3 + 2));
  assert.equal(value(whole, listing(first, second, third.with(5, 0))), 2 / 3);
  assert.equal(value(listing(first.with(4, 0.1)), whole), 0);
  assert.equal(value(listing(first.with(4, 0.1)), listing(second.with(4, 0.1))), null);
});
