import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { bitmap } from "./bitmap.ts";
import { cupel, prepared, type Scratch, scratch } from "./harness.ts";

/** Of one grey level. */
const plain = (level: number) => bitmap(8, () => level);

const heic = Buffer.from("000000186674797068656963000000006d69663168656963", "hex");

/** Two classes of readable images, one of unreadable and one of undecoded ones. */
async function mixed(folder: Scratch): Promise<string> {
  for (const name of ["a/0.bmp", "a/1.bmp", "b/0.BMP", "b/1"]) await folder.write(`set/${name}`, plain(90));
  for (const name of ["c/0.png", "c/1.png"]) await folder.write(`set/${name}`, "no image");
  for (const name of ["d/0.heic", "d/1.heic", "a/2.heic"]) await folder.write(`set/${name}`, heic);
  await folder.write("set/LICENSE", "text");
  return folder.at("set");
}

test("eval says what is not read: undecoded images, classes without any, classes of unreadable ones", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder, { classes: 4 });
  const { status, err, out } = await cupel(
    "eval",
    model,
    "--images",
    await mixed(folder),
    "--allow-chance",
    "--json",
  );
  assert.equal(status, 0, err);
  assert.match(
    err,
    /3 files look like images and are not read: 3 HEIC images \(a\/2.heic, d\/0.heic, d\/1.heic\)/,
  );
  assert.match(err, /class folder in .* no image that can be read: "d" \(2 that are not read\)/);
  assert.match(
    err,
    /2 images could not be read .*: c\/0.png, c\/1.png\. No image of the class c could be read/,
  );
  assert.doesNotMatch(err, /LICENSE/);
  const told: { models: { images: number }[]; skipped: unknown } = JSON.parse(out);
  assert.equal(told.models[0]?.images, 4);
  assert.deepEqual(told.skipped, [
    {
      images: folder.at("set"),
      kind: "HEIC image",
      isImage: true,
      count: 3,
      examples: ["a/2.heic", "d/0.heic", "d/1.heic"],
    },
    {
      images: folder.at("set"),
      kind: "file without extension",
      isImage: false,
      count: 1,
      examples: ["LICENSE"],
    },
  ]);
});

test("--strict stops at images that are not read, before any work", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder, { classes: 4 });
  const set = await mixed(folder);
  for (const words of [
    ["eval", model, "--images", set],
    ["compress", model, "--images", set, "-o", folder.at("out.onnx")],
    ["train", model, "--data", set, "--epochs", "1", "-o", folder.at("out.onnx")],
  ]) {
    const { status, err } = await cupel(...words, "--strict");
    assert.equal(status, 65, err);
    assert.match(err, /3 HEIC images/);
  }
});

test("train says which class the held-out images lack", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder, { classes: 2 });
  for (let i = 0; i < 10; i++) await folder.write(`set/a/${i}.bmp`, plain(i * 20));
  await folder.write("set/b/0.bmp", plain(250));
  const set = folder.at("set");
  const words = ["--data", set, "--validation", "0.1", "--epochs", "1", "--batch", "2", "--seed", "1"];
  const { status, err } = await cupel("train", model, ...words, "-o", folder.at("out.onnx"));
  assert.equal(status, 0, err);
  assert.match(err, /held-out images hold none of the class b/);
});

test("splits are no classes", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder);
  for (const name of ["train/a", "val/a", "test/a"]) await folder.write(`set/${name}/0.bmp`, plain(9));
  const { status, err } = await cupel("eval", model, "--images", folder.at("set"));
  assert.equal(status, 65);
  assert.match(err, /splits of a set and not classes/);
});

test("labels and class names that cannot be opened are missing input", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const set = folder.at("flat");
  await mkdir(set);
  await writeFile(join(set, "0.bmp"), plain(3));
  for (const words of [
    ["--images", set, "--labels", folder.at("nope.csv")],
    ["--images", images, "--labels", folder.at("nope-idx1")],
    ["--images", set, "--classes", folder.at("nope.txt")],
    ["--images", folder.at("nope.csv")],
  ]) {
    const { status, err } = await cupel("eval", model, ...words);
    assert.equal(status, 66, err);
    assert.doesNotMatch(err, /INTERNAL/);
  }
});

test("a folder of labels is refused where the task reads none", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const { status, err } = await cupel("eval", model, "--images", images, "--labels", folder.path);
  assert.equal(status, 65);
  assert.match(err, /error LABELS_MISMATCH: .* is a folder of labels; for a model of classification/);
});
