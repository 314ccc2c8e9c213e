/** What a report advises for one layer, pasted into the command line that made it; and slips in writing it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { encodeModelBytes, readModelFile, Tensor } from "@cupel/onnx";
import { classifier, cupel, prepared, type Scratch, scratch } from "./harness.ts";

/** A name that a shell would take apart. */
const denseName = "dense $1's";

/**
 * Every second filter of conv2 is its neighbour but for less than 8 bits can tell, and the dense layer reads the
 * difference alone: rounded, nothing of it is left.
 */
function cancellingModel(): Uint8Array {
  const model = classifier();
  const { graph } = model;
  const find = (name: string) => [...graph.nodes].find((node) => node.name === name)!;
  const filters = find("conv2").input(1)!;
  const { dims } = filters.constant!;
  const weights = filters.constant!.toFloat32();
  const size = weights.length / dims[0]!;
  const pairs = weights.map((value, i) =>
    Math.floor(i / size) % 2 === 1 ? weights[i - size]! * 1.0002 : value,
  );
  graph.setConstant(filters, Tensor.float32(dims, pairs));
  const dense = find("dense");
  dense.name = denseName;
  const rows = dense.input(1)!;
  const scores = rows.constant!.toFloat32().map((_, i) => (i % 2 === 0 ? 1 : -1) * (1 + Math.floor(i / 8)));
  graph.setConstant(rows, Tensor.float32(rows.constant!.dims, scores));
  return encodeModelBytes(model);
}

async function compressed(folder: Scratch, words: readonly string[]) {
  const { images } = await prepared(folder);
  const model = await folder.write("cancelling.onnx", cancellingModel());
  const out = folder.at("small.onnx");
  const told = await cupel("compress", model, "--images", images, "-o", out, "--floor", "0", ...words);
  assert.equal(told.status, 0, told.err);
  return JSON.parse(await readFile(folder.at("small.report.json"), "utf8"));
}

test("the option that a report advises keeps the layer in float when it is pasted", async () => {
  await using folder = await scratch();
  const before = await compressed(folder, []);
  const advised = /in float: add (--override.*) to cupel compress\./.exec(
    before.firstBadLayer?.sentence,
  )?.[1];
  assert.ok(advised, before.firstBadLayer?.sentence);
  const words = execFileSync("bash", ["-c", `printf '%s\\0' ${advised}`], { encoding: "utf8" });
  const after = await compressed(folder, words.split("\0").slice(0, -1));
  const bitsOf = (report: typeof before) =>
    report.layers.find((layer: { name: string }) => layer.name === "scores").weightBits;
  assert.deepEqual([bitsOf(before), bitsOf(after)], [8, 32]);
});

test("several layers, by node or weight, over those of a recipe", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const recipe = await folder.write(
    "recipe.json",
    '{"stages":[{"stage":"clean"},{"stage":"calibrate"},{"stage":"quantise","overrides":{"conv1":4,"dense":4}}]}',
  );
  const told = await cupel(
    ...["compress", model, "--images", images, "-o", folder.at("s.onnx"), "--recipe", recipe, "--json"],
    ...["--override", "conv1=float", "--override", "conv2.weight=6", "--rounding", "gptq"],
  );
  assert.equal(told.status, 0, told.err);
  const report = JSON.parse(await readFile(folder.at("s.report.json"), "utf8"));
  const bits = report.layers.map((layer: { weightBits: number | null }) => layer.weightBits);
  assert.deepEqual(
    bits.filter((each: number | null) => each !== null),
    [32, 6, 4],
  );
  const { overrides, rounding } = report.recipe.stages.at(-1);
  assert.equal(rounding, "gptq");
  assert.deepEqual(overrides, { conv1: "float", dense: 4, "conv2.weight": 6 });
});

test("a share of the channels is kept, and what is left is trained where images to train with are given", {
  skip: process.env.CUPEL_LONG_TESTS ? false : "demo.test.ts prunes too: set CUPEL_LONG_TESTS",
}, async () => {
  await using folder = await scratch();
  const { images } = await prepared(folder);
  const model = await folder.write("wide.onnx", encodeModelBytes(classifier({ filters: 32 })));
  for (const trains of [false, true]) {
    const out = folder.at("kept.onnx");
    const told = await cupel(
      ...["compress", model, "--images", images, "-o", out, "--keep-channels", "0.5", "--floor", "none"],
      ...["--no-report", "--json", ...(trains ? ["--train-images", images] : [])],
    );
    assert.equal(told.status, 0, told.err);
    const { channels, kept, groups, fineTuning } = JSON.parse(told.out).pruned;
    assert.deepEqual([channels, kept, fineTuning !== null], [64, 32, trains]);
    const { graph } = await readModelFile(out);
    const widths = [...graph.initializers].flatMap(({ constant }) =>
      constant?.type === "int8" && constant.dims.length === 4 ? [constant.dims[0]] : [],
    );
    assert.deepEqual(
      widths,
      groups.map((group: { kept: number }) => group.kept),
    );
    assert.match(told.err, /Removed 32 of 64 channels/);
  }
});

test("a layer that does not exist is refused with the one that was meant, and so are other slips", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const line = ["compress", model, "--images", images, "-o", folder.at("s.onnx")];
  const rows: readonly (readonly [words: readonly string[], said: RegExp])[] = [
    [["--override", "conv11=8"], /RECIPE_INVALID: .*"conv11".*Did you mean "conv1"\?.*conv1, conv2, dense/],
    [["--override", "CONV1=8"], /RECIPE_INVALID: .*Its layers: conv1, conv2, dense/],
    [["--override", "__proto__=8"], /RECIPE_INVALID: .*"__proto__"/],
    [["--rounding", "up"], /OPTION_INVALID: --rounding must be one of nearest, gptq, reconstruct, auto/],
    [["--rounding", "gptq", "--bits", "16"], /OPTION_INVALID: --rounding is of no use with 16 bits/],
    [["--keep-channels", "0"], /OPTION_INVALID: --keep-channels must be a share above 0, at most 1/],
    [["--keep-channels", "1.5"], /OPTION_INVALID: --keep-channels must be a share above 0, at most 1/],
    [["--override", "conv1=7"], /OPTION_INVALID: --override must be .*not "conv1=7"/],
    [["--override", "conv1"], /OPTION_INVALID: --override must be .*such as conv1=8/],
    [["--override", "=8"], /OPTION_INVALID/],
    [["--override"], /OPTION_INVALID: --override needs a value/],
    [
      ["--override", "conv1=8", "--override", "conv1=4"],
      /OPTION_INVALID: --override is given twice for the layer "conv1"/,
    ],
  ];
  for (const [words, said] of rows) {
    const told = await cupel(...line, ...words);
    assert.deepEqual([told.status, told.out], [64, ""], words.join(" "));
    assert.match(told.err, said);
  }
});
