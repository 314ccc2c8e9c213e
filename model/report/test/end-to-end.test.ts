/** The report of real files: written, loaded by the engine, measured. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type CompressResult, compress, defaultRecipe, parseRecipe } from "@cupel/compress";
import {
  cloneModel,
  encodeModelBytes,
  inferShapes,
  type Model,
  readModelFile,
  Tensor,
  writeModelFile,
} from "@cupel/onnx";
import { addTaps, fusionReport } from "@cupel/runtime";
import { preprocessingFor, syntheticInspection } from "@cupel/vision";
import { Check, Errors } from "typebox/value";
import { isSlower, slowdownOf } from "../src/judge/slowdown.ts";
import { type MakeReportOptions, makeReport } from "../src/make-report.ts";
import { matchLayers } from "../src/match/match-layers.ts";
import { latencyOf, operatorTimesOf } from "../src/measure/cost.ts";
import { type CompressionReport, reportSchema } from "../src/report-schema.ts";
import { conversionsOnly } from "./conversions-only.ts";
import { residualNetwork } from "./residual-network.ts";

const preprocessing = preprocessingFor(["N", 1, 64, 64]);
const images = syntheticInspection({ count: 70, seed: 3 });

/** So small a network is left in float, where it is faster. */
const stages = defaultRecipe(8).stages.map((stage) =>
  stage.stage === "quantise" ? { ...stage, kernels: "wherever-possible" } : stage,
);
const onIntegers = parseRecipe({ stages }, "the recipe");

let folder = "";
let originalPath = "";
let result: CompressResult;
let quantised: Model;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cupel-report-"));
  originalPath = join(folder, "original.onnx");
  const model = residualNetwork();
  await writeModelFile(model, originalPath);
  result = await compress(model, { images, preprocessing, recipe: onIntegers, threads: 1 });
  quantised = result.model;
});
after(() => rm(folder, { recursive: true, force: true }));

async function reportOf(
  compressed: Model,
  { compression = result, signal }: Partial<Pick<MakeReportOptions, "compression" | "signal">> = {},
): Promise<CompressionReport> {
  const compressedPath = join(folder, "compressed.onnx");
  // With weights in a file of their own, where it is not the original.
  const form = compressed === quantised ? { externalData: { minBytes: 64 } } : {};
  await writeModelFile(compressed, compressedPath, form);
  return makeReport({
    originalPath,
    compressedPath,
    images,
    preprocessing,
    compression,
    seed: 5,
    threads: 2,
    comparedImages: 20,
    signal,
    clock: { now: () => Date.UTC(2026, 0, 2), monotonic: () => 0 },
  });
}

