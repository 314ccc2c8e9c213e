/** The commands on small models and seeded images, from the words to the files. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { appendFile, mkdir, readFile, stat, symlink } from "node:fs/promises";
import test from "node:test";
import { readModelFile } from "@cupel/onnx";
import { metadataKeys, preprocessingFromMetadata } from "@cupel/predict";
import {
  cupel,
  filesUnder,
  prepared,
  realData,
  type Scratch,
  scratch,
  spawnCupel,
  withoutData,
} from "./harness.ts";

test("compress writes a model and its report, with preprocessing and class names inside the model", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  await folder.write("classes.txt", "ok\nopen\nshort\n");
  const told = await cupel("compress", model, "--images", images, "-o", folder.at("out", "small.onnx"));
  assert.equal(told.status, 0, told.err);
  assert.deepEqual(await filesUnder(folder.at("out")), [
    "small.onnx",
    "small.report.html",
    "small.report.json",
  ]);
  const written = await readModelFile(folder.at("out", "small.onnx"));
  assert.equal(preprocessingFromMetadata(written.metadata)?.colour, "grey");
  assert.equal(written.metadata.get(metadataKeys.classes), '["ok","open","short"]');
  assert.match(told.out, /^model +.*small\.onnx, .*\ntop-1|^weights /m);
  assert.match(told.out, /^report +.*small\.report\.html$/m);
  assert.match(
    told.err,
    /does not say how its images are prepared. Of 4 usual ways, tried on 48 images with labels/,
  );
  assert.match(told.err, /12 of the 60 images were kept apart/);
  const report = JSON.parse(await readFile(folder.at("out", "small.report.json"), "utf8"));
  assert.equal(report.format, "cupel-report/4");
  assert.equal(report.accuracy.images, 12);
  await sealsWhatItClaims(folder, report);
});

/** The figures of the report, its recipe and its source are signed with the model, and a page shows them. */
async function sealsWhatItClaims(
  folder: Scratch,
  report: Record<string, { sha256?: string }>,
): Promise<void> {
  const out = folder.at("out");
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = await folder.write("own.pem", privateKey.export({ type: "pkcs8", format: "pem" }));
  const trusted = await folder.write("own.pub", publicKey.export({ type: "spki", format: "pem" }));
  const sealed = await cupel("seal", out, "--key", key, "--name", "parts", "--model-version", "3");
  assert.deepEqual([sealed.status, sealed.err], [0, ""]);
  assert.match(sealed.out, /^sealed +.*out, 3 files, as parts 3\nfiles +attestation\.json, model\.sig\n/);
  assert.match(sealed.out, /^claimed +top-1 accuracy: [\d.]+ % before, [\d.]+ % after, 12 images$/m);

  const page = folder.at("attestation.html");
  const told = await cupel("verify", out, "--key", trusted, "--page", page, "--json");
  assert.equal(told.status, 0, told.err);
  const { valid, name, version, signers, differences, provenance } = JSON.parse(told.out);
  assert.deepEqual([valid, name, version, differences], [true, "parts", "3", []]);
  assert.deepEqual(
    signers.map(({ signed }: { signed: string }) => signed),
    ["attestation.json", "model.sig"],
  );
  const { resolvedDependencies, externalParameters } = provenance.buildDefinition;
  assert.equal(resolvedDependencies[0].digest.sha256, report.original?.sha256);
  assert.deepEqual(externalParameters.recipe, report.recipe);
  const html = await readFile(page, "utf8");
  assert.match(html, /<title>parts: attestation<\/title>/);
  assert.match(html, /"isValid":true/);
  const byFile = await cupel("verify", folder.at("out", "model.sig"), "--key", trusted);
  assert.match(byFile.out, /^valid +.*3 files, sealed as parts 3$/m);

  // Another model under the name that the report tells of.
  await appendFile(folder.at("out", "small.onnx"), ".");
  const foreign = await cupel("seal", out, "--key", key);
  assert.equal(foreign.status, 65);
  assert.match(foreign.err, /error REPORT_FOREIGN: .*small\.report\.json is not of a model in this folder/);
  const without = await cupel("seal", out, "--key", key, "--no-report", "--json");
  assert.equal(JSON.parse(without.out).figures, null);
}

