/** Files to files: what `cupel compress` does, as a call. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { readModelFile, writeModelFile } from "@cupel/onnx";
import {
  classesOf,
  openModel,
  openPredictor,
  preprocessingFromMetadata,
  writeMetadata,
} from "@cupel/predict";
import type { ImageSource } from "@cupel/vision";
import {
  type CompressFileOptions,
  type CompressionFact,
  compressFile,
  defaultRecipe,
  keepApart,
  measureRecipe,
} from "../src/index.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { refused } from "./support/refused.ts";

let folder = "";
const at = (name: string) => join(folder, name);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cupel-compress-"));
  await writeModelFile(smallClassifier(), at("float.onnx"));
});
after(() => rm(folder, { recursive: true, force: true }));

const labels = (index: number) => index % 4;

async function compressed(changes: Partial<CompressFileOptions> = {}) {
  const facts: CompressionFact[] = [];
  const result = await compressFile(at("float.onnx"), {
    out: at("small.onnx"),
    images: noiseImages(40, { labels }),
    preprocessing: plain(),
    report: false,
    threads: 1,
    onFact: (fact) => facts.push(fact),
    ...changes,
  });
  return { result, facts, kinds: facts.map(({ kind }) => kind) };
}

test("it writes a model that needs nothing but its file, and reports on the images kept apart", async () => {
  const { result, facts, kinds } = await compressed({ report: true });
  assert.equal(result.bytes.compressed, (await stat(at("small.onnx"))).size);
  assert.equal(result.bytes.original, (await stat(at("float.onnx"))).size);
  assert.equal(result.report?.accuracy?.images, 8);
  assert.deepEqual(result.report.recipe, result.recipe);
  assert.deepEqual(kinds.slice(0, 4), ["keptApart", "preprocessing", "chance", "written"]);
  assert.deepEqual(facts[0], { kind: "keptApart", images: 8, of: 40 });
  await using predictor = await openPredictor(at("small.onnx"));
  assert.deepEqual(predictor.preprocessing, plain());
});

test("one image of each class is enough to keep some apart: nobody learns classes here", () => {
  const images = noiseImages(30, { labels: (index) => index });
  const { rest, heldOut, areSame } = keepApart(images, 1);
  const labelsOf = (source: ImageSource) => Array.from({ length: source.length }, (_, i) => source.label(i));
  assert.equal(areSame, false);
  assert.equal(heldOut.length, 6);
  assert.deepEqual(new Set([...labelsOf(rest), ...labelsOf(heldOut)]).size, 30);
});

test("weights in a file of their own: on pages, found by who predicts, and counted where a size is the target", async () => {
  const out = at("external/small.onnx");
  const wide = at("wide.onnx");
  await writeModelFile(smallClassifier(1, 64), wide);
  const options = {
    images: noiseImages(12),
    preprocessing: plain(),
    report: false,
    threads: 1,
    floor: null,
  };
  const inside = await compressFile(wide, { ...options, out: at("inside.onnx") });
  const made = await compressFile(wide, { ...options, out, externalData: true });
  assert.equal(inside.dataPath, null);
  assert.ok(made.dataPath);
  assert.deepEqual((await readdir(at("external"))).sort(), [basename(made.dataPath), "small.onnx"].sort());
  const sizes = await Promise.all([out, made.dataPath].map(async (path) => (await stat(path)).size));
  assert.equal(made.bytes.compressed, sizes[0]! + sizes[1]!);
  const { graph } = await readModelFile(out);
  const places = [...graph.initializers].flatMap(({ constant }) =>
    constant?.source.kind === "external" ? [constant.source.place] : [],
  );
  assert.ok(places.length > 0);
  for (const { offset, length } of places) assert.ok(offset % 4096 === 0 && length >= 4096);
  assert.ok(
    [...graph.initializers].every(
      ({ constant }) => constant!.source.kind === "external" || constant!.byteLength < 4096,
    ),
  );
  const scores = async (path: string) => {
    await using predictor = await openPredictor(path);
    const found: unknown[] = [];
    for await (const each of predictor.predict(options.images)) found.push(each);
    return found;
  };
  assert.deepEqual(await scores(out), await scores(at("inside.onnx")));
});

test("what was chosen for the caller is told", async () => {
  const { facts } = await compressed({
    preprocessing: undefined,
    images: noiseImages(12, { labels: (index) => index }),
  });
  const preprocessing = facts.find((fact) => fact.kind === "preprocessing");
  assert.equal(preprocessing?.finding?.by, "information", "the labels are not used");
  assert.ok(facts.some((fact) => fact.kind === "labelsUnused" && /4/.test(fact.problem)));
  assert.ok(facts.some((fact) => fact.kind === "notKeptApart" && fact.of === 12));
});

test("labels that are needed and fit no class, and the original as output, are refused before anything is written", async () => {
  const files = await readdir(folder);
  const images = noiseImages(12, { labels: (index) => index });
  const out = at("other.onnx");
  await refused(() => compressed({ images, needsLabels: true, out }), "LABELS_MISMATCH");
  await refused(() => compressed({ evaluation: images, out }), "LABELS_MISMATCH");
  await refused(() => compressed({ out: at("./float.onnx") }), "OUTPUT_IS_INPUT");
  assert.deepEqual(await readdir(folder), files);
});

const names = ["ant", "bee", "cow", "dog"];

/** Forty images of classes with these names, one after the other; the model has `names`. */
const called = (...classes: string[]): ImageSource => ({
  ...noiseImages(40, { labels: (index) => index % classes.length }),
  classes,
});