describe("report of a quantised model", () => {
  let report: CompressionReport;
  before(async () => {
    report = await reportOf(quantised);
  });

  test("what is written as JSON is what the schema says", () => {
    const written: unknown = JSON.parse(JSON.stringify(report));
    assert.deepEqual(Errors(reportSchema, written), []);
    assert.ok(!Check(reportSchema, { ...report, seed: "5" }));
    assert.ok(!Check(reportSchema, { ...report, extra: 1 }));
  });

  test("layers are those of the original, with small errors", () => {
    assert.deepEqual(
      report.layers.map(({ name, operator, shape, weightBits }) => [name, operator, shape, weightBits]),
      [
        ["relu0_out", "Conv + BatchNormalization + Relu", [8, 32, 32], 8],
        ["pool0_out", "MaxPool", [8, 16, 16], null],
        ["relu1_out", "Conv + BatchNormalization + Relu", [8, 16, 16], 8],
        ["norm2_out", "Conv + BatchNormalization", [8, 16, 16], 8],
        ["relu2_out", "Add + Relu", [8, 16, 16], null],
        ["mean_out", "GlobalAveragePool", [8, 1, 1], null],
        ["scores", "Gemm", [7], 8],
      ],
    );
    for (const layer of report.layers) {
      assert.ok(layer.sqnrDb > 20 && layer.sqnrDb < 80, `${layer.name}: ${layer.sqnrDb} dB`);
      assert.ok(layer.cosine > 0.99);
      assert.equal(layer.channelError.length, layer.shape[0]);
    }
    assert.equal(report.firstBadLayer, null);
  });

  test("bytes of the layers add up to the weights of the files", async () => {
    for (const side of ["original", "compressed"] as const) {
      const model = await readModelFile(join(folder, report[side].file));
      const all = [...model.graph.initializers].reduce((sum, value) => sum + value.constant!.byteLength, 0);
      const told = report.layers.reduce((sum, layer) => sum + layer.bytes[side], 0);
      assert.equal(told, all);
      assert.ok(report[side].bytes > all);
    }
    const { parameters } = report.layers[0]!;
    assert.equal(parameters, 72 + 32);
    // Folding turns 4 x 8 statistics into 8 biases, three times; over blocks, 9 taps become 16 with zeros, 8 times.
    assert.equal(report.original.parameters - report.compressed.parameters, 3 * 24 - 8 * (16 - 9));
  });

  test("files, environment, notes and time are told", async () => {
    assert.match(report.original.sha256, /^[0-9a-f]{64}$/);
    assert.notEqual(report.original.sha256, report.compressed.sha256);
    assert.equal(report.original.files, undefined);
    for (const { memoryPlan, bytes } of [report.original, report.compressed]) {
      assert.ok(memoryPlan && memoryPlan.storedBytes < bytes && memoryPlan.unsized.length === 0);
      const held = memoryPlan.nodes.map(({ heldBytes }) => heldBytes);
      assert.equal(Math.max(...held), memoryPlan.activationBytes);
      const made = memoryPlan.values?.map(({ madeAt }) => madeAt) ?? [];
      assert.deepEqual([...new Set(made)], [...held.keys()], "every node makes something");
      assert.ok(memoryPlan.values?.some((value) => value.in !== null));
    }
    const { files = [], sha256 } = report.compressed;
    assert.deepEqual(
      files.map(({ file }) => file.replace(/\.\w{12}\./, ".DIGEST.")),
      ["compressed.onnx", "compressed.DIGEST.data"],
    );
    const lines = files.map((each) => `${each.sha256}  ${each.file}\n`).join("");
    assert.equal(sha256, createHash("sha256").update(lines).digest("hex"));
    for (const { file, sha256: own } of files) {
      assert.equal(
        own,
        createHash("sha256")
          .update(await readFile(join(folder, file)))
          .digest("hex"),
      );
    }
    assert.match(report.environment.engine, /^onnxruntime-node \d/);
    assert.equal(report.createdAt, "2026-01-02T00:00:00.000Z");
    assert.ok(report.notes.some((note) => note.includes("20 of the 70 images")));
    assert.ok(report.original.latency.medianMs > 0 && report.compressed.latency.p90Ms > 0);
    assert.equal(report.fusion.fused, 3);
  });

  test("whether it is slower is told by the interval of the ratio of times, with what costs it", () => {
    const { timeRatio, slowdown } = report;
    assert.ok(timeRatio.low <= timeRatio.value && timeRatio.value <= timeRatio.high);
    assert.equal(slowdown !== null, timeRatio.low > 1.03);
    for (const { operator } of slowdown?.operators ?? []) assert.ok(slowdown!.sentence.includes(operator));
  });

  test("time shares are known for the convolutions of both models and never exceed the whole", () => {
    for (const side of ["original", "compressed"] as const) {
      const shares = report.layers.map((layer) => layer.timeShare[side]);
      assert.ok([0, 2, 3].every((index) => (shares[index] ?? 0) > 0));
      const total = shares.reduce<number>((sum, share) => sum + (share ?? 0), 0);
      assert.ok(total > 0.3 && total <= 1 + 1e-9, `${total}`);
    }
  });

  test("maps are of the sampled images and of the layers that are images", () => {
    assert.equal(report.spatial.images.length, 6);
    assert.equal(new Set(report.spatial.images.map(({ id }) => id)).size, 6);
    const first = report.spatial.layers[0]!;
    assert.deepEqual([first.layer, first.width, first.height, first.maps.length], ["relu0_out", 32, 32, 6]);
    assert.ok(first.maps.every((map) => map.length === 32 * 32));
    assert.ok(!report.spatial.layers.some(({ layer }) => layer === "scores"));
  });

  test("changed images are shown with both predictions", () => {
    assert.equal(report.changed.shown.length, Math.min(60, report.changed.count));
    assert.ok(
      Math.abs(report.agreement!.value - (1 - report.changed.count / 70)) < 1e-12,
      `${report.agreement!.value} is not ${1 - report.changed.count / 70}`,
    );
    for (const { thumbnail, original, compressed } of report.changed.shown) {
      assert.match(thumbnail, /^data:image\/png;base64,/);
      assert.notEqual(original.prediction, compressed.prediction);
      assert.ok(original.probability > 1 / 7 && original.probability <= 1);
    }
  });
});

test("a pruned model is compared layer by layer, by what is left of each, and the report says what was removed", async () => {
  const withPruning = parseRecipe(
    {
      stages: [
        { stage: "clean" },
        { stage: "prune", keep: 0.5, multipleOf: 4, importance: "norm", rounds: 1 },
        ...stages.filter(({ stage }) => stage !== "clean"),
      ],
    },
    "the recipe",
  );
  const options = { images, preprocessing, recipe: withPruning, threads: 1 };
  const pruned = await compress(residualNetwork(), options);
  const report = await reportOf(pruned.model, { compression: pruned });
  assert.deepEqual(Errors(reportSchema, JSON.parse(JSON.stringify(report))), []);
  assert.deepEqual(
    report.layers.map(({ name, shape }) => [name, shape]),
    [
      ["relu0_out", [8, 32, 32]],
      ["pool0_out", [8, 16, 16]],
      ["relu1_out", [8, 16, 16]],
      ["norm2_out", [8, 16, 16]],
      ["relu2_out", [8, 16, 16]],
      ["mean_out", [8, 1, 1]],
      ["scores", [7]],
    ],
  );
  const gone = report.layers.map(({ channelError }) => channelError.filter(Number.isNaN).length);
  // The shortcut holds stem and block together; each group keeps 4 of its 8.
  assert.deepEqual(gone, [4, 4, 4, 4, 4, 4, 0]);
  assert.deepEqual(report.stages, {
    pruned: pruned.pruned,
    rounding: [],
    retrained: null,
    gates: null,
    exit: null,
  });
  assert.deepEqual([report.stages?.pruned?.channels, report.stages?.pruned?.kept], [16, 8]);
  for (const { sqnrDb } of report.layers) assert.ok(Number.isFinite(sqnrDb));
});