test("--json prints one JSON object and nothing else, --quiet nothing on stderr", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const told = await cupel(
    "compress",
    model,
    "--images",
    images,
    "-o",
    folder.at("s.onnx"),
    "--no-report",
    "--json",
    "--quiet",
  );
  assert.equal(told.status, 0, told.err);
  assert.equal(told.err, "");
  const result = JSON.parse(told.out);
  assert.equal(result.command, "compress");
  assert.equal(result.bytes.compressed, (await stat(folder.at("s.onnx"))).size);
  assert.equal(result.report, null);
  assert.ok(result.remarks.length > 0, "remarks are in the JSON though not on stderr");
});

test("the same seed gives the same bytes", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const files: Buffer[] = [];
  for (const name of ["a.onnx", "b.onnx"]) {
    const told = await cupel(
      "compress",
      model,
      "--images",
      images,
      "-o",
      folder.at(name),
      "--no-report",
      "--seed",
      "5",
    );
    assert.equal(told.status, 0, told.err);
    files.push(await readFile(folder.at(name)));
  }
  assert.deepEqual(files[0], files[1]);
});

test("a report of an earlier run does not survive beside a new model", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  await folder.write("s.report.html", "old");
  await folder.write("s.report.json", "old");
  await cupel("compress", model, "--images", images, "-o", folder.at("s.onnx"), "--no-report");
  assert.ok(!(await filesUnder(folder.path)).some((file) => file.includes(".report.")));
});

test("a report compares any two models, and is the same as JSON and as a page", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const small = folder.at("small.onnx");
  await cupel("compress", model, "--images", images, "-o", small, "--no-report");
  const told = await cupel("report", model, small, "--images", images, "-o", folder.at("out"), "--json");
  assert.equal(told.status, 0, told.err);
  assert.deepEqual(await filesUnder(folder.at("out")), ["small.report.html", "small.report.json"]);
  const { report } = JSON.parse(told.out);
  assert.equal(report.accuracy.images, 60);
  const written = JSON.parse(await readFile(report.json, "utf8"));
  assert.deepEqual(
    written.layers.map(({ weightBits }: { weightBits: number }) => weightBits),
    [8, 8, null, 8],
  );
  assert.deepEqual([written.recipe, written.calibration], [null, null]);
  assert.doesNotMatch(told.err, /guessed/, "the second model says how its images are prepared");
});

test("no images to calibrate with are refused, not taken for none given", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const words = [
    "compress",
    model,
    "--images",
    images,
    "-o",
    folder.at("s.onnx"),
    "--calibration-images",
    "0",
  ];
  const told = await cupel(...words);
  assert.equal(told.status, 64);
  assert.match(told.err, /error OPTION_INVALID: --calibration-images must be .*1, not "0"/);
});

test("training needs images for it, which is told before anything is read", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const words = ["compress", model, "--images", images, "-o", folder.at("s.onnx")];
  for (const option of ["--retrain", "--gates", "--early-exit", "--early-exit-speed"]) {
    const told = await cupel(...words, option, "2");
    assert.equal(told.status, 64);
    assert.match(told.err, /error TRAINING_IMAGES_NEEDED: .*--train-images/);
  }
  const told = await cupel(...words, "--early-exit-speed", "1");
  assert.match(told.err, /error OPTION_INVALID: --early-exit-speed must be a number above 1/);
});

test("a recipe of an earlier version is read, with remarks", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const recipe = await folder.write(
    "old.json",
    JSON.stringify({ passes: [{ pass: "clean" }, { pass: "calibrate", pictures: 9 }, { pass: "quantise" }] }),
  );
  const words = ["--images", images, "-o", folder.at("s.onnx"), "--no-report", "--recipe", recipe, "--json"];
  const told = await cupel("compress", model, ...words);
  assert.equal(told.status, 0, told.err);
  assert.equal(JSON.parse(told.out).recipe.stages[1].images, 9);
  assert.match(told.err, /old\.json: "pictures" is now called "images"\./);
});