async function named(
  changes: Partial<CompressFileOptions> & { readonly modelNames?: readonly string[] | null } = {},
) {
  const { modelNames = names, ...options } = changes;
  const facts: CompressionFact[] = [];
  const model = smallClassifier();
  if (modelNames !== null) writeMetadata(model, { preprocessing: plain(), classes: modelNames });
  await writeModelFile(model, at("named.onnx"));
  const result = await compressFile(at("named.onnx"), {
    out: at("named.small.onnx"),
    images: called(...names),
    preprocessing: plain(),
    report: false,
    threads: 1,
    onFact: (fact) => facts.push(fact),
    ...options,
  });
  const written = classesOf((await openModel(at("named.small.onnx"))).model).names;
  return { result, facts, kinds: facts.map(({ kind }) => kind), written };
}

test("the accuracy in the report is that of names: the same for every order of the folders", async () => {
  const straight = await named();
  const turned = called("dog", "cow", "bee", "ant", "empty");
  const images = { ...turned, label: (index: number) => 3 - (index % 4) };
  const other = await named({ report: true, images, evaluation: images });
  const same = await named({ report: true, evaluation: called(...names) });
  assert.deepEqual(other.result.report?.accuracy, same.result.report?.accuracy);
  assert.deepEqual(other.result.report?.accuracy?.classes, names);
  assert.deepEqual([straight.result.labels, other.result.labels], ["name", "name"]);
  assert.deepEqual(other.written, names);
});

test("folders that are there for order only calibrate without labels; with some names that are known they are refused", async () => {
  const { facts, result, written } = await named({
    images: called("one", "two", "three", "four"),
    report: true,
  });
  const unused = facts.find((fact) => fact.kind === "labelsUnused");
  assert.match(unused?.problem ?? "", /4 classes that the model does not have: "one".*4 apart: "ant"/);
  assert.deepEqual([result.labels, result.report?.accuracy, written], [null, null, names]);
  const out = at("refused.onnx");
  await refused(
    () => named({ images: called("ant", "bee", "cow", "wolf"), out }),
    "LABELS_MISMATCH",
    /"wolf"/,
  );
  await refused(() => named({ evaluation: called("one", "two"), out }), "LABELS_MISMATCH", /"one", "two"/);
  await refused(() => named({ images: called("one", "two"), needsLabels: true, out }), "LABELS_MISMATCH");
  assert.ok(!(await readdir(folder)).includes("refused.onnx"));
});

