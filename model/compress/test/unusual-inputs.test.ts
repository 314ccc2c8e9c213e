/** Models whose inputs are unusual go the whole way: calibrated, written, verified and measured as they are fed. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Model, readModelFile, tensorType, Value, writeModelFile } from "@cupel/onnx";
import { type CompressFileOptions, compressFile } from "../src/index.ts";
import { pixels } from "./support/compressing.ts";
import { noiseImages } from "./support/images.ts";
import { Network } from "./support/network.ts";
import { run } from "./support/run.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cupel-inputs-"));
});
after(() => rm(folder, { recursive: true, force: true }));

async function compressed(name: string, model: Model, options: Partial<CompressFileOptions> = {}) {
  const [path, out] = [join(folder, `${name}.onnx`), join(folder, `${name}.int8.onnx`)];
  await writeModelFile(model, path);
  const notes: string[] = [];
  const result = await compressFile(path, {
    out,
    images: noiseImages(24),
    preprocessing: "preset=raw,resize=none,crop=8",
    report: false,
    threads: 1,
    onFact: (fact) => fact.kind === "note" && notes.push(fact.sentence),
    ...options,
  });
  return { ...result, notes: notes.join(" "), written: await readModelFile(out) };
}

/** Conv, ReLU, pooled scores of an input that `first` makes [N, 3, H, W] of float32. */
function classifier(shape: ConstructorParameters<typeof Network>[0], first?: (net: Network) => Value): Model {
  const net = new Network(shape, 5);
  return net.done(net.head(net.relu(net.conv("conv", first ? first(net) : net.x, 3, 8)), 8));
}

test("a model that is fed bytes is compressed, and still takes them", async () => {
  const model = classifier(["N", 8, 8, 3], (net) => {
    net.x.type = tensorType("uint8", net.x.shape);
    const floats = net.node("Cast", "floats", [net.x], { to: 1 });
    return net.node("Transpose", "planes", [floats], { perm: [0, 3, 1, 2] });
  });
  const { written, check } = await compressed("uint8", model, { preprocessing: undefined });
  assert.deepEqual(written.graph.inputs[0]!.type, tensorType("uint8", ["N", 8, 8, 3]));
  assert.ok(check.outputs[0]!.value! >= 0.9, `${check.outputs[0]!.value}`);
});

test("a model of one image without a batch is compressed one image at a time, and that is said", async () => {
  const model = classifier([3, 8, 8], (net) =>
    net.node("Unsqueeze", "batch", [net.x, net.integers("axis", [0])]),
  );
  const { notes, check } = await compressed("rank3", model);
  assert.match(notes, /without a batch/);
  assert.ok(check.outputs[0]!.value! >= 0.9);
});

test("a model that leaves its size open is measured at that of the preprocessing, and that is said", async () => {
  const net = new Network(["n", 3, "h", "w"], 5);
  const conv = net.relu(net.conv("conv", net.x, 3, 8));
  const pooled = net.node("MaxPool", "pool", [conv], { kernel_shape: [2, 2], strides: [2, 2] });
  const model = net.done(net.conv("map", pooled, 8, 2));
  const { report, notes } = await compressed("open", model, { report: true });
  assert.match(notes, /measured at \[1, 3, 8, 8\]/);
  assert.match(report!.notes.join(" "), /measured at \[1, 3, 8, 8\]/);
  assert.ok(report!.original.latency.medianMs > 0);
});

test("another input is fed in every run from calibration to the check of the written file", async () => {
  const model = classifier(["n", 3, 8, 8]);
  const factor = model.graph.add(new Value("factor", tensorType("float32", ["n", 1])));
  model.graph.inputs.push(factor);
  const [scores] = model.graph.outputs;
  const type = tensorType("float32", ["n", 4]);
  model.graph.outputs[0] = model.graph.append({ opType: "Mul", inputs: [scores!, factor], type }).output;
  const inputs = { factor: { type: "float32", dims: [1, 1], data: Float32Array.of(3) } } as const;
  const { written, check } = await compressed("two", model, { inputs });
  assert.deepEqual(
    written.graph.inputs.map(({ name }) => name),
    [written.graph.inputs[0]!.name, "factor"],
  );
  assert.ok(check.outputs[0]!.value! >= 0.9);
});

test("an output declared with two dimensions that has three is no row of scores, and that is said", async () => {
  const net = new Network([1, 3, 8, 8], 5);
  const map = net.node("Flatten", "rows", [net.relu(net.conv("conv", net.x, 3, 8))], { axis: 2 });
  const model = net.done(net.node("Unsqueeze", "y", [map, net.integers("axis", [1])]));
  model.graph.outputs[0]!.type = tensorType("float32", [1, "seqlen"]);
  const { notes, check } = await compressed("declared", model);
  assert.match(notes, /"y" as \[1, seqlen\]; it has the shape \[8, 1, 64\]/);
  assert.equal(check.outputs[0]!.measure, "sqnrDb");
});

test("nodes with the same name get others, which is said, and the file loads", async () => {
  const model = classifier(["N", 3, 8, 8]);
  for (const node of model.graph.nodes) node.name = "same";
  const { notes, written, check } = await compressed("names", model);
  assert.match(notes, /gave nodes with the name of another one of their own/);
  assert.ok(check.outputs[0]!.value! >= 0.9);
  const names = Array.from(written.graph.nodes, ({ name }) => name).filter((name) => name !== "");
  assert.equal(new Set(names).size, names.length);
});

test("a batch of 1 is opened: the file takes any number of images, and answers as the original does", async () => {
  const net = new Network([1, 3, 8, 8], 5);
  const map = net.relu(net.conv("conv", net.x, 3, 8));
  const rows = net.node("Reshape", "rows", [map, net.integers("to", [1, 512])]);
  const { notes, written, check } = await compressed("batch", net.done(net.gemm("scores", rows, 512, 4)));
  assert.match(notes, /a batch of 1 became any number of images/);
  assert.deepEqual(written.graph.inputs[0]!.shape, ["batch", 3, 8, 8]);
  assert.deepEqual(written.graph.outputs[0]!.shape, ["batch", 4]);
  assert.ok(check.outputs[0]!.value! >= 0.9);
  const [one, three] = [await run(written, pixels([1, 3, 8, 8])), await run(written, pixels([3, 3, 8, 8]))];
  assert.deepEqual(three.scores!.dims, [3, 4]);
  assert.deepEqual([...three.scores!.data.slice(0, 4)], [...one.scores!.data]);
});

test("a batch that a Reshape mixes with other sizes stays 1, and that is said", async () => {
  const net = new Network([1, 3, 8, 8], 5);
  const map = net.relu(net.conv("conv", net.x, 3, 8));
  const columns = net.node("Reshape", "columns", [map, net.integers("to", [8, 64])]);
  const { notes, written } = await compressed("mixed", net.done(net.gemm("scores", columns, 64, 4)));
  assert.match(notes, /the batch stays 1: Reshape "columns" does not keep the images along axis 0/);
  assert.deepEqual(written.graph.inputs[0]!.shape, [1, 3, 8, 8]);
});