test("images that cannot be read are left out, counted and named", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder);
  const pixel = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==",
    "base64",
  );
  for (const i of [0, 1, 2]) await folder.write(`mixed/good-${i}.png`, pixel);
  await folder.write("mixed/bad.png", "not an image");
  const told = await cupel("eval", model, "--images", folder.at("mixed"), "--json");
  assert.equal(told.status, 0, told.err);
  const result = JSON.parse(told.out);
  assert.equal(result.models[0].images, 3);
  assert.deepEqual(
    result.unreadable.map(({ id }: { id: string }) => id),
    ["bad.png"],
  );
  assert.match(told.err, /1 image could not be read and was left out: bad\.png/);
});

test("eval of a model against itself differs by nothing", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const told = await cupel("eval", model, "--images", images, "--compare", model, "--json", "--quiet");
  const { models, comparison } = JSON.parse(told.out);
  assert.equal(models.length, 2);
  assert.deepEqual(comparison.difference, { value: 0, low: 0, high: 0 });
  assert.equal(comparison.agreement.value, 1);
});

test("eval takes the preprocessing that a compressed model carries", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const out = folder.at("small.onnx");
  await cupel(
    "compress",
    model,
    "--images",
    images,
    "-o",
    out,
    "--no-report",
    "--preprocessing",
    "scale=1/255,mean=0.5,std=0.25",
  );
  const told = await cupel("eval", out, "--images", images);
  assert.equal(told.status, 0, told.err);
  assert.doesNotMatch(told.err, /guessed/);
  assert.match((await cupel("inspect", out)).out, /preprocessing +.*scale=1\/255,mean=0\.5,std=0\.25/);
});

test("inspect tells what a compressed model is made of", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  await cupel("compress", model, "--images", images, "-o", folder.at("s.onnx"), "--no-report");
  const told = await cupel("inspect", folder.at("s.onnx"), "--layers");
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /^quantised +yes: /m);
  assert.match(told.out, /^stored as +int8: /m);
  assert.match(told.out, /^engine +ONNX Runtime .* runs it$/m);
  assert.match(told.out, /^conv1 +Conv +\[N, 8, 8, 8\]/m);
  const before = JSON.parse((await cupel("inspect", model, "--json")).out);
  // 3x3 convolutions 1 to 8 and 8 to 8 channels, dense 8 to 3 and its bias.
  assert.equal(before.parameters, 72 + 576 + 24 + 3);
  assert.equal(before.macs, 64 * 72 + 64 * 576 + 24);
  assert.equal(before.layers, undefined);
});

test("bench-model gives latency, throughput and memory of two models, and the ratio between them", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder);
  const words = [
    model,
    model,
    "--runs",
    "3",
    "--batch",
    "2",
    "--memory",
    "--threads",
    "1",
    "--json",
    "--quiet",
  ];
  const told = await cupel("bench-model", ...words);
  assert.equal(told.status, 0, told.err);
  const { models, cpu } = JSON.parse(told.out);
  assert.deepEqual(models[0].ratio, { p10: 1, median: 1, p90: 1 });
  assert.ok(models[1].latencyMs.median > 0 && models[1].throughput.imagesPerSecond > 0);
  assert.ok(models[1].memory !== null && cpu.cores > 0);
});

test("a fixed width has nothing to choose, so a target is refused with it", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const told = await cupel(
    "compress",
    model,
    "--images",
    images,
    "-o",
    folder.at("s.onnx"),
    "--bits",
    "8",
    "--max-drop",
    "1",
  );
  assert.equal(told.status, 64);
  assert.match(told.err, /error OPTION_INVALID: --max-drop needs widths to choose from/);
  const words = ["compress", model, "--images", images, "-o", folder.at("s.onnx"), "--max-latency"];
  const kept = await cupel(...words, "50%", "--keep-channels", "0.5");
  assert.match(
    kept.err,
    /error OPTION_INVALID: --max-latency needs channels to choose from.*--keep-channels auto/,
  );
});

