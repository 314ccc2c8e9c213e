/** Weights of 16 bits: half of the file, float32 in the engine, and no image is needed. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  encodeModel,
  encodeModelBytes,
  type Model,
  readModelFile,
  Tensor,
  tensorType,
  writeModelFile,
} from "@cupel/onnx";
import { preprocessingFromMetadata } from "@cupel/predict";
import { optimisedGraph } from "@cupel/runtime";
import { type CompressionFact, compress, compressFile, defaultRecipe, parseRecipe } from "../src/index.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";
import { refused } from "./support/refused.ts";
import { feed, operators, outputs } from "./support/run.ts";

const half = defaultRecipe(16);
const options = { images: noiseImages(2), preprocessing: plain(), recipe: half, threads: 1 };

/** Conv -> Relu -> flattened -> Gemm, with as many weights as it takes to store them. */
function network(scale = 1): Model {
  const net = new Network(["N", 3, 8, 8]);
  const w1 = net.constant("w1", [16, 3, 3, 3], 0.2);
  const w2 = net.constant("w2", [1024, 4], 0.05 * scale);
  const conv = net.node("Conv", "c", [net.x, w1], { pads: [1, 1, 1, 1] });
  const flat = net.node("Flatten", "f", [net.node("Relu", "r", [conv])]);
  return net.done(net.node("MatMul", "scores", [flat, w2]));
}

let folder = "";
const at = (name: string) => join(folder, name);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cupel-half-"));
  await writeModelFile(network(), at("float.onnx"));
});
after(() => rm(folder, { recursive: true, force: true }));

describe("16 bits", () => {
  test("the engine runs the same nodes as for the float model, and no Cast", async () => {
    const { model, calibration, layers } = await compress(network(), options);
    assert.equal(calibration, null);
    assert.deepEqual(
      layers.map(({ name, weight, bits, bytes }) => [name, weight, bits, bytes]),
      [
        ["c", "w1", 16, 2 * 16 * 27],
        ["scores", "w2", 16, 2 * 4096],
      ],
    );
    assert.deepEqual(operators(model).filter((each) => each === "Cast").length, 2);
    const nodes = async (of: Model) => operators(await optimisedGraph(encodeModel(of))).sort();
    assert.deepEqual(await nodes(model), await nodes(network()));
    assert.ok(encodeModelBytes(model).length < 0.55 * encodeModelBytes(network()).length);
  });

  test("each weight is the nearest float16", async () => {
    const { model } = await compress(network(), options);
    const stored = [...model.graph.initializers].find(({ constant }) => constant?.dims[0] === 1024)!;
    const [given] = [...network().graph.initializers].filter(({ name }) => name === "w2");
    assert.equal(stored.constant!.type, "float16");
    const expected = Float16Array.from(given!.constant!.toFloat32());
    assert.deepEqual(Array.from(stored.constant!.toFloat32()), Array.from(expected));
  });

  for (const scale of [1e8, 1e-6]) {
    test(`what float16 does not hold stays as it is, and is said: times ${scale}`, async () => {
      const { model, layers, notes } = await compress(network(scale), options);
      assert.deepEqual(
        layers.map(({ weight }) => weight),
        ["w1"],
      );
      assert.match(notes.join("; "), /float16 does not hold the values of w2 well enough/);
      const [x] = [feed([2, 3, 8, 8])];
      const [[a], [b]] = [await outputs(network(scale), x), await outputs(model, x)];
      for (const [i, value] of b!.entries())
        assert.ok(Math.abs(value - a![i]!) < 2e-3 * Math.max(...a!.map(Math.abs)));
    });
  }

  test("a layer that is to stay in float does, by the name of its weight", async () => {
    const recipe = parseRecipe(
      { stages: [{ stage: "quantise", bits: 16, overrides: { w1: "float" } }] },
      "r",
    );
    const { layers } = await compress(network(), { ...options, recipe });
    assert.deepEqual(
      layers.map(({ weight }) => weight),
      ["w2"],
    );
  });

  test("what it leaves nothing to do for is refused", async () => {
    const quantise = { stage: "quantise", bits: 16 };
    const recipes: readonly [unknown, RegExp][] = [
      [{ stages: [{ stage: "clean" }, { stage: "calibrate" }, quantise] }, /leave out the stage "calibrate"/],
      [{ stages: [{ ...quantise, blockSize: 32 }] }, /no use for "blockSize"/],
      [{ stages: [{ ...quantise, overrides: { w1: 4 } }] }, /overrides are "float"/],
      [{ stages: [quantise], target: { maxBytes: 10 } }, /needs widths to choose from/],
    ];
    for (const [recipe, message] of recipes) {
      assert.throws(() => parseRecipe(recipe, "r"), { code: "RECIPE_INVALID", message });
    }
    parseRecipe({ stages: [{ stage: "clean" }, quantise] }, "r");
  });
});

