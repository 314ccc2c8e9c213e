/** The demonstration: what `npm start` shows is the network that the configuration beside it made, and it works. */
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { unpackModel } from "@cupel/compress";
import { graphSummary, readModelFile } from "@cupel/onnx";
import { resnetCifar } from "@cupel/train";
import { type ImageSource, openImages, syntheticInspection } from "@cupel/vision";
import { cupel, filesUnder, scratch } from "./harness.ts";

const path = (name: string) => fileURLToPath(new URL(`../models/${name}`, import.meta.url));
const network = path("inspection.onnx");

test("the network of the demonstration is the one its configuration names", async () => {
  const config: { network: string } = JSON.parse(await readFile(path("inspection.train.json"), "utf8"));
  assert.equal(config.network, "resnetCifar:depth=8,width=24");
  const trained = graphSummary(await readModelFile(network));
  const built = graphSummary(resnetCifar({ depth: 8, width: 24, classes: 7, input: [1, 32, 32] }));
  assert.equal(trained.parameters, built.parameters);
  assert.ok((await stat(network)).size <= 0.36e6);
});

test("the network knows boards it has never seen", async () => {
  const told = await cupel("eval", network, "--images", "synthetic:700:77", "--json", "--quiet");
  assert.equal(told.status, 0, told.err);
  const [{ top1 }] = JSON.parse(told.out).models;
  assert.ok(top1.value > 0.98, JSON.stringify(top1));
});

test("the demonstration prunes, trains, rounds, packs and reports: a sixteenth of the size; with --keep, images that other commands read alike", async () => {
  await using folder = await scratch();
  const told = await cupel("demo", "--out", folder.at("demo"), "--keep", "--json", "--quiet");
  assert.equal(told.status, 0, told.err);
  const { original, model, report, packed, kept } = JSON.parse(told.out);
  const summary = graphSummary(await readModelFile(original));
  assert.deepEqual(summary.layers.map(({ weightType }) => weightType).includes("float16"), false);
  assert.equal(summary.parameters, graphSummary(await readModelFile(network)).parameters);
  assert.ok((await stat(model)).size <= (await stat(original)).size / 16);
  assert.match(await readFile(report.html, "utf8"), /<title>/);
  await unpackModel(packed.path, { out: folder.at("unpacked.onnx") });
  assert.deepEqual(await readFile(folder.at("unpacked.onnx")), await readFile(model));
  assert.ok(packed.bytes.packed < packed.bytes.original);
  const words = ["eval", original, "--images", kept.evalImages, "--compare", model, "--json", "--quiet"];
  const again = await cupel(...words);
  assert.equal(again.status, 0, again.err);
  const { models, comparison } = JSON.parse(again.out);
  const { accuracy, stages } = JSON.parse(await readFile(report.json, "utf8"));
  assert.ok(stages.pruned.kept <= 0.6 * stages.pruned.channels);
  assert.ok(stages.pruned.fineTuning.after < stages.pruned.fineTuning.before);
  assert.ok(stages.rounding.length > 0);
  assert.ok(accuracy.top1.compressed > 0.95, JSON.stringify(accuracy.top1));
  assert.equal(models[0].images, 700);
  assert.equal(models[0].top1.value, accuracy.top1.original);
  assert.equal(comparison.difference.value, accuracy.difference.value);
  const images = await openImages(kept.images);
  const drawn = syntheticInspection({ count: 700, seed: 3 });
  const labels = (source: ImageSource) => Array.from({ length: source.length }, (_, i) => source.label(i));
  assert.deepEqual(labels(images), labels(drawn));
  assert.deepEqual(images.classes, drawn.classes);
});

test("kept images are never mixed with what is there, and that is said before the work", async () => {
  await using folder = await scratch();
  await folder.write("demo/images/mine.png", "");
  const told = await cupel("demo", "--out", folder.at("demo"), "--keep", "--json", "--quiet");
  assert.equal(told.status, 74);
  assert.equal(JSON.parse(told.out).error.code, "WRITE_FAILED");
  assert.deepEqual(await filesUnder(folder.at("demo", "images")), ["mine.png"]);
});