test("an output that is the input by a link is refused", {
  skip: process.platform === "win32" && "links need rights",
}, async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  await mkdir(folder.at("out"));
  await symlink(model, folder.at("out", "link.onnx"));
  const told = await cupel("compress", model, "--images", images, "-o", folder.at("out", "link.onnx"));
  assert.match(told.err, /error OUTPUT_IS_INPUT/);
});

test("a reader of the output that goes away ends nothing", async () => {
  const child = spawnCupel(["--help"]);
  child.stdout?.destroy();
  const { status, err } = await child.ended;
  assert.deepEqual([status, err], [0, ""]);
});

test("resnet20 on CIFAR-10 has the accuracy its data sheet states", { skip: withoutData }, async () => {
  const told = await cupel(
    "eval",
    realData("models/resnet20_cifar10.onnx"),
    "--images",
    realData("cifar10/test_a.bin.gz"),
    "--preprocessing",
    "preset=imagenet,resize=none",
  );
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /top-1 81\.03 % \+- 0\.72, .*3,000 images/);
});

test("class names of another data set are refused on a real model", { skip: withoutData }, async () => {
  await using folder = await scratch();
  const told = await cupel(
    "eval",
    realData("models/resnet20_cifar10.onnx"),
    "--images",
    realData("cifar10/test_a.bin.gz"),
    "--preprocessing",
    "preset=imagenet,resize=none",
    "--classes",
    await folder.write("twelve.txt", Array.from({ length: 12 }, (_, i) => `class ${i}\n`).join("")),
  );
  assert.equal(told.status, 65);
  assert.match(told.err, /error LABELS_MISMATCH: .*12 classes, but the model tells 10 apart/);
});

test("pack and unpack give back the same file, refuse other names, and a packed model is told from a broken one", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder);
  const packed = folder.at("m.cupel");
  const told = await cupel("pack", model, "-o", packed, "--json");
  assert.equal(told.status, 0, told.err);
  const { bytes, files } = JSON.parse(told.out);
  assert.equal(bytes.packed, (await stat(packed)).size);
  assert.deepEqual([files.length, files[0].name, files[0].bytes], [1, "model.onnx", bytes.original]);
  for (const outside of [false, true]) {
    const out = folder.at("out", "again.onnx");
    const words = outside ? ["--external-data"] : [];
    const unpacked = await cupel("unpack", packed, "-o", out, ...words);
    assert.deepEqual([unpacked.status, unpacked.err], [0, ""]);
    if (outside) await readModelFile(out);
    else assert.deepEqual(await readFile(out), await readFile(model));
  }
  for (const command of ["inspect", "bench-model"]) {
    const refused = await cupel(command, packed);
    assert.equal(refused.status, 65);
    assert.match(refused.err, /error MODEL_PACKED: .*m\.cupel -o model\.onnx/);
  }
  const small = await cupel("unpack", packed, "-o", folder.at("s.onnx"), "--max-bytes", "1kB");
  assert.deepEqual([small.status, small.err.includes("PACKED_TOO_LARGE")], [65, true]);
  for (const words of [
    ["pack", model, "-o", folder.at("m.onnx")],
    ["unpack", packed, "-o", folder.at("m.bin")],
  ]) {
    const refused = await cupel(...words);
    assert.deepEqual([refused.status, refused.err.includes("OPTION_INVALID")], [64, true], refused.err);
  }
  const damaged = await folder.write("d.cupel", (await readFile(packed)).subarray(0, -1));
  const cut = await cupel("unpack", damaged, "-o", folder.at("s.onnx"));
  assert.deepEqual([cut.status, cut.err.includes("PACKED_TRUNCATED")], [65, true]);
  assert.ok(!(await filesUnder(folder.path)).includes("s.onnx"));
});