test("a model without names takes those of the images by their order, and says so", async () => {
  const { facts, result, written } = await named({ modelNames: null, report: true });
  const told = facts.find((fact) => fact.kind === "labelsByOrder");
  assert.match(told?.sentence ?? "", /by their order, because the model does not name its classes/);
  assert.ok(
    result.report?.notes.some((note) => /by their order/.test(note)),
    String(result.report?.notes),
  );
  assert.deepEqual([result.labels, written], ["index", names]);
});

test("of a model without names, images to calibrate with meet the names of those to judge by", async () => {
  const images = called("dog", "cow", "bee", "ant");
  const { facts, result } = await named({ modelNames: null, images, evaluation: called(...names) });
  assert.deepEqual([facts.some(({ kind }) => kind === "labelsUnused"), result.labels], [false, "index"]);
  const other = await named({
    modelNames: null,
    images: called("a", "b", "c", "d"),
    evaluation: called(...names),
  });
  assert.ok(other.kinds.includes("labelsUnused"), other.kinds.join());
});

test("numbers in the order of text are no labels of a model without names, unless the order is given", async () => {
  const images = called("1", "10", "2", "3");
  const { facts, result, written } = await named({ modelNames: null, images });
  const unused = facts.find((fact) => fact.kind === "labelsUnused");
  assert.match(unused?.problem ?? "", /order of text/);
  assert.deepEqual([result.labels, written], [null, null]);
  const given = await named({ modelNames: null, images, classes: ["1", "10", "2", "3"], report: true });
  assert.deepEqual([given.result.labels, given.written], ["name", ["1", "10", "2", "3"]]);
  assert.equal(given.result.report?.accuracy?.images, 8);
});

/** One output that is no row of scores, so that a floor in dB is asked of it. */
async function mapModel(): Promise<string> {
  const net = new Network();
  const path = at("map.onnx");
  await writeModelFile(net.done(net.conv("map", net.relu(net.conv("first", net.x, 3, 8)), 8, 2)), path);
  return path;
}

const beyondReach = { samePrediction: 0.5, sqnrDb: 300 };

test("a file below the floor is kept aside and named, and what had its name stays, with or without a report", async () => {
  const model = await mapModel();
  for (const [report, aside] of [
    [false, "kept.failed.onnx"],
    [true, "kept.failed-2.onnx"],
  ] as const) {
    await writeFile(at("kept.onnx"), "of an earlier run");
    const facts: CompressionFact[] = [];
    const options = {
      out: at("kept.onnx"),
      images: noiseImages(12),
      preprocessing: plain(),
      threads: 1,
      report,
    };
    const work = compressFile(model, { ...options, floor: beyondReach, onFact: (fact) => facts.push(fact) });
    await assert.rejects(work, {
      code: "FLOOR_MISSED",
      message: new RegExp(`"map" has .* dB .*${aside}; .*kept\\.onnx is as it was`),
    });
    assert.ok(!facts.some(({ kind }) => kind === "written"), "no report is out of date");
    assert.equal(await readFile(at("kept.onnx"), "utf8"), "of an earlier run");
    const { metadata } = await readModelFile(at(aside));
    assert.deepEqual(preprocessingFromMetadata(metadata), plain());
  }
  const left = (await readdir(folder)).filter((name) => name.includes("kept"));
  assert.deepEqual(left.sort(), ["kept.failed-2.onnx", "kept.failed.onnx", "kept.onnx"]);
  const { check } = await compressFile(model, {
    out: at("kept.onnx"),
    images: noiseImages(12),
    preprocessing: plain(),
    report: false,
    floor: null,
  });
  assert.equal(check.images, 12);
  assert.ok(check.largestDifference <= 1e-3);
});

test("work that is cancelled while the file is checked leaves nothing", async () => {
  const files = await readdir(folder);
  const controller = new AbortController();
  const work = compressed({
    out: at("cancelled.onnx"),
    signal: controller.signal,
    progress: {
      start(title) {
        if (title === "Checking the written file") controller.abort();
        return { advance() {}, note() {}, [Symbol.dispose]() {} };
      },
    },
  });
  await assert.rejects(work, { code: "CANCELLED" });
  assert.deepEqual(await readdir(folder), files);
});