describe("without images", () => {
  test("the file is compared on random images, is not measured, and gets no guess of its preprocessing", async () => {
    const result = await compressFile(at("float.onnx"), { out: at("half.onnx"), recipe: half, threads: 1 });
    assert.equal(result.report, null);
    assert.deepEqual([result.check.random, result.check.images], [true, 16]);
    assert.ok(result.bytes.compressed < 0.55 * result.bytes.original);
    const { metadata } = await readModelFile(at("half.onnx"));
    assert.equal(preprocessingFromMetadata(metadata), null);
  });

  test("with images there is a report, of nothing calibrated", async () => {
    const { report, check } = await compressFile(at("float.onnx"), {
      out: at("seen.onnx"),
      images: noiseImages(4),
      preprocessing: plain(),
      recipe: half,
      threads: 1,
    });
    assert.equal(check.random, false);
    assert.equal(report?.calibration, null);
    assert.deepEqual(
      report.layers.filter(({ parameters }) => parameters > 0).map(({ weightForm }) => weightForm),
      ["FP16", "FP16"],
    );
  });

  test("a model whose weights have 16 bits already has nothing to gain, and that is said", async () => {
    const first = at("first.onnx");
    const told = async (path: string, out: string) => {
      const notes: string[] = [];
      const onFact = (fact: CompressionFact) => fact.kind === "note" && notes.push(fact.sentence);
      await compressFile(path, { out, recipe: half, threads: 1, onFact });
      return notes.join(" ");
    };
    assert.doesNotMatch(await told(at("float.onnx"), first), /nothing to gain/);
    const again = await told(first, at("again.onnx"));
    assert.match(
      again,
      /nothing to gain: the original has [\d.]+ kB, and the file that was written [\d.]+ kB/,
    );
  });

  test("a model that computes in bfloat16 is refused by name", async () => {
    const model = network();
    const { graph } = model;
    for (const value of [...graph.initializers]) {
      const { dims } = value.constant!;
      const bits = Uint16Array.from(
        new Uint32Array(value.constant!.toFloat32().slice().buffer),
        (word) => word >>> 16,
      );
      graph.setConstant(value, Tensor.fromBytes("bfloat16", dims, new Uint8Array(bits.buffer)));
    }
    for (const value of graph.values()) value.type = null;
    graph.inputs[0]!.type = tensorType("bfloat16", ["N", 3, 8, 8]);
    graph.outputs[0]!.type = tensorType("bfloat16", ["N", 4]);
    await writeModelFile(model, at("bfloat16.onnx"));
    const out = at("refused.onnx");
    await refused(
      () => compressFile(at("bfloat16.onnx"), { out, recipe: half }),
      "BFLOAT16_UNSUPPORTED",
      /"c"/,
    );
  });

  test("any other recipe needs them", async () => {
    await refused(() => compressFile(at("float.onnx"), { out: at("small.onnx") }), "IMAGES_NEEDED");
  });

  test("the floor holds on random images too", async () => {
    // More than all of them: a floor that nothing meets.
    const floor = { samePrediction: 1.1, sqnrDb: 3 };
    const out = at("refused.onnx");
    await refused(
      () => compressFile(at("float.onnx"), { out, recipe: half, floor, threads: 1 }),
      "FLOOR_MISSED",
      /not trained.*--floor none/,
    );
  });
});