test("a network put on integers where that is slower is told slower, and conversions are what costs it", async () => {
  const at = (name: string) => join(folder, name);
  const model = conversionsOnly();
  await writeModelFile(model, at("slow.onnx"));
  const few = syntheticInspection({ count: 4, seed: 3 });
  const { model: slower } = await compress(model, {
    images: few,
    preprocessing,
    recipe: onIntegers,
    threads: 1,
  });
  await writeModelFile(slower, at("slower.onnx"));
  const paths = { original: at("slow.onnx"), compressed: at("slower.onnx") };
  const forms = { original: {}, compressed: {} };
  const { timeRatio } = await latencyOf(paths, forms, null, { threads: 1 });
  assert.ok(isSlower(timeRatio), `${timeRatio.value}, from ${timeRatio.low}`);
  const { operators } = slowdownOf(timeRatio, await operatorTimesOf(paths, forms, { threads: 1 }));
  const named = operators.map(({ operator }) => operator);
  assert.ok(named.includes("QuantizeLinear") || named.includes("DequantizeLinear"), named.join());
});

test("a model compared with itself has no error, no change and no difference", async () => {
  const report = await reportOf(residualNetwork(), { compression: null });
  for (const layer of report.layers) {
    assert.deepEqual(layer.relativeError, { mean: 0, peak: 0, std: 0 }, layer.name);
    assert.equal(layer.sqnrDb, Number.POSITIVE_INFINITY);
    assert.ok(Math.abs(layer.cosine - 1) < 1e-12, `${layer.cosine} is not 1`);
    assert.deepEqual(layer.range.original, layer.range.compressed);
    assert.ok(
      layer.histogram?.original.some((values) => values > 0),
      layer.name,
    );
    assert.deepEqual(layer.histogram?.original, layer.histogram?.compressed);
    assert.equal(layer.bytes.original, layer.bytes.compressed);
  }
  assert.ok(report.spatial.layers.every(({ maps }) => maps.flat().every((value) => value === 0)));
  assert.deepEqual(report.accuracy?.difference, { value: 0, low: 0, high: 0 });
  assert.deepEqual(report.accuracy.top1.original, report.accuracy.top1.compressed);
  assert.deepEqual([report.agreement?.value, report.changed.count, report.firstBadLayer], [1, 0, null]);
  assert.equal(report.original.sha256, report.compressed.sha256);
  assert.deepEqual([report.recipe, report.calibration, report.tradeOff], [null, null, []]);
  // An SQNR without end is null in the file.
  assert.deepEqual(Errors(reportSchema, JSON.parse(JSON.stringify(report))), []);
});

test("the layer whose weights were ruined is the one named, with the option that mends it", async () => {
  const ruined = cloneModel(quantised);
  const conv = [...ruined.graph.nodes].find(({ name }) => name === "conv1")!;
  const scale = conv.input(1)!.producer!.input(1)!;
  const wrong = scale.constant!.toFloat32().map((value, channel) => (channel % 2 === 0 ? -value : value));
  ruined.graph.setConstant(scale, Tensor.float32(scale.constant!.dims, wrong));
  const { firstBadLayer } = await reportOf(ruined);
  assert.equal(firstBadLayer?.layer, "relu1_out");
  assert.match(firstBadLayer.sentence, /"relu1_out" \(Conv \+ BatchNormalization \+ Relu, 8-bit weights\)/);
  assert.match(firstBadLayer.sentence, / --override conv1=float /);
});

test("taps leave the integer kernels in place", async () => {
  const original = residualNetwork();
  inferShapes(original);
  const tapped = cloneModel(quantised);
  inferShapes(tapped);
  const layers = matchLayers(original.graph, tapped.graph, result.correspondence);
  assert.equal(layers.length, 7);
  addTaps(
    tapped,
    layers.map(({ counterpart }) => counterpart.name),
  );
  const [without, with_] = [
    await fusionReport(encodeModelBytes(quantised)),
    await fusionReport(encodeModelBytes(tapped)),
  ];
  assert.equal(without.convolutions.quantised, 3);
  assert.deepEqual(with_.convolutions, without.convolutions);
  assert.deepEqual(with_.matrixProducts, without.matrixProducts);
});

test("a cancelled report ends with CANCELLED", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(reportOf(quantised, { signal: controller.signal }), { code: "CANCELLED" });
});