test("an output that cannot be written is refused before the first image is read", async () => {
  await writeFile(at("afile"), "old");
  await mkdir(at("folder.onnx"), { recursive: true });
  const files = await readdir(folder);
  for (const out of [join(at("afile"), "t.onnx"), at("folder.onnx"), at(`${"n".repeat(300)}.onnx`)]) {
    let read = 0;
    const images = noiseImages(12, { onRead: () => read++ });
    await refused(() => compressed({ images, out }), "WRITE_FAILED");
    assert.equal(read, 0);
  }
  assert.deepEqual(await readdir(folder), files);
});

test("of a model whose output is a map, no prediction is told: labels are not used and widths are not searched by them", async () => {
  const model = await mapModel();
  const images = noiseImages(24, { labels });
  const facts: CompressionFact[] = [];
  const options = {
    out: at("mapped.onnx"),
    images,
    preprocessing: plain(),
    threads: 1,
    command: "cupel compress",
  };
  const { report } = await compressFile(model, { ...options, onFact: (fact) => facts.push(fact) });
  assert.ok(report);
  const { task, accuracy, agreement, changed, outputs, layers, notes, preprocessing, data, command } = report;
  assert.deepEqual([preprocessing.origin, preprocessing.remark, command], ["given", null, "cupel compress"]);
  assert.deepEqual(data.evaluation, { location: images.location, images: 5, labelled: false });
  assert.deepEqual(
    [task, accuracy, agreement, changed],
    ["segmentation", null, null, { count: 0, shown: [] }],
  );
  assert.deepEqual(outputs, ["map"]);
  assert.ok(
    layers.some(({ name, sqnrDb }) => name === "map" && sqnrDb > 10),
    "the error of the output is told",
  );
  const [first] = report.taskFigures?.differences ?? [];
  assert.ok(first && first.value > 0.5 && first.of === "the pixels of 5 images", JSON.stringify(first));
  assert.ok(notes.some((note) => /accuracy is not/.test(note)));
  assert.ok(facts.some((fact) => fact.kind === "labelsUnused" && /one of segmentation/.test(fact.problem)));
  const mixed = defaultRecipe("mixed");
  await refused(
    () => compressFile(model, { ...options, recipe: mixed }),
    "OUTPUT_UNSUPPORTED",
    /one row of class scores/,
  );
});

test("a model at chance stops the work before it begins, unless it is allowed", async () => {
  const images = noiseImages(300, { labels: (index) => (index < 290 ? 0 : 1 + (index % 3)) });
  const out = at("chance.onnx");
  await refused(() => compressed({ images, out }), "ACCURACY_AT_CHANCE", /of 2\d\d labelled images/);
  assert.ok(!(await readdir(folder)).some((name) => name.includes("chance")));
  const { facts } = await compressed({ images, out, allowChance: true });
  assert.ok(facts.some((fact) => fact.kind === "chance" && fact.chance.verdict === "at"));
});

test("a recipe is measured on images that neither calibrated it nor are kept for the end", async () => {
  const { rest, heldOut } = keepApart(noiseImages(40, { labels }), 1);
  const { point, file } = await measureRecipe(at("float.onnx"), {
    out: at("measured.onnx"),
    images: rest,
    judge: heldOut,
    preprocessing: plain(),
    threads: 1,
  });
  assert.equal(file.report, null);
  assert.equal(point.bytes, (await stat(at("measured.onnx"))).size);
  // As two models are compared that nobody knows to belong together.
  await using first = await openPredictor(at("float.onnx"), {
    taskName: "classification",
    preprocessing: plain(),
  });
  await using second = await openPredictor(at("measured.onnx"), { taskName: "classification" });
  const top1 = async (model: typeof first) => {
    const { predictions, labels: own } = await model.evaluate(heldOut);
    return predictions.filter((each, i) => each === own[i]).length / heldOut.length;
  };
  assert.ok(Math.abs(point.loss - ((await top1(first)) - (await top1(second)))) < 1e-9);
});
