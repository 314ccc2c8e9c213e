/** Files to files: what `cupel compress` does, as a call. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { writeModelFile } from "@cupel/onnx";
import { openPredictor } from "@cupel/predict";
import { type CompressFileOptions, type CompressionFact, compressFile } from "../src/index.ts";
import { noiseImages, plain } from "./support/images.ts";
import { smallClassifier } from "./support/network.ts";
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
